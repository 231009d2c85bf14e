"""The loop, with real git and real stages: what is written, when, and that it is safe to repeat."""

import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from params import set_params
from websites import Page, served

from labelcycle.adapters import git, programs
from labelcycle.campaign import round_states
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import read_labels
from labelcycle.campaign.labels import read_all_labels
from labelcycle.campaign.records import record_files
from labelcycle.campaign.records.people_record import UnknownClasses
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import read_samples, write_samples
from labelcycle.cli import main
from labelcycle.core.digests import file_digest
from labelcycle.cycle import campaign_status, new_campaign, round_opening, status_text
from labelcycle.errors import PoolExhausted, ServiceDown, ServiceRefused, StateError
from labelcycle.notify import notices
from labelcycle.rounds import corrections, plug_in_options, skipped_samples, snapshots
from labelcycle.stages import declaration


def test_without_samples_status_says_how_they_come(campaign):
    shutil.rmtree(campaign.samples)
    tracked = campaign.samples.with_name("samples.dvc")
    for is_there, command in ((False, "`labelcycle ingest PATH...`"), (True, "`labelcycle pull`")):
        if is_there:
            tracked.touch()
        assert campaign_status.status(snapshots.read(campaign.root)).next == command


def asked_and_held(campaign, backend):
    """The samples asked for labels, and those of the hold-out."""
    held = {s.id for s in read_samples(campaign.samples, "holdout")}
    return {task.sample for task in backend.tasks.values() if task.kind != "holdout"}, held


@pytest.mark.usefixtures("opened")
def test_an_open_round_asks_for_what_it_selected_and_for_the_holdout(campaign, backend):
    assert snapshots.read(campaign.root).state is State.OPEN
    selection = read_json(campaign.round(0) / "selection.json")
    assert len(selection["samples"]) == 4
    asked, held = asked_and_held(campaign, backend)
    assert asked == {s["sample"] for s in selection["samples"]}
    assert {task.sample for task in backend.tasks.values() if task.kind == "holdout"} == held


@pytest.mark.usefixtures("closed")
def test_a_round_leaves_its_files_commits_and_tags(campaign, backend):
    snapshot = snapshots.read(campaign.root)
    assert (snapshot.number, snapshot.state) == (1, State.DUE)
    assert {"open/000", "round/000"} <= snapshot.tags
    names = sorted(path.name for path in campaign.round(0).iterdir())
    assert names == [
        "annotations.jsonl", "corrections.jsonl", "metrics.json", "plan.json", "pushed.json",
        "selection.json",
    ]  # fmt: skip
    asked, held = asked_and_held(campaign, backend)
    assert {x.sample for x in read_labels(campaign.label_file(0))} == asked
    assert {x.sample for x in read_labels(campaign.holdout)} == held
    assert not asked & held
    status = campaign_status.status(snapshot).as_json()["rounds"]
    assert [r["state"] for r in status] == ["closed"]
    assert status[0]["labels"] == 4
    assert status[0]["accuracy_low"] <= status[0]["accuracy"] <= status[0]["accuracy_high"]


@pytest.mark.slow
def test_the_status_says_who_stood_in_while_there_was_no_model(campaign, flows, answer_all):
    root = str(campaign.root)
    set_params(campaign.root, query={"strategy": "badge"})
    flows.run(root)
    for _ in range(2):  # while the round is open, and after
        status = campaign_status.status(snapshots.read(campaign.root))
        assert status.rounds[0].stood_in == "typiclust"
        assert " badge (typiclust stood in) " in status_text.as_text(status)
        answer_all()
        flows.run(root)
    flows.open_now(root)
    status = campaign_status.status(snapshots.read(campaign.root))
    assert status.rounds[1].stood_in is None
    assert "badge  " in status_text.as_text(status).splitlines()[-3]


@pytest.mark.parametrize(("state", "number"), [("opened", 0), ("closed", 1)])
def test_run_is_safe_to_repeat_in_every_state(state, number, request, flows, backend):
    campaign = request.getfixturevalue(state)
    tasks, head = dict(backend.ids), git.head(campaign.root)
    flows.run(str(campaign.root))
    assert backend.ids == tasks
    assert git.head(campaign.root) == head
    assert snapshots.read(campaign.root).number == number


