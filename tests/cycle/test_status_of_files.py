"""What `labelcycle status` finds in a campaign's files, part by part."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import made_records
import pytest

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.records.cohorts_record import Cohort, CohortsRecord
from labelcycle.campaign.records.metrics_record import CohortFigures
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.campaign.sample_groups import Sides
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import (
    campaign_status,
    next_step,
    round_closing,
    sample_history,
    sample_history_text,
)
from labelcycle.cycle.campaign_status import CohortStatus, OpenRound
from labelcycle.cycle.sample_history import RoundOfSample
from labelcycle.errors import ServiceDown, ServiceRefused
from labelcycle.rounds import altered_tasks, changed_answers, pushed_tasks
from labelcycle.rounds.snapshots import Snapshot

SHARE = Estimate(0.5, 0.25, 0.75)


def sample(number: int, cohort: int, split: Any = "pool", folder: str = "x") -> Sample:
    name = f"{number:016x}"
    return Sample(name, f"{cohort:03d}/{name}.png", f"{folder}/{number}.png", split, 1, 1)


def stone(**changes: Any) -> Tombstone:
    first = Tombstone("a" * 16, "", made_records.AT, "why", "pool", 1, 2, False, done=True)
    return replace(first, **changes)


def test_each_cohort_with_its_part_of_the_accuracy(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, number=2)
    assert campaign_status._cohorts(now) == ()
    samples = [sample(0, 0), sample(1, 0), sample(2, 0, "holdout"), sample(3, 1), sample(4, 2)]
    write_samples(now.campaign.samples, samples)
    PoolRecord({"000": "", "001": ""}, {}).write(now.campaign.pool)
    cohorts = tuple(Cohort(n, f"at {n}", (), 0, 0) for n in range(2))
    CohortsRecord((), cohorts).write(now.campaign.cohorts)
    now.campaign.unusual.mkdir(parents=True)
    (now.campaign.unusual / "001.png").write_bytes(b"")
    of_cohorts = {"000": CohortFigures(7, SHARE)}
    for number, figures in enumerate((of_cohorts, None)):  # the last round was not measured
        metrics = made_records.metrics(round=number, cohorts=figures)
        metrics.write(now.campaign.round(number) / "metrics.json")
    assert campaign_status._cohorts(now) == (
        CohortStatus(0, "at 0", 2, 1, True, SHARE, 7),
        CohortStatus(1, "at 1", 1, 0, True, unusual=".labelcycle/unusual/001.png"),
        CohortStatus(2, "", 1, 0, False),
    )


def test_a_closed_round_with_what_its_people_did(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, number=2)
    for number in range(2):
        folder = now.campaign.round(number)
        made_records.plan(holdout=6 + number).write(folder / "plan.json")
        metrics = made_records.metrics(
            round=number, accuracy=SHARE, holdout=5, groups=3, cancelled=number == 1
        )
        metrics.write(folder / "metrics.json")
    made_records.selection("a", stood_in="random").write(now.campaign.round(0) / "selection.json")
    found = campaign_status._closed(now, 0)
    metrics = now.records.metrics(0)
    assert (found.round, found.state, found.strategy, found.stood_in) == (
        0,
        "closed",
        "random",
        "random",
    )
    assert (found.labels, found.accuracy, found.measured) == (4, SHARE, 5)
    assert (found.holdout, found.groups) == (6, 3)
    assert found.people == metrics.people
    assert found.preannotation == metrics.preannotation.campaign
    assert found.corrections == made_records.NO_CHANGES
    assert (campaign_status._closed(now, 1).state, campaign_status._closed(now, 1).stood_in) == (
        "cancelled",
        None,
    )
    write_lines(now.campaign.rollbacks, [Rollback(0, 2, "use", "", "", "")])
    back = made_records.snapshot(tmp_path, number=2)
    assert campaign_status._closed(back, 1).state == "rolled back"
    assert campaign_status._closed(back, 0).state == "closed"


def test_an_open_round_says_how_far_people_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = made_records.snapshot(tmp_path, State.OPEN)
    made_records.pushed(url="http://there").write(now.folder / "pushed.json")
    made_records.plan(strategy="badge").write(now.folder / "plan.json")
    progress = AnnotationProgress(10, 3, 1)
    monkeypatch.setattr(pushed_tasks, "backend", lambda snapshot: ("backend", snapshot))
    asked: list[Any] = []
    monkeypatch.setattr(
        round_closing, "progress", lambda *given: (asked.append(given), progress)[1]
    )
    monkeypatch.setattr(altered_tasks, "summary_line", lambda snapshot: "1 task showed another")
    monkeypatch.setattr(changed_answers, "seen", lambda snapshot: [])
    wanted = OpenRound("http://there", progress, altered="1 task showed another")
    assert campaign_status._open(now) == wanted
    assert asked == [(now, ("backend", now))]
    assert campaign_status._at_work(now).open == wanted
    assert campaign_status._at_work(replace(now, state=State.PULLED)).open is None
    assert wanted.as_json() == {
        "url": "http://there",
        **progress.figures,
        "altered": "1 task showed another",
        "waiting": [],
    }
    for error in (ServiceDown("no route"), ServiceRefused("no route")):

        def away(*_: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(round_closing, "progress", away)
        found = campaign_status._open(now)
        down = isinstance(error, ServiceDown)
        assert found == OpenRound("http://there", None, problem="no route", away=down)
    assert found.as_json() == {
        "url": "http://there",
        "tasks": None,
        "answered": None,
        "skipped": None,
        "problem": "no route",
    }


def test_groups_are_those_of_the_manifest_and_of_the_rule(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path)
    assert campaign_status.sides(now) is None
    samples = [sample(0, 0, folder="a"), sample(1, 0, "holdout", "a"), sample(2, 0, folder="b")]
    write_samples(now.campaign.samples, samples)
    PoolRecord({}, {}).write(now.campaign.pool)  # all wait
    assert campaign_status.sides(now) is None
    by_folder = made_records.snapshot(tmp_path, ingest={"group": {"folder": 1}})
    assert campaign_status.sides(by_folder) == Sides(2, ("a",))
    named = [replace(each, named_groups=("c",)) for each in samples[1:]]
    write_samples(now.campaign.samples, [samples[0], *named])
    assert campaign_status.sides(made_records.snapshot(tmp_path)) == Sides(1, ("c",))
    assert campaign_status.sides(
        made_records.snapshot(tmp_path, ingest={"group": {"folder": 1}})
    ) == Sides(2, ("c",))


def next_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool = False) -> str:
    monkeypatch.setattr(git, "changed", lambda root, path: changed and path == "params.yaml")
    monkeypatch.setattr(git, "committed", lambda root, path: b"")
    return next_step.find(made_records.snapshot(tmp_path, number=1))


def test_before_round_0_label_studio_is_started_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "changed", lambda root, path: False)
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    now = made_records.snapshot(tmp_path)
    write_samples(now.campaign.samples, [])
    assert next_step.find(now) == "`labelcycle up`, then `labelcycle run`"
    files = made_records.snapshot(tmp_path, push={"backend": "files"})
    assert next_step.find(files) == "`labelcycle run`"
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://there")
    assert next_step.find(now) == "`labelcycle run`"


def test_what_is_next_in_an_open_round_hangs_on_what_its_server_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "changed", lambda root, path: False)
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    now = made_records.snapshot(tmp_path, State.OPEN)
    write_samples(now.campaign.samples, [])
    made_records.plan().write(now.folder / "plan.json")
    made_records.pushed(backend="label_studio").write(now.folder / "pushed.json")
    write_labels(now.campaign.holdout, [])
    write_migrations(now.campaign, ())

    def with_look(look: OpenRound) -> str:
        monkeypatch.setattr(campaign_status, "_open", lambda snapshot: look)
        return campaign_status.status(now).next

    people = "annotators press Label All Tasks; when the annotators are done, `labelcycle run`"
    assert with_look(OpenRound("u", AnnotationProgress(10, 8, 1))) == people
    done = OpenRound("u", AnnotationProgress(10, 8, 2))
    assert with_look(done) == "all tasks are done: `labelcycle run`"
    away = OpenRound("u", None, "no route", away=True)
    assert with_look(away) == "`labelcycle up`"
    assert with_look(replace(away, away=False)) == people
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://of-somebody-else")
    assert with_look(away) == people
    monkeypatch.delenv("LABEL_STUDIO_URL")
    made_records.pushed(backend="files").write(now.folder / "pushed.json")
    assert with_look(away).startswith("fill in what `labelcycle tasks` lists")


def test_what_was_begun_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = made_records.snapshot(tmp_path).campaign
    write_samples(campaign.samples, [])
    WithdrawnRecord((stone(done=False),)).write(campaign.withdrawn)
    ends = "`labelcycle withdraw`, which goes on with a withdrawal that is not finished"
    assert next_of(tmp_path, monkeypatch) == ends
    campaign.params.write_text("campaign: {classes: [dark, dark]}\n")
    assert next_of(tmp_path, monkeypatch, changed=True).startswith("mend params.yaml: campaign.cl")
    campaign.params.write_text(config.print_params(None))
    write_migrations(campaign, ())
    made_records.plan(classes=("cat", "dog")).write(campaign.round(0) / "plan.json")
    wanted = "mend params.yaml: campaign.classes is not what labels were given in"
    assert next_of(tmp_path, monkeypatch, changed=True).startswith(wanted)
    assert next_of(tmp_path, monkeypatch) == ends
    made_records.plan().write(campaign.round(0) / "plan.json")
    assert next_of(tmp_path, monkeypatch, changed=True) == ends
    write_lines(campaign.rollbacks, [Rollback(0, 1, "use", "", "", "")])
    back = "`labelcycle rollback round/000 --answers use`"
    assert next_of(tmp_path, monkeypatch) == back


def test_settings_wait_once_a_round_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(git, "changed", lambda *given: (asked.append(given), True)[1])
    for number, state, wait in ((0, State.DUE, False), (0, State.OPEN, True), (1, State.DUE, True)):
        now = made_records.snapshot(tmp_path, state, number)
        assert campaign_status._params_wait(now) is wait
    assert asked == [(now.campaign.root, "params.yaml")] * 2


def test_withdrawn_samples_are_counted(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path)
    write_samples(now.campaign.samples, [sample(0, 0)])
    write_migrations(now.campaign, ())
    write_labels(now.campaign.label_file(0), [Label("a", "dark", source="round 0")])
    write_labels(now.campaign.holdout, [])
    WithdrawnRecord((stone(), stone(sample="b" * 16))).write(now.campaign.withdrawn)
    found = asdict(campaign_status._counts(now))
    assert found == {
        "pool": 1,
        "holdout": 0,
        "labels": 1,
        "bought": 1,
        "again": 0,
        "withdrawn": 2,
    }
    none = made_records.snapshot(tmp_path / "clone")
    assert asdict(campaign_status._counts(none)) == dict.fromkeys(found, 0)


def campaign_of(tmp_path: Path) -> Snapshot:
    now = made_records.snapshot(tmp_path, number=1)
    folder = now.campaign.round(0)
    made_records.plan().write(folder / "plan.json")
    made_records.metrics().write(folder / "metrics.json")
    write_migrations(now.campaign, ())
    write_lines(now.campaign.rollbacks, [Rollback(0, 1, "use", "", "", "t")])
    return now


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A campaign with an answer for all that its status asks."""
    now = campaign_of(tmp_path)
    monkeypatch.setattr(git, "changed", lambda root, path: False)
    text = now.campaign.rollbacks.read_bytes()
    monkeypatch.setattr(git, "committed", lambda root, path: text)
    of = {now.campaign.root: "http://x"}
    monkeypatch.setattr(
        campaign_status.tracking_uri, "of_campaign", lambda campaign: of[campaign.root]
    )
    return now


