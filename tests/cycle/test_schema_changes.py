"""Classes that change between rounds, in a whole campaign: what is asked, counted and refused."""

import json

import pytest
import yaml
from click.testing import CliRunner
from params import set_params

from labelcycle.adapters import git
from labelcycle.adapters.ports import LabelSchema
from labelcycle.campaign import label_csv, labels
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import read_labels
from labelcycle.campaign.round_states import State
from labelcycle.cli.main import cli
from labelcycle.cycle import campaign_status, class_changes, status_text
from labelcycle.errors import ServiceRefused, SettingsError, StateError
from labelcycle.rounds import snapshots


def schema(campaign: Campaign, *words: str) -> str:
    done = CliRunner().invoke(cli, ["-C", str(campaign.root), "schema", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def counted(campaign: Campaign) -> dict[str | None, int]:
    found = [label.label for label in labels.read_all_labels(campaign).values()]
    return {name: found.count(name) for name in set(found)}


def test_a_rename_reaches_record_settings_and_commit(closed):
    before = counted(closed)
    params = closed.params.read_text()
    files = {path: path.read_bytes() for path in closed.data.rglob("*.jsonl")}
    told = schema(closed, "rename", "dark", "black")
    assert told.startswith(
        f"rename class 'dark' to 'black': {before['dark']} labels change with it"
    )
    assert closed.params.read_text() == params.replace("dark", "black")
    assert git.head(closed.root) != git.head(closed.root, "round/000")
    assert not git.changed(closed.root, ".")
    assert {path: path.read_bytes() for path in files} == files
    assert counted(closed) == {"black": before["dark"], "light": before["light"]}
    assert "before round 1" in schema(closed)


@pytest.mark.slow
def test_a_rename_reaches_page_and_training(closed, flows, backend, truth):
    files = {path: path.read_bytes() for path in closed.data.rglob("*.jsonl")}
    schema(closed, "rename", "dark", "black")
    flows.open_now(str(closed.root))
    assert backend.schema.classes == ("black", "light")
    shown = {task.prediction.label for task in backend.tasks.values() if task.prediction}
    assert shown
    assert shown <= {"black", "light"}
    for key, task in backend.tasks.items():
        if task.round == 1:  # a page that was open before still sends the old name
            backend.answer(key, truth[task.sample])
    flows.run(str(closed.root))
    assert {label.label for label in read_labels(closed.label_file(1))} <= {"black", "light"}
    metrics = read_json(closed.round(1) / "metrics.json")
    expected = {"classes": ["black", "light"], "holdout": 6, "labels": 8}
    assert {name: metrics[name] for name in expected} == expected
    assert {path: path.read_bytes() for path in files if "holdout" not in path.name} == {
        path: data for path, data in files.items() if "holdout" not in path.name
    }
    assert "black" in label_csv.export(closed, holdout=True).text
    assert "dark" not in label_csv.export(closed, holdout=True).text


@pytest.mark.slow
def test_a_removed_class_is_trained_on_no_more_and_comes_back_whole(closed, flows, backend):
    before = counted(closed)
    schema(closed, "add", "grey", "--after", "dark")
    assert yaml.safe_load(closed.params.read_text())["campaign"]["classes"][1] == "grey"
    schema(closed, "remove", "dark")
    assert counted(closed) == {None: before["dark"], "light": before["light"]}
    assert "class 'dark' was removed" in label_csv.export(closed, rejected=True).text
    flows.open_now(str(closed.root))
    asked = {task.sample for task in backend.tasks.values() if task.round == 1}
    assert not asked & labels.read_all_labels(closed).keys()
    flows.end_early(str(closed.root), "cancel")
    schema(closed, "add", "dark")
    assert counted(closed) == before


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_late_answers_to_the_holdout_count_in_the_new_names(campaign, flows, backend, truth):
    root = str(campaign.root)
    for key, task in backend.tasks.items():
        backend.answer(key, truth[task.sample])
    dark, light = (
        next(
            key
            for key, task in backend.tasks.items()
            if task.kind == "holdout" and truth[task.sample] == name
        )
        for name in ("dark", "light")
    )
    backend.answer(dark, "light", annotator="2")  # a tie, which waits for more answers
    backend.answer(light, "dark", annotator="2")
    flows.run(root)
    schema(campaign, "add", "grey")
    schema(campaign, "rename", "dark", "black")
    backend.answer(dark, "dark", annotator="3")
    backend.answer(light, "light", annotator="3")
    flows.open_now(root)
    for key, task in backend.tasks.items():
        if task.round == 1:
            said = ("grey",) if task.kind == "selected" else ()
            backend.answer(key, *said, skipped=not said, annotator="4")
    flows.run(root)
    found = {label.sample: (label.label, label.votes) for label in read_labels(campaign.holdout)}
    assert found[backend.tasks[dark].sample] == ("black", {"black": 2, "light": 1})
    assert found[backend.tasks[light].sample] == ("light", {"black": 1, "light": 2})
    assert len(found) == 6


@pytest.mark.usefixtures("opened")
def test_classes_do_not_change_while_a_round_is_at_work(campaign):
    with pytest.raises(
        StateError, match=r"^round 0 is open, .*close it first.*`labelcycle cancel`"
    ):
        schema(campaign, "rename", "dark", "black")
    assert "no changes so far" in schema(campaign)


@pytest.mark.slow
def test_classes_changed_by_hand_are_refused_once_they_were_asked(closed, flows):
    set_params(closed.root, campaign={"classes": ["black", "light"]})
    text = (
        "campaign.classes is not what labels were given in: wanted 'dark', 'light', got 'black',"
        ".*put them back, then change them by `labelcycle schema add`"
    )
    for step in (
        lambda: flows.open_now(str(closed.root)),
        lambda: schema(closed, "rename", "dark", "black"),
    ):
        with pytest.raises(StateError, match=text):
            step()
    assert "labelcycle schema" in campaign_status.status(snapshots.read(closed.root)).next
    set_params(
        closed.root, campaign={"classes": ["light", "dark"]}
    )  # the order of the hot keys is free
    flows.open_now(str(closed.root))
    assert snapshots.read(closed.root).number == 1


@pytest.mark.slow
def test_before_round_0_classes_are_free_and_owned_labels_go_along(campaign, flows, tmp_path):
    set_params(campaign.root, campaign={"classes": ["dark", "light", "odd"]})
    sample = next(iter(read_pool(campaign)))
    (tmp_path / "own.csv").write_text(f"sample,label\n{sample},odd\n")
    label_csv.import_labels(campaign, tmp_path / "own.csv", ("dark", "light", "odd"))
    schema(campaign, "merge", "odd", "--into", "dark")
    assert counted(campaign) == {"dark": 1}
    flows.run(str(campaign.root))
    assert read_json(campaign.round(0) / "plan.json")["classes"] == ["dark", "light"]


def read_pool(campaign: Campaign) -> list[str]:
    from labelcycle.campaign.sample_files import read_samples

    return [sample.id for sample in read_samples(campaign.samples, "pool")]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["write_bytes", "commit"])
def test_a_change_killed_half_way_is_done_when_it_is_asked_again(closed, monkeypatch, step):
    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(git if step == "commit" else class_changes, step, killed)
        with pytest.raises(KeyboardInterrupt):
            class_changes.migrate(closed.root, lambda c, t: migrating_add(c, "grey"))
    schema(closed, "add", "gray")  # on second thoughts
    (made,) = labels.read_migrations(closed)
    assert made.after == ("dark", "light", "gray")
    assert snapshots.ready(closed.root).config.classes == made.after
    assert not git.changed(closed.root, ".")


def migrating_add(classes, name):
    from labelcycle.core import class_migrations

    return class_migrations.add(classes, name, None, {})


def test_a_name_that_is_none_changes_nothing(closed):
    before = closed.params.read_bytes(), closed.schema.read_bytes()
    with pytest.raises(SettingsError, match=r"campaign.classes: wanted class names without outer"):
        schema(closed, "add", " grey ")
    assert (closed.params.read_bytes(), closed.schema.read_bytes()) == before


def test_the_listing_has_labels_and_changes(closed):
    found = counted(closed)
    lines = schema(closed).splitlines()
    assert lines[0].split() == ["class", "labels"]  # no page, so no keys
    assert lines[1].split() == ["dark", str(found.get("dark", 0))]
    schema(closed, "rename", "light", "white")
    assert schema(closed).splitlines()[-1].endswith("rename class 'light' to 'white'")


@pytest.mark.slow
def test_an_interface_edited_by_hand_stops_the_next_open_too(closed, flows, backend):
    backend.edited, backend.schema = True, LabelSchema(("dark",), "")
    with pytest.raises(ServiceRefused, match="wanted the classes"):
        flows.open_now(str(closed.root))


@pytest.mark.slow
def test_an_interface_edited_by_hand_is_told_by_the_next_look_at_the_open_round(
    campaign, flows, backend, monkeypatch
):
    root = str(campaign.root)
    flows.run(root)
    asked = backend.schema
    backend.edited, backend.schema = True, LabelSchema(("dark", "Dress"), "")
    with pytest.raises(ServiceRefused, match="wanted the classes"):
        flows.collect(root)
    snapshot = snapshots.read(campaign.root)
    assert snapshot.state is State.OPEN
    assert "0 of 10 tasks done" in status_text.as_text(campaign_status.status(snapshot))
    backend.schema = asked
    assert not flows.collect(root)


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_an_instruction_changed_while_a_round_is_open_reaches_the_next(
    campaign, flows, backend, answer_all
):
    set_params(campaign.root, campaign={"instruction": "Pick the class"})
    answer_all()
    flows.run(str(campaign.root))
    assert "Choose the class" in backend.schema.instruction
    flows.open_now(str(campaign.root))
    assert "Pick the class" in backend.schema.instruction
    recorded = json.loads((campaign.round(1) / "pushed.json").read_text())["schema"]
    assert recorded["instruction"] == backend.schema.instruction