@pytest.mark.slow
def test_a_later_look_opens_the_next_round_that_could_not_be_opened(
    campaign, flows, backend, answer_all, monkeypatch
):
    set_params(campaign.root, campaign={"open_next": True})
    root = str(campaign.root)
    assert not flows.collect(root)
    assert snapshots.read(campaign.root).state is State.DUE  # the first one is a person's to open
    flows.run(root)
    answer_all()
    with monkeypatch.context() as patched:
        patched.setattr(flows, "log_rounds", lambda snapshot: setattr(backend, "down", True))
        with pytest.raises(ServiceDown):
            flows.collect(root)
    backend.down, backend.push_dies_after = False, 2 + len(backend.ids)
    with pytest.raises(ServiceDown, match="broke off"):
        flows.collect(root)
    assert snapshots.read(campaign.root).state is State.SELECTED
    assert not flows.collect(root)
    snapshot = snapshots.read(campaign.root)
    assert (snapshot.number, snapshot.state) == (1, State.OPEN)


@pytest.mark.usefixtures("closed")
def test_the_next_round_opens_only_when_told(campaign, flows):
    root = str(campaign.root)
    flows.run(root)
    snapshot = snapshots.read(campaign.root)
    assert (snapshot.number, snapshot.state) == (1, State.DUE)
    assert campaign_status.status(snapshot).next == "`labelcycle open`"
    flows.open_now(root)
    assert snapshots.read(campaign.root).number == 1
    assert snapshots.read(campaign.root).state is State.OPEN


@pytest.mark.slow
def test_open_next_goes_on_until_all_rounds_are_closed(campaign, flows, backend, answer_all):
    set_params(campaign.root, campaign={"open_next": True})
    root = str(campaign.root)
    for _ in range(4):
        flows.run(root)
        answer_all()
    snapshot = snapshots.read(campaign.root)
    assert (snapshot.number, snapshot.state) == (3, State.DUE)
    assert len(read_all_labels(campaign)) == 12
    assert "nothing" in campaign_status.status(snapshot).next
    with pytest.raises(StateError, match=r"all rounds are closed: campaign.rounds is 3"):
        flows.open_now(root)