def test_the_whole_status_of_a_campaign(whole: Snapshot) -> None:
    found = campaign_status.status(whole)
    assert found.campaign == whole.config.campaign.name
    assert [each.state for each in found.rounds] == ["closed"]
    assert (found.mlflow, found.params_wait, found.waiting) == ("http://x", False, ())
    assert found.missing_class == whole.config.notify.missing_class
    assert found.rollbacks == (Rollback(0, 1, "use", "", "", "t"),)
    assert found.rolled_back == ("rolled back to round/000 at t: no round was closed since",)
    assert found.next == "`labelcycle ingest PATH...`"


def test_a_planned_round_follows_the_closed_ones(whole: Snapshot) -> None:
    plan = made_records.plan(round=1, strategy="badge", labels=4)
    plan.write(whole.campaign.round(1) / "plan.json")
    planned = campaign_status.status(replace(whole, state=State.PLANNED))
    assert [each.state for each in planned.rounds] == ["closed", "planned"]


def test_a_status_as_json_has_groups_where_samples_do(tmp_path: Path, whole: Snapshot) -> None:
    json = campaign_status.status(whole).as_json()
    assert list(json)[:7] == [
        "campaign",
        "pool",
        "holdout",
        "labels",
        "bought",
        "again",
        "withdrawn",
    ]
    assert json["rollbacks"][0]["to"] == 0
    assert "groups" not in json
    write_samples(whole.campaign.samples, [replace(sample(0, 0), named_groups=("a",))])
    write_labels(whole.campaign.holdout, [])
    grouped = campaign_status.status(made_records.snapshot(tmp_path, number=1)).as_json()
    assert grouped["groups"] == {"count": 1, "both": ()}


