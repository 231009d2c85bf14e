"""How a closed round is rebuilt, logged and judged, step by step; git, DVC and stages stand in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import made_records
import pytest
from params import set_params

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.ports import DataSet
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.records.metrics_record import Evaluation
from labelcycle.campaign.records.plan_record import PlanDigests
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.records.withdrawn_record import Tombstone
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import campaign_status, change_limits, log_round, next_step, verify_round
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import skipped_samples, snapshots
from labelcycle.rounds.changed_answers import Compared
from labelcycle.rounds.corrections import Correction
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages import declaration

SHARE = Estimate(0.5, 0.25, 0.75)


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is done to the clone `rebuilt`, in order."""
    done: list[Any] = []
    rebuilt = Campaign(tmp_path / "rebuilt")
    rebuilt.work.mkdir(parents=True)
    made_records.selection(["a", "b"]).write(rebuilt.selection)
    Evaluation(labels=4, accuracy=SHARE).write(rebuilt.metrics)
    set_params(rebuilt.root, campaign={"name": "rebuilt"})
    names = [f"{number:016x}" for number in range(3)]
    samples = [Sample(n, f"00{c}/{n}.png", n, "pool", 1, 1) for c, n in enumerate(names)]
    write_samples(rebuilt.samples, samples)
    PoolRecord({"000": "", "001": ""}, {}).write(rebuilt.pool)  # cohort 2 came in later

    @contextmanager
    def restored(_: Snapshot, revision: str, targets: tuple[str, ...]) -> Iterator[Campaign]:
        done.append(("clone", revision, targets))
        yield rebuilt

    monkeypatch.setattr(verify_round, "restored", restored)
    monkeypatch.setattr(verify_round, "bring", lambda now, to, what: done.append(("bring", what)))
    monkeypatch.setattr(verify_round, "_compute", lambda to, stages: done.append(("run", stages)))
    monkeypatch.setattr(verify_round.git, "switch", lambda root, to: done.append(("switch", to)))
    monkeypatch.setattr(verify_round, "check_closed", lambda records, number: None)
    return done


def recorded(root: Path, **changes: Any) -> Snapshot:
    now = made_records.snapshot(root / "own", number=1)
    made_records.selection(["a", "b"]).write(now.campaign.round(0) / "selection.json")
    metrics = made_records.metrics(labels=4, accuracy=SHARE, **changes)
    metrics.write(now.campaign.round(0) / "metrics.json")
    return now


@pytest.mark.parametrize("deep", [False, True])
def test_a_round_is_rebuilt_from_its_inputs(tmp_path: Path, steps: list[Any], deep: bool) -> None:
    lines: list[str] = []
    verify_round.verify(recorded(tmp_path), 0, deep, lines.append)
    stages = "pretrain, embed, train, cluster, query" if deep else "train, cluster, query"
    assert lines == [
        "recorded files of round 0: as they were closed",
        f"rebuilding round 0: {stages}",
        "selection: the same 2 samples in the same order, in every digit",
        "rebuilding round 0: train, evaluate",
        "metrics: the same (accuracy 0.5000)",
    ]
    inputs = ("data/samples.dvc", "data/labels.dvc")
    answers = ("data/labels.dvc", "data/holdout.jsonl.dvc")
    more = () if deep else ("work/features",)
    first = ("pretrain", "embed") if deep else ()
    assert steps == [
        ("clone", "open/000", (*inputs, *more)),
        *([("bring", ("data/images/000.dvc", "data/images/001.dvc"))] if deep else []),
        ("run", (*first, "train", "cluster", "query")),
        ("switch", "round/000"),
        ("bring", (*answers, *(() if deep else more))),
        ("run", ("train", "evaluate")),
    ]


@pytest.mark.parametrize(
    ("left", "said", "runs"),
    [(1, "2 of the 2 recorded picks that are left", 2), (0, "no sample was left to pick", 1)],
)
def test_a_round_whose_pool_lost_samples(
    tmp_path: Path,
    steps: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    left: int,
    said: str,
    runs: int,
) -> None:
    stone = Tombstone("c" * 16, "", made_records.AT, "x", "pool", 0, 1, False, True)
    monkeypatch.setattr(verify_round, "_withdrawn", lambda now, number: (stone,))
    monkeypatch.setattr(verify_round, "_ask_for_what_is_left", lambda rebuilt: left)
    lines: list[str] = []
    verify_round.verify(recorded(tmp_path), 0, False, lines.append)
    assert lines[3].startswith(f"selection: without them, {said}")
    assert len([step for step in steps if step[0] == "run"]) == runs


