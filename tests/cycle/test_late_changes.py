"""Answers in a real Label Studio that people change after their round was closed."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from made_records import UNCHANGED
from real_server import backend, where
from squares import SETTINGS, make_images

from labelcycle import config
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json, read_jsonl
from labelcycle.campaign.label_files import read_labels
from labelcycle.campaign.labels import read_all_labels
from labelcycle.cycle import new_campaign, round_closing
from labelcycle.rounds import corrected_labels, correction_decisions, snapshots

pytestmark = pytest.mark.service

__all__ = ["backend", "where"]

OTHER = {"dark": "light", "light": "dark"}


@pytest.fixture
def campaign(tmp_path: Path, without_dvc: None, service_campaign: Campaign) -> Campaign:
    """A campaign that shows its images where the server looks for them."""
    make_images(tmp_path / "images", 20)
    few = {"ingest": {"holdout": 2}, "push": {"min_side": 32, "preannotate": False}}
    made = new_campaign.init(tmp_path / "campaign", config.parse(SETTINGS | few))
    made.media.symlink_to(service_campaign.media, target_is_directory=True)
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


@pytest.fixture
def api(where: dict[str, str]) -> LabelStudioApi:
    return LabelStudioApi(where["LABEL_STUDIO_URL"], where["LABEL_STUDIO_API_KEY"])


def answer(api: LabelStudioApi, task: int, label: str, person: int = 1) -> None:
    result, name = labeling_config.result(label), str(uuid.uuid4())
    assert api.annotate(task, result=result, completed_by=person, lead_time=2.0, unique_id=name)


def close(campaign: Campaign, flows: Any, api: LabelStudioApi, truth: dict[str, str]) -> Any:
    """Answer the open round's tasks and close it; what it says of corrections."""
    number = snapshots.read(campaign.root).number
    for task in read_json(campaign.round(number) / round_states.PUSHED)["tasks"]:
        answer(api, task["task"], truth[task["sample"]])
    assert flows.collect(str(campaign.root))
    return read_json(campaign.round(number) / round_states.METRICS)["corrections"]


def test_an_edit_a_deletion_and_a_second_answer(
    campaign: Campaign,
    flows: Any,
    api: LabelStudioApi,
    truth: dict[str, str],
    backend: LabelStudioBackend,
) -> None:
    root = str(campaign.root)
    flows.run(root)
    assert close(campaign, flows, api, truth) == UNCHANGED
    before = read_all_labels(campaign)
    sample = {t["task"]: t["sample"] for t in read_json(campaign.round(0) / "pushed.json")["tasks"]}
    given = {r["task"]: r for r in read_jsonl(campaign.round(0) / round_states.ANNOTATIONS)}
    edited, deleted, tied, gone, *held = given
    right = {task: truth[name] for task, name in sample.items()}

    flows.open_now(root)
    for task in (edited, held[0]):
        result = labeling_config.result(OTHER[right[task]])
        number = given[task]["annotation"]
        api.call("editing", lambda sdk, n=number, r=result: sdk.annotations.update(n, result=r))
    api.call("deleting", lambda sdk: sdk.annotations.delete(given[deleted]["annotation"]))
    other = api.create_user(f"{uuid.uuid4().hex}@example.org", "hut-und-stock")
    answer(api, tied, OTHER[right[tied]], other)
    api.call("deleting", lambda sdk: sdk.tasks.delete(str(gone)))
    now_ = snapshots.ready(campaign.root)
    changes = round_closing.changes(now_, backend)
    assert [(c.what, c.by, c.state) for c in changes if c.state != "counts"] == [
        ("deleted", "1?", "waits")
    ]
    correction_decisions.write(now_, [c for c in changes if c.annotation], "accept")
    found = close(campaign, flows, api, truth)
    assert found == UNCHANGED | {
        "edited": 2, "added": 1, "deleted": 1, "tasks": 1, "labels": 4,
        "by": {"1": 2, "1?": 1, str(other): 1},
    }  # fmt: skip
    records = list(read_jsonl(campaign.round(1) / round_states.CORRECTIONS))
    assert {(r["what"], r["round"], r["key"]) for r in records} == {
        (what, 0, given[task]["key"])
        for what, task in (
            ("edited", edited),
            ("edited", held[0]),
            ("deleted", deleted),
            ("added", tied),
            ("task deleted", gone),
        )
    }
    change = next(r for r in records if r["what"] == "edited")
    assert change["before"]["raw"]["id"] == change["after"]["raw"]["id"] == change["annotation"]
    now = read_all_labels(campaign)
    assert now[sample[edited]].label == OTHER[right[edited]]
    assert (now[sample[deleted]].label, now[sample[deleted]].reason) == (
        None,
        corrected_labels.WITHDRAWN,
    )
    assert (now[sample[tied]].reason, now[sample[gone]]) == (
        "tie between dark, light",
        before[sample[gone]],
    )
    holdout = {label.sample: label.label for label in read_labels(campaign.holdout)}
    assert holdout[sample[held[0]]] == OTHER[right[held[0]]]

    flows.open_now(root)
    assert close(campaign, flows, api, truth) == UNCHANGED
    snapshots.ready(campaign.root)  # closed files are as they were closed