@pytest.mark.slow
def test_a_kill_between_any_two_side_effects_changes_nothing(
    campaign, flows, backend, answer_all, monkeypatch, tmp_path
):
    """Fail at the n-th write, commit or tag, for every n; run again; the end is the same."""

    class Killed(BaseException):
        pass

    counter = {"left": -1, "seen": 0}

    def dying(function):
        def call(*arguments, **keywords):
            counter["seen"] += 1
            if counter["left"] == 0:
                counter["left"] = -1
                raise Killed
            counter["left"] -= 1
            return function(*arguments, **keywords)

        return call

    from labelcycle.cycle import round_closing, round_opening

    for module, names in (
        (record_files, ("write_json", "write_jsonl")),
        (round_opening, ("write_bytes",)),
        (round_closing, ("write_labels",)),
        (git, ("commit", "tag")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, dying(getattr(module, name)))
    root = str(campaign.root)
    kills = further = 0
    for _ in range(200):
        before = snapshots.read(campaign.root)
        if before.number == 1:
            break
        counter["left"] = further
        try:
            flows.run(root)
            further = 0
        except Killed:
            kills += 1
            snapshot = snapshots.read(campaign.root)
            further = further + 1 if snapshot.state is before.state else 0
        if snapshots.read(campaign.root).state is State.OPEN:
            answer_all()
    assert kills >= 15
    assert snapshots.read(campaign.root).number == 1
    assert len({task.sample for task in backend.tasks.values()}) == len(backend.tasks) == 10
    killed = read_json(campaign.round(0) / "selection.json")
    assert len(read_labels(campaign.label_file(0))) == 4
    assert len(read_labels(campaign.holdout)) == 6
    assert len(killed["samples"]) == 4
    snapshots.ready(campaign.root)


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_skips_empty_and_unknown_answers_are_rejected_with_reasons(
    campaign, flows, backend, truth, capsys
):
    root = str(campaign.root)
    own = sorted((t.rank, key) for key, t in backend.tasks.items() if t.kind != "holdout")
    skipped, empty, unknown, fine = (key for _, key in own)
    backend.answer(skipped, skipped=True)
    backend.answer(empty)
    backend.answer(unknown, "zebra")
    backend.answer(fine, "dark")
    for key, task in backend.tasks.items():
        if task.kind == "holdout":
            backend.answer(key, truth[task.sample])
    capsys.readouterr()
    flows.run(root)
    said = "1 answer names no class of this campaign ('zebra') and does not count"
    assert said in capsys.readouterr().out
    snapshot = snapshots.read(campaign.root)
    assert said in notices.closed(snapshot).body
    assert said in status_text.as_text(campaign_status.status(snapshot))
    people = snapshot.records.metrics(0).people
    assert people.no_class == UnknownClasses(answers=1, names=("zebra",))
    found = {x.sample: (x.label, x.reason) for x in read_labels(campaign.label_file(0))}
    sample = {key: backend.tasks[key].sample for key in (skipped, empty, unknown, fine)}
    assert found[sample[skipped]] == (None, "skipped")
    assert found[sample[empty]] == (None, "empty answer")
    assert found[sample[unknown]] == (None, "unknown class 'zebra'")
    assert found[sample[fine]] == ("dark", None)
    flows.open_now(root)
    again = {t.sample for t in backend.tasks.values() if t.round == 1}
    assert not again & set(found)


@pytest.mark.usefixtures("opened")
@pytest.mark.slow
def test_skips_tell_their_reason_and_are_asked_again_on_request(
    campaign, flows, backend, truth, capsys
):
    root = str(campaign.root)
    own = sorted((t.rank, key) for key, t in backend.tasks.items() if t.kind != "holdout")
    none, unclear, plain, fine = (key for _, key in own)
    backend.answer(none, reason="none of these")
    backend.answer(unclear, reason="cannot be judged")
    backend.answer(plain, skipped=True)
    backend.answer(fine, "dark")
    held = [key for key, task in backend.tasks.items() if task.kind == "holdout"]
    for key in held:
        backend.answer(key, reason="none of these")
    flows.run(root)
    snapshot = snapshots.read(campaign.root)
    people = snapshot.records.metrics(0).people
    count = 1 + len(held)
    skips = {"none of these": count, "cannot be judged": 1, "no reason": 1}
    assert (people.skips, people.skipped) == (skips, count + 2)
    found = {x.sample: x.reason for x in read_labels(campaign.label_file(0))}
    sample = {key: backend.tasks[key].sample for key in (none, unclear, plain)}
    assert [found[sample[key]] for key in (none, plain)] == ["skipped: none of these", "skipped"]
    said = f"{count} of {count + 3} answers say 'none of these': a class may be missing"
    assert said in notices.closed(snapshot).body
    assert said in status_text.as_text(campaign_status.status(snapshot))

    result = CliRunner().invoke(main.cli, ["-C", root, "ask-again", "--reason", "cannot be judged"])
    assert "1 skipped sample is asked again" in result.output
    assert skipped_samples.waiting(snapshots.read(campaign.root)) == [sample[unclear]]
    assert "1 skipped sample is asked again when the next round opens" in status_text.as_text(
        campaign_status.status(snapshot)
    )
    flows.open_now(root)
    (again,) = (t for t in backend.tasks.values() if t.round == 1 and t.kind == "adjudication")
    assert again.sample == sample[unclear]
    for key, task in backend.tasks.items():
        if task.round == 1:
            backend.answer(key, truth[task.sample])
    flows.run(root)
    assert not skipped_samples.waiting(snapshots.read(campaign.root))
    latest = {x.sample: x.label for x in read_labels(campaign.label_file(1))}
    assert latest[sample[unclear]] == truth[sample[unclear]]


@pytest.mark.usefixtures("opened")
def test_a_persons_last_answer_counts(campaign, flows, backend, answer_all):
    key = next(key for key, t in backend.tasks.items() if t.kind != "holdout")
    backend.answer(key, "dark")
    backend.answer(key, "light")
    answer_all()
    flows.run(str(campaign.root))
    label = next(
        x for x in read_labels(campaign.label_file(0)) if x.sample == backend.tasks[key].sample
    )
    assert (label.label, label.votes) == ("light", {"light": 1})


@pytest.mark.slow
def test_pre_annotations_come_from_round_one_on_and_never_for_the_holdout(
    campaign, flows, backend, answer_all
):
    root = str(campaign.root)
    flows.run(root)
    assert all(task.prediction is None for task in backend.tasks.values())
    answer_all()
    flows.run(root)
    flows.open_now(root)
    later = [task for task in backend.tasks.values() if task.round == 1]
    assert [task.kind for task in later] == ["selected"] * 4
    assert all(task.prediction and task.prediction.model == "round-000" for task in later)
    assert backend.models == [None, "round-000"]


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_close_incomplete_keeps_the_answers_and_asks_the_rest_again(
    campaign, flows, backend, truth
):
    root = str(campaign.root)
    own = [key for key, t in backend.tasks.items() if t.kind != "holdout"]
    held = [key for key, t in backend.tasks.items() if t.kind == "holdout"]
    for key in (own[0], held[0]):
        backend.answer(key, truth[backend.tasks[key].sample])
    with pytest.raises(StateError, match=r"round 0 is not complete: wanted .* 10 tasks, got 2"):
        flows.close_now(root)
    gone = {backend.tasks[key].sample for key in own[1:]}
    flows.end_early(root, "incomplete")
    assert len(read_labels(campaign.label_file(0))) == 1
    assert len(read_labels(campaign.holdout)) == 1
    assert backend.withdrawn == {*own[1:], *held[1:]}
    assert read_json(campaign.round(0) / "metrics.json")["ended"] == "incomplete"
    set_params(campaign.root, query={"budget": 23})
    flows.open_now(root)
    by_rank = sorted((t for t in backend.tasks.values() if t.round == 1), key=lambda t: t.rank)
    assert gone <= {task.sample for task in by_rank}
    assert [task.kind for task in by_rank] == ["selected"] * 23 + ["holdout"] * 5
    for key, task in list(backend.tasks.items()):
        if task.round == 1:
            backend.answer(key, truth[task.sample])
    flows.run(root)
    assert len(read_labels(campaign.holdout)) == 6


def test_cancel_drops_a_plan_nobody_was_asked_by(campaign, flows, backend, monkeypatch):
    root = str(campaign.root)
    backend.push_dies_after = 0
    with pytest.raises(ServiceDown):
        flows.run(root)
    assert snapshots.read(campaign.root).state is State.SELECTED
    backend.down = True
    with pytest.raises(ServiceDown):  # who knows whether the push got through?
        flows.end_early(root, "cancel")
    backend.down = False
    flows.end_early(root, "cancel")
    assert snapshots.read(campaign.root).state is State.DUE


@pytest.mark.slow
def test_a_plan_whose_dropping_was_killed_can_be_dropped(campaign, flows, backend, monkeypatch):
    root = str(campaign.root)
    backend.push_dies_after = 0
    with pytest.raises(ServiceDown):
        flows.run(root)

    def killed(folder):
        (folder / round_states.PLAN).unlink()  # a folder's files go in any order
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(round_opening.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            flows.end_early(root, "cancel")
    assert snapshots.read(campaign.root).state is State.DUE
    flows.run(root)
    assert snapshots.read(campaign.root).state is State.OPEN


@pytest.mark.usefixtures("opened")
def test_cancel_keeps_the_answers_and_does_not_count(campaign, flows, backend, truth):
    root = str(campaign.root)
    key = next(key for key, t in backend.tasks.items() if t.kind != "holdout")
    backend.answer(key, truth[backend.tasks[key].sample])
    flows.end_early(root, "cancel", "wrong strategy")
    snapshot = snapshots.read(campaign.root)
    assert (snapshot.number, snapshot.finished) == (1, 0)
    assert campaign_status.status(snapshot).as_json()["rounds"][0]["state"] == "cancelled"
    assert len(read_all_labels(campaign)) == 1


@pytest.mark.slow
def test_cancel_after_half_a_push_keeps_what_was_answered(campaign, flows, backend, truth):
    root = str(campaign.root)
    backend.push_dies_after = 2
    with pytest.raises(ServiceDown, match="broke off"):
        flows.run(root)
    key = next(iter(backend.tasks))
    backend.answer(key, truth[backend.tasks[key].sample])
    flows.end_early(root, "cancel")
    assert snapshots.read(campaign.root).number == 1
    assert len(read_all_labels(campaign)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_a_lost_project_can_be_abandoned_and_the_holdout_is_asked_again(
    campaign, flows, backend, answer_all
):
    root = str(campaign.root)
    backend.lose_project()
    with pytest.raises(ServiceRefused, match=r"wanted project .*, got none of that number"):
        flows.end_early(root, "cancel")
    assert snapshots.read(campaign.root).state is State.ENDING
    flows.end_early(root, "cancel", "deleted", abandon=True)
    assert snapshots.read(campaign.root).number == 1
    flows.open_now(root)
    assert sum(task.kind == "holdout" for task in backend.tasks.values()) == 6
    answer_all()
    flows.run(root)
    assert snapshots.read(campaign.root).number == 2
    assert len(read_labels(campaign.holdout)) == 6
    flows.open_now(root)
    assert sum(task.kind == "holdout" for task in backend.tasks.values()) == 6


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_a_deleted_task_of_the_holdout_is_asked_again(campaign, flows, backend, answer_all):
    root = str(campaign.root)
    backend.delete_task(next(key for key, t in backend.tasks.items() if t.kind == "holdout"))
    flows.end_early(root, "incomplete")
    flows.open_now(root)
    answer_all()
    flows.run(root)
    assert snapshots.read(campaign.root).number == 2
    assert len(read_labels(campaign.holdout)) == 6


def test_what_killed_writes_leave_behind_is_neither_committed_nor_versioned(
    campaign, flows, answer_all
):
    root = str(campaign.root)
    left = [
        campaign.round(0) / ".plan.json.x.part",
        campaign.data / ".holdout.jsonl.x.part",
        campaign.labels / ".000.jsonl.x.part",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    flows.run(root)
    assert not any(path.exists() for path in left)
    for path in left:
        path.write_text("half")
    assert ".part" not in programs.run(["git", "status", "--porcelain"], campaign.root)


def test_settings_changed_between_push_and_commit_stop_the_open(
    campaign, flows, backend, monkeypatch
):
    root = str(campaign.root)
    monkeypatch.setattr(git, "tag", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        flows.run(root)
    monkeypatch.undo()
    set_params(campaign.root, query={"budget": 5})
    snapshot = snapshots.read(campaign.root)
    assert snapshot.state is State.PUSHED
    with pytest.raises(StateError, match=r"changed since round 0 was planned .*; put it back$"):
        round_opening.mark_open(
            snapshot
        )  # people were asked: it cannot be cancelled before it is open
    (campaign.round(0) / round_states.PUSHED).unlink()
    with pytest.raises(StateError, match=r"put it back, or give the round up with `labelcycle ca"):
        round_opening.check_plan(snapshots.read(campaign.root))


@pytest.mark.usefixtures("opened")
def test_the_holdout_and_the_owned_labels_are_frozen(campaign, flows, answer_all):
    root = str(campaign.root)
    manifest = campaign.samples / "000.jsonl"
    text = manifest.read_text()
    manifest.unlink()
    manifest.write_text(text.replace('"split": "holdout"', '"split": "pool"', 1))
    answer_all()
    with pytest.raises(StateError, match=r"^data/samples/000\.jsonl changed since a round was pl"):
        flows.run(root)
    PoolRecord({"000": file_digest(manifest)}, {}).write(campaign.pool)
    with pytest.raises(
        StateError, match=r"^data/pool\.json changed since round 0 was planned, whi"
    ):
        flows.run(root)


@pytest.mark.slow
@pytest.mark.usefixtures("closed")
def test_a_detached_head_and_a_branch_without_the_rounds_are_refused(campaign):
    programs.run(["git", "checkout", "-q", "open/000"], campaign.root)
    with pytest.raises(StateError, match=r"detached HEAD.*git switch main"):
        snapshots.ready(campaign.root)
    programs.run(["git", "switch", "-q", "-c", "other"], campaign.root)
    with pytest.raises(StateError, match=r"branch other does not hold round/000"):
        snapshots.ready(campaign.root)


@pytest.mark.slow
@pytest.mark.usefixtures("closed")
def test_init_again_touches_no_data(campaign):
    written = "outs:\n- path: labels\n"  # what DVC writes, which is left out here
    (campaign.data / "labels.dvc").write_text(written)
    for words in (["add", "-f", "data/labels.dvc"], ["commit", "-q", "-m", "as DVC has it"]):
        programs.run(["git", *words], campaign.root)
    campaign.holdout.unlink()
    campaign.dvc_yaml.write_text("old")
    new_campaign.init(campaign.root)
    assert not campaign.holdout.exists()
    assert campaign.dvc_yaml.read_text() == declaration.print_dvc_yaml()


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_changed_settings_are_held_while_a_round_is_open(campaign, flows, backend, answer_all):
    root = str(campaign.root)
    answer_all()
    set_params(campaign.root, query={"budget": 5})
    assert campaign_status.status(snapshots.read(campaign.root)).params_wait
    set_params(campaign.root, evaluate={"bootstrap": 110})
    with pytest.raises(StateError, match=r"evaluate.bootstrap changed while round 0 is open"):
        flows.run(root)
    set_params(campaign.root, evaluate={"bootstrap": 100})
    flows.run(root)
    assert campaign_status.status(snapshots.read(campaign.root)).params_wait
    flows.open_now(root)
    assert len(read_json(campaign.round(1) / "selection.json")["samples"]) == 5
    assert not campaign_status.status(snapshots.read(campaign.root)).params_wait


def test_a_budget_above_the_pool_is_refused_before_anything_is_written(campaign, flows):
    set_params(campaign.root, query={"budget": 25})
    with pytest.raises(PoolExhausted, match=r"^query.budget must be in 1..24.*\(got 25\)"):
        flows.run(str(campaign.root))
    assert snapshots.read(campaign.root).state is State.DUE


@pytest.mark.usefixtures("closed")
def test_a_changed_closed_file_stops_the_next_run(campaign, flows):
    root = str(campaign.root)
    path = campaign.round(0) / "selection.json"
    path.write_text(path.read_text().replace('"rank": 0', '"rank": 9'))
    with pytest.raises(StateError, match=r"^rounds/000/selection.json of the closed round 0"):
        flows.open_now(root)


def test_a_dirty_tree_is_refused(campaign, flows):
    stray = campaign.root / "notes.txt"
    stray.write_text("a")
    git.commit(campaign.root, ["notes.txt"], "notes")
    stray.write_text("b")
    with pytest.raises(StateError, match=r"^the git tree is dirty: .* got notes.txt"):
        flows.run(str(campaign.root))


@pytest.mark.parametrize("number", [0, 3])
def test_states_follow_the_files_in_their_order(number):
    tags = {round_states.round_tag(n) for n in range(number)}
    assert round_states.current(tags) == number
    files: set[str] = set()
    seen = [round_states.state(number, files, tags)]
    for name, tag in (
        (round_states.PLAN, None),
        (round_states.SELECTION, None),
        (round_states.PUSHED, None),
        (None, round_states.open_tag(number)),
        (round_states.ANNOTATIONS, None),
        (round_states.LABELS, None),
        (round_states.METRICS, None),
        (None, round_states.round_tag(number)),
    ):
        files |= {name} if name else set()
        tags |= {tag} if tag else set()
        seen.append(round_states.state(number, files, tags))
    assert seen == [s for s in State if s is not State.ENDING]


def test_a_service_that_is_away_is_told_before_anything_is_computed(campaign, flows, backend):
    backend.down = True
    with pytest.raises(ServiceDown, match="does not answer"):
        flows.run(str(campaign.root))
    assert snapshots.read(campaign.root).state is State.DUE
    assert not campaign.encoder.exists()


@pytest.mark.parametrize("command", ["run", "collect_now", "close_now"])
def test_who_waits_is_told_at_once_that_the_backend_is_away(
    opened, flows, backend, monkeypatch, command
):
    """A flow's task would try again for half a minute."""
    for name in ("look", "pull"):
        monkeypatch.setattr(flows, name, lambda snapshot: pytest.fail("a task was begun"))
    backend.down = True
    with pytest.raises(ServiceDown, match="does not answer"):
        getattr(flows, command)(str(opened.root))
    assert snapshots.read(opened.root).state is State.OPEN


def test_a_campaign_with_nothing_due_needs_no_backend(closed, flows, backend):
    backend.down = True
    flows.run(str(closed.root))
    assert snapshots.read(closed.root).state is State.DUE


def test_a_folder_with_other_things_is_no_place_for_a_campaign(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(StateError, match=r"is not empty: .* got 1 file such as photo.jpg"):
        new_campaign.init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_status_names_what_the_next_step_would_refuse(campaign, flows):
    set_params(campaign.root, pretrain={"encoder": "pixel"})
    told = campaign_status.status(snapshots.read(campaign.root)).next
    assert told.startswith("mend params.yaml: ")
    assert "did you mean 'pixels'?" in told


def test_an_opening_tells_of_images_that_browsers_may_not_load(
    campaign, flows, backend, monkeypatch, capsys
):
    monkeypatch.setenv("LABEL_STUDIO_HOST", "http://studio.example.org")
    set_params(campaign.root, push={"images": "source", "backend": "label_studio"})
    with served({"/a.png": Page(b"x")}) as site:
        samples = [
            replace(each, source=f"{site.url}/a.png") for each in read_samples(campaign.samples)
        ]
        write_samples(campaign.samples, samples)
        flows.run(str(campaign.root))
    assert len(site.asked) == 1
    assert (
        f"annotators may not see the images: {site.url}/a.png: answered with"
        " Access-Control-Allow-Origin: nothing; its website must allow http://studio.example.org"
    ) in capsys.readouterr().out
    assert snapshots.read(campaign.root).state is State.OPEN
    assert len(backend.tasks) == 10


@pytest.mark.slow
def test_a_look_that_closes_nothing_imports_no_part_to_check_its_options(
    opened, flows, answer_all, monkeypatch
):
    asked, checked = [], plug_in_options.checked
    monkeypatch.setattr(
        plug_in_options, "checked", lambda *given: asked.append(given) or checked(*given)
    )
    flows.collect_now(str(opened.root))
    assert asked == []
    answer_all()
    flows.collect_now(str(opened.root))
    assert snapshots.read(opened.root).state is State.DUE
    assert asked


@pytest.mark.usefixtures("opened")
@pytest.mark.slow
def test_a_round_is_closed_where_it_was_asked_whatever_the_settings_say_by_then(
    campaign, flows, answer_all, monkeypatch
):
    from labelcycle.adapters import annotation

    asked_for, of = [], annotation.of
    monkeypatch.setattr(
        annotation, "of", lambda campaign, name: asked_for.append(name) or of(campaign, name)
    )
    set_params(campaign.root, push={"backend": "label_studio"})
    answer_all()
    flows.run(str(campaign.root))
    assert snapshots.read(campaign.root).number == 1
    assert set(asked_for) == {"files"}
    flows.open_now(str(campaign.root))
    assert asked_for[-1] == "label_studio"
    pushed = [read_json(campaign.round(n) / "pushed.json") for n in (0, 1)]
    assert [record["backend"] for record in pushed] == ["files", "label_studio"]
    assert corrections.watched(snapshots.read(campaign.root)) == {}  # they were asked elsewhere