@pytest.mark.parametrize(("labelled", "left", "budget"), [(0, 5, 4), (2, 3, 3), (5, 0, 4)])
def test_of_a_pool_that_lost_samples_what_is_left_is_asked_for(
    tmp_path: Path, labelled: int, left: int, budget: int
) -> None:
    rebuilt = Campaign(tmp_path)
    set_params(rebuilt.root, campaign={"classes": ["dark", "light"]}, query={"budget": 4})
    write_migrations(rebuilt, ())
    names = [f"{number:016x}" for number in range(5)]
    write_samples(rebuilt.samples, [Sample(n, f"000/{n}.png", n, "pool", 8, 8) for n in names])
    labels = [Label(name, "dark", votes={"dark": 1}, source="round 0") for name in names[:labelled]]
    write_labels(rebuilt.label_file(0), labels)
    assert verify_round._ask_for_what_is_left(rebuilt) == left
    assert config.load(rebuilt.params, parts=False).query.budget == budget


def test_a_file_that_the_encoder_names_is_brought_if_dvc_keeps_it(
    tmp_path: Path, steps: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[Any] = []
    monkeypatch.setattr(verify_round, "bring", lambda *given: brought.append(given))
    now, rebuilt = recorded(tmp_path), Campaign(tmp_path / "rebuilt")
    options = {"file": "data/own.npy"}
    set_params(rebuilt.root, pretrain={"encoder": "precomputed", "options": options})
    verify_round._restore_named(now, rebuilt)
    assert brought == []  # it is in git, or nowhere
    (rebuilt.root / "data").mkdir(exist_ok=True)
    (rebuilt.root / "data" / "own.npy.dvc").touch()
    verify_round._restore_named(now, rebuilt)
    assert brought == [(now, rebuilt, ("data/own.npy.dvc",))]


def test_what_cannot_be_rebuilt(
    tmp_path: Path, steps: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StateError) as none:
        verify_round.verify(recorded(tmp_path, cancelled=True), 0, False, print)
    assert str(none.value) == "round 0 was cancelled; there is nothing to rebuild"

    def changed(campaign: Campaign, number: int) -> None:
        raise StateError("plan.json is another one")

    monkeypatch.setattr(verify_round, "check_closed", changed)
    with pytest.raises(DataError) as told:
        verify_round.verify(recorded(tmp_path), 0, False, print)
    assert str(told.value) == "round 0 is not as it was closed: plan.json is another one"
    assert steps == []


def test_what_a_tracker_is_told_of_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = recorded(tmp_path, holdout=6)
    then = Campaign(tmp_path / "then")
    metrics = made_records.metrics(labels=4, holdout=6)
    metrics.write(then.round(0) / "metrics.json")
    plan = made_records.plan(pool=2, digests=PlanDigests("", "of the pool", "", ""))
    plan.write(then.round(0) / "plan.json")
    set_params(then.root, campaign={"name": "then"})
    asked: list[Any] = []

    @contextmanager
    def as_closed(_: Snapshot, tag: str, targets: tuple[str, ...]) -> Iterator[Campaign]:
        asked.append((tag, targets))
        yield then

    monkeypatch.setattr(log_round, "_as_closed", as_closed)
    monkeypatch.setattr(log_round.git, "head", lambda root, tag: f"commit of {tag}")
    monkeypatch.setattr(snapshots.campaign_key, "of", lambda root: "key")
    monkeypatch.setattr(log_round.commands, "recorded", lambda root, file: f"{root.name} {file}")
    with log_round.closed_round(now, 0) as closed:
        assert asked == [("round/000", ("work/model", "work/encoder", "work/figures"))]
        assert (closed.campaign, closed.key) == (now.config.campaign.name, "key")
        assert (closed.tag, closed.commit) == ("round/000", "commit of round/000")
        assert closed.params["campaign"]["name"] == "then"
        assert closed.data == {
            "pool": DataSet("data/samples", "of the pool", 2),
            "labels": DataSet("data/labels", "then data/labels", 4),
            "hold-out": DataSet("data/holdout.jsonl", "then data/holdout.jsonl", 6),
        }
        assert closed.plan == plan
        assert closed.metrics == metrics
        folders = closed.folders
        assert (folders.record, folders.figures) == (then.round(0), then.figures)
        assert (folders.model, folders.encoder) == (then.model, then.encoder)


@pytest.mark.parametrize(
    ("head", "dirty", "match", "own"),
    [
        ("tagged", (), True, True),
        ("later", (), True, False),
        ("tagged", ("notes",), True, False),
        ("tagged", (), False, False),
    ],
)
def test_a_round_is_told_from_its_own_folder_while_all_is_as_it_was_closed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    head: str,
    dirty: tuple[str, ...],
    match: bool,
    own: bool,
) -> None:
    now, then = made_records.snapshot(tmp_path), Campaign(tmp_path / "then")
    root, targets = now.campaign.root, ("work/model",)
    heads = {(root, "round/000"): "tagged", (root,): head}
    monkeypatch.setattr(log_round.git, "head", lambda *given: heads[given])
    monkeypatch.setattr(log_round.git, "dirty", lambda *given: {(root, ()): dirty}[given])
    monkeypatch.setattr(
        log_round.locked_digests, "match", lambda *given: {(root, targets): match}[given]
    )
    asked: list[Any] = []

    @contextmanager
    def restored(*given: Any) -> Iterator[Campaign]:
        asked.append(given)
        yield then

    monkeypatch.setattr(log_round, "restored", restored)
    with log_round._as_closed(now, "round/000", targets) as campaign:
        assert campaign == (now.campaign if own else then)
    assert asked == ([] if own else [(now, "round/000", targets)])