# --- explain --------------------------------------------------------------------------------


def test_what_is_told_of_a_withdrawn_sample() -> None:
    name = "a" * 16
    assert sample_history_text.withdrawn(stone()).splitlines() == [
        f"{name}: withdrawn on 2026-11-01T12:00:00+00:00",
        "  reason: why",
        "  it was in the pool by cohort 1, up to round 1",
        "  it does not come back by an ingest",
    ]
    lines = sample_history_text.withdrawn(stone(split="holdout", is_open=True, done=False))
    assert lines.splitlines()[2:] == [
        "  it was in the hold-out by cohort 1, up to round 2",
        "  it does not come back by an ingest",
        "  not all of it is removed yet: run `labelcycle withdraw`",
    ]
    for rounds, said in (
        ({"round": 0}, "  it was in the pool, before any round"),
        ({"round": 0, "is_open": True}, "  it was in the pool by cohort 1, up to round 0"),
    ):
        assert sample_history_text.withdrawn(stone(**rounds)).splitlines()[2] == said


def test_the_last_word_on_a_sample_decides_what_a_model_learned(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, number=3)
    write_migrations(now.campaign, ())
    each = sample(1, 0)
    for number in range(3):
        made_records.metrics(round=number).write(now.campaign.round(number) / "metrics.json")
        write_labels(now.campaign.label_file(number), [])
    write_labels(now.campaign.label_file("owned"), [Label(each.id, "dark", source="owned")])
    assert sample_history._learned(now, each, 2)
    write_labels(now.campaign.label_file(0), [Label(each.id, "dark", source="round 0")])
    write_labels(now.campaign.label_file(1), [Label(each.id, None, "skipped", source="round 1")])
    now = made_records.snapshot(tmp_path, number=3)
    assert [sample_history._learned(now, each, number) for number in range(3)] == [
        True,
        False,
        False,
    ]
    held = replace(each, split="holdout")
    assert not sample_history._learned(now, held, 0)
    made_records.metrics(cancelled=True).write(now.campaign.round(0) / "metrics.json")
    assert not sample_history._learned(made_records.snapshot(tmp_path, number=3), each, 0)


def test_a_round_that_was_rolled_back_and_a_guess_that_nobody_saw() -> None:
    task = PushedTask("k", "a", 0, 5, predicted="dark", shown=False)
    entry = RoundOfSample(1, True, False, None, task, (), None, (), False, standing=False)
    for counts, said in ((True, "count on"), (False, "do not count")):
        lines = list(sample_history_text._round(replace(entry, counts=counts)))
        assert lines == [
            f"round 1, closed, rolled back: its answers {said}",
            "  asked because it was chosen, as image 1 of the round, task 5",
            "  the model of the time thought dark; not shown",
            "  nobody has answered",
        ]
    seen = list(sample_history_text._round(replace(entry, task=replace(task, shown=True))))
    assert seen[2] == "  the model of the time thought dark; shown to them"
