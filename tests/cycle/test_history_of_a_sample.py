"""All that `labelcycle explain` finds on a sample, on a campaign written by hand."""

from pathlib import Path
from typing import Any

import made_records
import numpy as np
import pytest
from handmade_campaign import HOLDOUT, POOL, HandmadeCampaign

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands, recorded_outputs
from labelcycle.campaign import numpy_files
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import sample_history
from labelcycle.cycle.sample_history import NearSample, RoundOfSample, StrategyPick
from labelcycle.errors import DataError
from labelcycle.rounds import snapshots

A, B, C, D = POOL


@pytest.fixture
def made(handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch) -> HandmadeCampaign:
    """Its data come from the cache without DVC."""

    def restore(root: Path, origin: Path, targets: tuple[str, ...]) -> None:
        for each in recorded_outputs.here(root):
            if {each.path, f"{each.path}.dvc"} & {*targets}:
                content = handmade.place("cache", each.oid).read_bytes()
                for name, oid in recorded_outputs.listed(content):
                    path = root / each.path / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(handmade.place("cache", oid).read_bytes())

    monkeypatch.setattr(commands, "restore", restore)
    return handmade


def test_a_sample_that_was_chosen(made: HandmadeCampaign) -> None:
    now = snapshots.read(made.root)
    found = sample_history.history(now, sample_history.find(now, A))
    label = Label(A, "dark", votes={"dark": 1}, source="round 0")
    assert (found.label, found.owned, found.same_picture) == (label, None, ())
    assert (found.without_model, found.counts) == ("", True)
    task = PushedTask(f"{now.key}/000/{A}", A, 0, 0)
    answer = made_records.answer(task.key, 0, "ann", "dark")
    pick = made_records.selection([A]).samples[0]
    assert found.rounds == (
        RoundOfSample(
            0,
            True,
            False,
            StrategyPick("random", 2, pick),
            task,
            (answer,),
            label,
            (),
            True,
            {"light": 0.125, "dark": 0.0},
        ),
        RoundOfSample(
            1, True, False, None, None, (), None, (), True, {"light": 1.125, "dark": 1.0}
        ),
    )
    rows = np.arange(18, dtype="f4").reshape(6, 3) + 1
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert found.near == tuple(
        NearSample(POOL[n], f"from/{n}.png", round(float(unit[0] @ unit[n]), 4), "dark")
        for n in (1, 2, 3)
    )
    assert found.as_json()["rounds"][0]["choice"]["budget"] == 2


def test_a_sample_of_the_hold_out(made: HandmadeCampaign) -> None:
    now = snapshots.read(made.root)
    found = sample_history.history(now, sample_history.find(now, "from/4.png"))
    assert found.sample.id == HOLDOUT[0]
    first, second = found.rounds
    assert (first.task and first.task.sample, first.learned, first.chances) == (
        HOLDOUT[0],
        False,
        None,
    )
    assert second == RoundOfSample(1, True, False, None, None, (), None, (), False)
    assert len(found.near) == 4


def test_what_came_later_and_what_was_rolled_back(
    made: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = made.campaign
    key = f"{snapshots.read(made.root).key}/000/{A}"
    before, after = (made_records.answer(key, 0, "ann", each) for each in ("dark", "light"))
    change = Correction(0, key, 0, "edited", before, after, "ann")
    write_lines(campaign.round(1) / "corrections.jsonl", [change])
    rollback = Rollback(0, 2, "apart", "", git.head(made.root), made_records.AT)
    write_lines(campaign.rollbacks, [rollback])
    write_labels(campaign.label_file("owned"), [Label(A, "light", source="owned")])
    made_records.plan(round=2).write(campaign.round(2) / "plan.json")
    monkeypatch.setattr(sample_history, "restored", broken)
    now = snapshots.read(made.root)
    found = sample_history.history(now, sample_history.find(now, A))
    assert found.owned == Label(A, "light", source="owned")
    assert found.without_model == "the model of round/000 is nowhere"
    assert [(r.round, r.standing, r.counts, r.chances, r.learned) for r in found.rounds] == [
        (0, True, True, None, True),
        (1, False, False, None, True),
    ]
    assert found.rounds[0].changes == (change,)


def broken(snapshot: Any, tag: str, targets: Any) -> Any:
    raise DataError(f"the model of {tag} is nowhere")


def test_a_model_of_another_pool(made: HandmadeCampaign) -> None:
    assert sample_history.chances_in(made.campaign, "nobody") == {}
    numpy_files.write_array(made.campaign.probabilities, np.zeros((3, 2), "f4"))
    with pytest.raises(DataError, match=r"npy: wanted 4 rows of 2 classes, got 3 x 2$"):
        sample_history.chances_in(made.campaign, A)


def test_without_features_there_is_no_nearest(made: HandmadeCampaign) -> None:
    now = snapshots.read(made.root)
    mine = sample_history.find(now, HOLDOUT[1])
    waits = Sample("9" * 16, f"001/{'9' * 16}.png", "x", "pool", 1, 1)
    assert sample_history.nearest(now, waits, {}) == ()
    near = sample_history.nearest(now, mine, {})
    assert [each.label for each in near] == [None] * 4
    made.campaign.split_features("holdout").unlink()
    assert sample_history.nearest(now, mine, {}) == ()
    made.campaign.split_features("pool").unlink()
    assert sample_history.nearest(now, sample_history.find(now, A), {}) == ()