class Tracker:
    """Knows the rounds `known`; `told` are those it was told of."""

    def __init__(self, *known: int) -> None:
        self.known, self.told = set(known), list[Any]()

    def logged(self, key: str, campaign: str) -> set[int]:
        return self.known

    def address(self, key: str, campaign: str) -> str:
        return f"http://curves/{campaign}/{key}"

    def log_round(self, closed: Any) -> None:
        self.told.append(closed)


def four_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """Four closed rounds, of which one was cancelled, and a tracker's address."""
    now = made_records.snapshot(tmp_path, number=4)
    vars(now)["key"] = "key"
    monkeypatch.setenv(log_round.tracking_uri.VARIABLE, "http://curves")
    for number in range(4):
        metrics = made_records.metrics(round=number, cancelled=number == 1)
        metrics.write(now.campaign.round(number) / "metrics.json")
    now.campaign.private.mkdir(exist_ok=True)
    return now


def test_a_tracker_is_told_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = four_closed(tmp_path, monkeypatch)

    @contextmanager
    def closed_round(snapshot: Snapshot, number: int) -> Iterator[int]:
        yield number

    monkeypatch.setattr(log_round, "closed_round", closed_round)
    tracker = Tracker(2)
    address = f"http://curves/{now.config.campaign.name}/key"
    lines: list[str] = []
    assert log_round.log_missing(now, cast(Any, tracker), lines.append) == address
    assert lines == ["round 0: logging in MLflow", "round 3: logging in MLflow"]
    assert tracker.told == [0, 3]  # round 1 was cancelled
    assert log_round.log_missing(now, cast(Any, Tracker(0, 2, 3)), print) is None
    assert log_round.tracking_uri.of_campaign(now.campaign) == address


def test_the_model_of_the_last_round_that_stands_is_the_one_to_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = four_closed(tmp_path, monkeypatch)
    tracker, asked = Tracker(*range(4)), list[Any]()
    vars(tracker)["appoint"] = lambda *given: asked.append(given)
    log_round.log_missing(now, cast(Any, tracker), print)
    assert asked == []  # nothing was rolled back
    write_lines(now.campaign.rollbacks, [Rollback(1, 4, "use", "", "", "")])
    back = made_records.snapshot(tmp_path, number=4)
    vars(back)["key"] = "key"
    log_round.log_missing(back, cast(Any, tracker), print)
    assert asked == [("key", now.config.campaign.name, 0)]


# --- classes, limits, the status of a round -------------------------------------------------


def test_classes_that_were_changed_by_hand(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, number=0)
    write_migrations(now.campaign, ())
    snapshots.check_classes(now)  # nothing was asked yet
    made_records.plan(classes=("light", "dark")).write(now.campaign.round(0) / "plan.json")
    snapshots.check_classes(made_records.snapshot(tmp_path, number=1))  # their order is free
    made_records.plan(classes=("dark", "emu")).write(now.campaign.round(0) / "plan.json")
    with pytest.raises(StateError) as told:
        snapshots.check_classes(made_records.snapshot(tmp_path, number=1))
    assert str(told.value) == (
        "params.yaml: campaign.classes is not what labels were given in: wanted 'dark', 'emu', got"
        " 'dark', 'light'; put them back, then change them by `labelcycle schema add`, `rename`,"
        " `merge` or `remove`, which also says what becomes of the labels"
    )


def test_no_step_is_taken_after_classes_were_changed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = made_records.snapshot(tmp_path, number=1)
    made_records.plan(classes=("dark", "emu")).write(snapshot.campaign.round(0) / "plan.json")
    write_migrations(snapshot.campaign, ())
    write_samples(snapshot.campaign.samples, ())
    snapshot.campaign.dvc_yaml.write_text(declaration.print_dvc_yaml())
    monkeypatch.setattr(snapshots, "read", lambda root, memory: snapshot)
    for name in ("check_safe", "sweep", "check_closed", "_check_asked", "check_frozen"):
        monkeypatch.setattr(snapshots, name, lambda *_: None)
    for name in ("check_identity", "check_head", "dirty"):  # git finds nothing wrong
        monkeypatch.setattr(git, name, lambda *_: ())
    with pytest.raises(StateError, match=r"campaign\.classes is not what labels were given in"):
        snapshots.ready(tmp_path, parts=False)


def test_the_status_of_a_round_at_work(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, State.SELECTED, 1)
    plan = made_records.plan(strategy="badge", labels=8, budget=3)
    plan.write(now.folder / round_states.PLAN)
    found = campaign_status._at_work(now)
    assert found == campaign_status.RoundStatus(1, "selected", "badge", None, 8, budget=3)
    chosen = made_records.selection(["a"], stood_in="typiclust")
    chosen.write(now.folder / round_states.SELECTION)
    again = campaign_status._at_work(made_records.snapshot(tmp_path, State.SELECTED, 1))
    assert again == replace(found, stood_in="typiclust")


def test_what_a_campaign_has_is_counted(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path)
    assert campaign_status._counts(now) == campaign_status.Counts()  # a clone has yet to pull
    samples = [
        Sample(f"{n:016x}", f"{n:016x}.png", str(n), "holdout" if n < 3 else "pool", 1, 1)
        for n in range(10)
    ]
    write_samples(now.campaign.samples, samples)
    write_migrations(now.campaign, ())
    write_labels(now.campaign.label_file("owned"), [Label("a", "dark", source="owned")])
    written = [
        Label("b", "dark", source="round 0"),
        Label("c", "light", source="round 0"),
        Label("d", None, reason="skipped", source="round 0"),
        Label("e", None, reason="skipped", source="round 0"),
    ]
    write_labels(now.campaign.label_file(0), written)
    write_labels(now.campaign.holdout, [Label("h", "dark", source="round 0")])
    now = made_records.snapshot(tmp_path)
    assert campaign_status._counts(now) == campaign_status.Counts(7, 3, labels=3, bought=5)
    later = made_records.snapshot(tmp_path, number=1)
    skipped_samples.ask_again(later, [""], made_records.AT)
    again = campaign_status._counts(later)
    assert again == campaign_status.Counts(7, 3, labels=3, bought=5, again=2)


FINISHED = "nothing: all rounds of campaign.rounds are closed; raise it in params.yaml to go on"


@pytest.mark.parametrize(
    ("number", "state", "settings", "wanted"),
    [
        (0, State.DUE, {}, "`labelcycle up`, then `labelcycle run`"),
        (1, State.DUE, {}, "`labelcycle open`"),
        (1, State.DUE, {"open_next": True}, "`labelcycle run`"),
        (1, State.DUE, {"rounds": 1}, FINISHED),
        (2, State.DUE, {"rounds": 1}, FINISHED),
        (1, State.PULLED, {"rounds": 1}, "go on with `labelcycle run`"),
        (
            1,
            State.OPEN,
            {},
            "fill in what `labelcycle tasks` lists, or run `labelcycle annotate`; when the"
            " annotators are done, `labelcycle run`",
        ),
    ],
)
def test_what_is_next(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    state: State,
    settings: dict[str, Any],
    wanted: str,
) -> None:
    monkeypatch.setattr(next_step.git, "changed", lambda root, path: False)
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    now = made_records.snapshot(
        tmp_path, state, number, campaign={"classes": ["dark", "light"], **settings}
    )
    assert next_step.find(now) == "`labelcycle ingest PATH...`"
    write_samples(now.campaign.samples, ())
    for closed in range(number):
        metrics = made_records.metrics(round=closed)
        metrics.write(now.campaign.round(closed) / round_states.METRICS)
    made_records.pushed().write(now.folder / round_states.PUSHED)
    assert next_step.find(now) == wanted
    none = replace(now, config=config.parse({}, parts=False))
    assert next_step.find(none) == "write the class names into params.yaml"


def closed_round(root: Path) -> Snapshot:
    """Round 0 asked about a, b and h of the hold-out; round 1 is at work."""
    now = made_records.snapshot(root, State.OPEN, 1)
    kinds: dict[str, Any] = {"a": "selected", "b": "selected", "h": "holdout"}
    tasks = [PushedTask(f"k/{s}", s, n, n + 1, kind) for n, (s, kind) in enumerate(kinds.items())]
    made_records.pushed(tasks).write(now.campaign.round(0) / round_states.PUSHED)
    made_records.plan().write(now.campaign.round(0) / round_states.PLAN)
    given = [made_records.answer(f"k/{s}", n, "ann", "dark") for n, s in enumerate(kinds)]
    write_lines(now.campaign.round(0) / round_states.ANNOTATIONS, given)
    own = [PushedTask(f"k/{s}", s, n, n + 4, kind) for n, (s, kind) in enumerate(
        {"c": "selected", "d": "holdout", "g": "gold"}.items()
    )]  # fmt: skip
    made_records.pushed(own).write(now.folder / round_states.PUSHED)
    made_records.plan(round=1).write(now.folder / round_states.PLAN)
    labels = [Label(s, "dark", votes={"dark": 1}, source="round 0") for s in kinds]
    write_labels(now.campaign.label_file(0), labels[:2])
    write_labels(now.campaign.holdout, labels[2:])
    return now


def edited(sample: str, number: int, **more: Any) -> Correction:
    before = made_records.answer(f"k/{sample}", number, "ann", "dark")
    after = made_records.answer(f"k/{sample}", number, "ann", "light")
    return Correction(0, f"k/{sample}", number, "edited", before, after, "ann", **more)


def test_how_many_labels_a_close_would_change(tmp_path: Path) -> None:
    now = closed_round(tmp_path)
    write_migrations(now.campaign, ())
    write_labels(now.campaign.label_file("owned"), [Label("o", "dark", source="owned")])
    rejected = Label("r", None, reason="skipped", source="round 0")
    write_labels(now.campaign.label_file(0), [*now.records.labels_of(0), rejected])
    now = replace(now)
    found = change_limits._changed(now, Compared([edited("a", 0), edited("h", 2)], []))
    assert (found.labels, found.holdout, found.of) == (2, 1, 3)
    assert found.by == {"ann": 2}
    waits = Compared([edited("a", 0, state="waits")], [])
    nothing = change_limits._changed(now, waits)
    assert (nothing.labels, nothing.holdout, nothing.of, nothing.by) == (0, 0, 3, {})
    strict = replace(now, config=config.parse(
        {
            "campaign": {"classes": ["dark", "light"]},
            "close": {"most_changed": 0, "share_changed": 0.1, "most_changed_holdout": 9},
        },
        parts=False,
    ))  # fmt: skip
    with pytest.raises(StateError) as told:
        change_limits.check(strict, Compared([edited("a", 0), edited("h", 2)], []))
    assert str(told.value) == (
        "round 1 is not closed: corrections of closed rounds would change 2 of 3 labels, 1 of them"
        " in the hold-out, by annotator ann (2); wanted at most 0 (close.most_changed) or 10%"
        " (close.share_changed), and 9 of the hold-out (close.most_changed_holdout);"
        f" {change_limits.WHAT_NEXT}"
    )
    changes = [
        Correction(1, f"k/{s}", n, "edited", None, None, "bob", "waits")
        for n, s in enumerate("cdg", 5)
    ]
    lost = change_limits._lost(now, Compared(changes, []))
    assert (lost.labels, lost.holdout, lost.of, lost.by) == (2, 1, 2, {"bob": 2})
    heard = [made_records.answer("k/c", 9, "ann", "dark")]
    assert change_limits._lost(now, Compared(changes, heard)).labels == 1
    with pytest.raises(StateError) as told:
        change_limits.check(strict, Compared(changes, []))
    assert str(told.value).startswith(
        "round 1 is not closed: of 2 of its 2 tasks no answer counts, 1 of them of the hold-out,"
        " for their answers wait, changed by annotator bob (2); wanted at most 0"
    )
