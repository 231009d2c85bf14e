"""Each step of a rollback, on a campaign written by hand: what is restored, committed and said."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_records
import pytest
import repositories
from handmade_campaign import PARAMS, HandmadeCampaign

from labelcycle.adapters import git, trust_record
from labelcycle.adapters.dvc import commands, recorded_outputs
from labelcycle.campaign import layout
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.records.rollback_record import LaterAnswers, Rollback, RoundsApart
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.cycle import campaign_rollback
from labelcycle.errors import DataError, SettingsError, StateError
from labelcycle.rounds import snapshots
from labelcycle.rounds.skipped_samples import Request, Requests
from labelcycle.rounds.snapshots import Snapshot

Calls = list[tuple[Any, ...]]


@pytest.fixture
def dvc(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What DVC is asked to do, which is not done."""
    calls: Calls = []

    def noted(name: str) -> Callable[..., None]:
        return lambda *given: calls.append((name, *given))

    for name in ("add", "bring_back", "push"):
        monkeypatch.setattr(commands, name, noted(name))
    return calls


def rolled_back(
    made: HandmadeCampaign, to: int, answers: LaterAnswers, reason: str = ""
) -> tuple[Snapshot, list[str]]:
    lines: list[str] = []
    now = snapshots.read(made.root)
    return campaign_rollback.roll_back(now, to, answers, reason, lines.append), lines


def later(made: HandmadeCampaign) -> dict[str, bytes | None]:
    """Settings, classes and requests are others by now, and committed; what they were before."""
    campaign = made.campaign
    before = {path: git.committed(made.root, path) for path in git.tracked(made.root)}
    text = PARAMS.format(budget=9, learner="linear").replace("dark", "black")
    campaign.params.write_text(text)
    campaign.schema.write_text(json.dumps({"migrations": []}) + "\n\n")
    campaign.code.write_text('{"train": 2}\n')
    Requests((Request(1, ("",), made_records.AT),)).write(campaign.again)
    record = made.root / "data" / "holdout.jsonl.dvc"
    record.write_text(f"{record.read_text()}# later\n")
    made.commit("Later")
    return before


def test_apart_all_is_as_it_was_closed(handmade: HandmadeCampaign, dvc: Calls) -> None:
    made, campaign = handmade, handmade.campaign
    before = later(made)
    then, _ = rolled_back(made, 0, "apart")

    def at_round_0(path: str) -> bytes:
        return git.show(made.root, "round/000", path)

    for path in (layout.PARAMS, layout.CODE, layout.DVC_LOCK, layout.POOL, layout.SCHEMA):
        assert (made.root / path).read_bytes() == at_round_0(path), path
    assert (made.root / "data/holdout.jsonl.dvc").read_bytes() == before["data/holdout.jsonl.dvc"]
    assert Requests.read(campaign.again).requests == ()
    assert RoundsApart.read(campaign.labels_apart).rounds == (1,)
    assert (then.number, then.state, then.config.query.budget) == (2, State.DUE, 2)


def test_apart_it_is_recorded_committed_and_pushed(handmade: HandmadeCampaign, dvc: Calls) -> None:
    made = handmade
    later(made)
    head, tags = git.head(made.root), git.tags(made.root)
    then, lines = rolled_back(made, 0, "apart", "a mistake")
    (record,) = then.records.rollbacks()
    assert record == Rollback(0, 2, "apart", "a mistake", head, record.at)
    assert dvc == [
        ("add", made.root, ["data/labels"]),
        ("bring_back", made.root, "data/holdout.jsonl.dvc"),
        ("push", made.root),
    ]
    said = repositories.said(made.root, "log", "-1", "--format=%B")
    assert said == (
        "Roll back to round 0: later answers are kept apart and do not count\n\na mistake"
    )
    assert git.dirty(made.root, []) == []
    assert git.tags(made.root) == tags
    assert lines == campaign_rollback.lines(then)
    assert lines == [
        f"rolled back to round/000 at {record.at}: answers of round 1 are kept apart and do not"
        " count"
    ]


def test_it_is_done_for_its_round_and_its_answers_until_the_next_step(
    handmade: HandmadeCampaign, dvc: Calls
) -> None:
    later(handmade)
    then, _ = rolled_back(handmade, 0, "apart")
    opened, closed = replace(then, state=State.OPEN), replace(then, number=3)
    done = {
        "as asked": campaign_rollback.done(then, 0, "apart"),
        "other answers": campaign_rollback.done(then, 0, "use"),
        "another round": campaign_rollback.done(then, 1, "apart"),
        "a round was opened since": campaign_rollback.done(opened, 0, "apart"),
        "a round was closed since": campaign_rollback.done(closed, 0, "apart"),
    }
    assert [case for case, is_done in done.items() if is_done] == ["as asked"]


def test_use_keeps_answers_and_the_classes_that_they_are_given_in(
    handmade: HandmadeCampaign, dvc: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, campaign = handmade, handmade.campaign
    later(made)
    kept = {
        path: (made.root / path).read_bytes()
        for path in (layout.SCHEMA, layout.AGAIN, "data/holdout.jsonl.dvc")
    }
    monkeypatch.setattr(commands, "has_remote", lambda root: False)
    then, lines = rolled_back(made, 0, "use")
    assert {path: (made.root / path).read_bytes() for path in kept} == kept
    assert then.config.classes == ("black", "light")
    assert (then.config.query.budget, then.config.train.learner) == (2, "knn")
    assert campaign.code.read_bytes() == git.show(made.root, "round/000", layout.CODE)
    assert not campaign.labels_apart.exists()
    assert lines[0].endswith(": answers of round 1 count on")
    assert [name for name, *_ in dvc] == ["add", "bring_back"]
    message = repositories.said(made.root, "log", "-1", "--format=%B")
    assert message == "Roll back to round 0: later answers count on"


def test_what_a_person_has_not_committed_is_not_lost(
    handmade: HandmadeCampaign, dvc: Calls
) -> None:
    made = handmade
    made.campaign.params.write_text(PARAMS.format(budget=7, learner="knn"))
    rolled_back(made, 1, "apart")
    subjects = repositories.said(made.root, "log", "-2", "--format=%s").splitlines()
    assert subjects[1] == "As it was before the rollback to round/001"
    assert b"budget: 7" in git.show(made.root, "HEAD~1", layout.PARAMS)
    assert not made.campaign.labels_apart.exists()  # no round is apart


def test_no_round_is_at_work(handmade: HandmadeCampaign, dvc: Calls) -> None:
    now = replace(snapshots.read(handmade.root), state=State.OPEN)
    with pytest.raises(StateError, match=r"^round 2 is open: wanted no round at work to roll back"):
        campaign_rollback.roll_back(now, 0, "use", "", print)
    assert not handmade.campaign.rollbacks.exists()


def test_what_dvc_would_obey_and_a_tag_brought_along_is_refused(
    handmade: HandmadeCampaign, dvc: Calls
) -> None:
    (handmade.root / "data" / "more.dvc").write_text("cmd: rm\n")
    with pytest.raises(StateError, match=r"more\.dvc is no part of the campaign"):
        rolled_back(handmade, 0, "use")
    assert dvc == []


def test_a_killed_one_goes_on_with_its_own_record(
    handmade: HandmadeCampaign, dvc: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, campaign = handmade, handmade.campaign
    monkeypatch.setattr(campaign_rollback, "present_time", lambda: "then")
    now = snapshots.read(made.root)
    head = git.head(made.root)
    first = campaign_rollback._begin(now, 0, "apart", "why")
    assert first == Rollback(0, 2, "apart", "why", head, "then")
    assert snapshots.half_rolled_back(now)
    monkeypatch.setattr(campaign_rollback, "present_time", lambda: "later")
    assert campaign_rollback._begin(snapshots.read(made.root), 0, "apart", "other") == first
    assert not campaign_rollback.done(snapshots.read(made.root), 0, "apart")
    other = campaign_rollback._begin(snapshots.read(made.root), 1, "apart", "")
    assert other == Rollback(1, 2, "apart", "", head, "later")
    assert snapshots.read(made.root).records.rollbacks() == [other]
    made.commit("Roll back")
    third = campaign_rollback._begin(snapshots.read(made.root), 0, "use", "")
    assert third.before == head  # of what was before the first one in the same place
    assert snapshots.read(made.root).records.rollbacks() == [other, third]
    odd = replace(other, before="--x")
    write_lines(campaign.rollbacks, [odd])
    made.commit("From elsewhere")
    with pytest.raises(
        DataError, match=rf"^{campaign.rollbacks}: before: wanted the id of a commit, got"
    ):
        campaign_rollback._begin(snapshots.read(made.root), 0, "use", "")
    assert git.committed(made.root, layout.ROLLBACKS) == campaign.rollbacks.read_bytes()


def test_a_rollback_that_was_not_ended_stops_other_steps(handmade: HandmadeCampaign) -> None:
    made, campaign = handmade, handmade.campaign
    now = snapshots.read(made.root)
    snapshots.check_rolled_back(now)
    record = Rollback(0, 2, "apart", "", git.head(made.root), made_records.AT)
    write_lines(campaign.rollbacks, [record])
    ends = (
        r"a rollback to round/000 was not ended: .* `labelcycle rollback round/000 --answers apart`"
    )
    with pytest.raises(StateError, match=ends):
        snapshots.check_rolled_back(snapshots.read(made.root))
    made.commit("Roll back")
    with pytest.raises(
        StateError, match=r"apart\.json is not as .* wanted the rounds \[1\], got \[\]"
    ):
        snapshots.check_rolled_back(snapshots.read(made.root))
    RoundsApart((1,)).write(campaign.labels_apart)
    snapshots.check_rolled_back(snapshots.read(made.root))


def test_the_settings_of_then_are_looked_at_first(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as they say what a campaign is: whether a learner of ours is there is said later."""
    made = handmade
    asked: list[str] = []
    show = git.show

    def other(root: Path, revision: str, path: str) -> bytes:
        asked.append(revision)
        return show(root, revision, path).replace(*change)

    monkeypatch.setattr(git, "show", other)
    change = (b"learner: knn", b"learner: ours")
    campaign_rollback.check(snapshots.read(made.root), 0, "use")
    text = campaign_rollback._params(snapshots.read(made.root), 0, "use", git.head(made.root))
    assert text == show(made.root, "round/000", layout.PARAMS).replace(*change)
    change = (b"budget: 2", b"budget: none")
    asked.clear()
    with pytest.raises(SettingsError, match=r"^params\.yaml of round/001"):
        campaign_rollback.check(snapshots.read(made.root), 1, "apart")
    assert asked == ["round/001"]


def test_places_of_then_are_confirmed_anew(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = handmade
    forgotten: list[tuple[Path, str]] = []
    monkeypatch.setattr(trust_record, "forget", lambda *given: forgotten.append(given))
    plain = b"# \xff\ncampaign: {name: birds, classes: [dark, light]}\n"
    one, other = (plain + b"push: {images: s3, bucket: s3://%b}\n" % name for name in (b"a", b"b"))
    present = {layout.PARAMS: one}
    monkeypatch.setattr(git, "committed", lambda root, path: present.get(path))
    now, record = snapshots.read(made.root), Rollback(0, 2, "apart", "", "", "")
    for text, names in ((plain, 0), (one, 0), (other, 1)):
        monkeypatch.setattr(campaign_rollback, "_params", lambda *_, text=text: text)
        campaign_rollback._restore_params(now, record)
        assert len(forgotten) == names
        assert made.campaign.params.read_bytes() == text
    assert forgotten == [(made.root, "params.yaml")]
    present.clear()
    campaign_rollback._restore_params(now, record)
    assert len(forgotten) == 2


def test_a_sample_that_was_withdrawn_since_does_not_come_back(handmade: HandmadeCampaign) -> None:
    made, campaign = handmade, handmade.campaign
    now = snapshots.read(made.root)
    before = {path: path.read_bytes() for path in (campaign.pool, made.root / "dvc.lock")}
    campaign_rollback._leave_withdrawn_out(now)
    assert {path: path.read_bytes() for path in before} == before
    old = PoolRecord.read(campaign.pool)
    labels = made.oid("data/labels")
    new = f"{'1' * 32}.dir"
    stone = Tombstone("a" * 16, "", made_records.AT, "why", "pool", 0, 2, False, done=True)
    replaced = {old.cohorts["000"]: "9" * 16, labels: new}
    WithdrawnRecord((stone,), replaced).write(campaign.withdrawn)
    campaign_rollback._leave_withdrawn_out(snapshots.read(made.root))
    assert PoolRecord.read(campaign.pool) == PoolRecord({"000": "9" * 16}, old.encoder)
    assert new in {each.oid for each in recorded_outputs.here(made.root)}
    campaign.pool.unlink()
    campaign_rollback._leave_withdrawn_out(snapshots.read(made.root))
    assert not campaign.pool.exists()


def test_a_file_becomes_what_a_revision_has(handmade: HandmadeCampaign) -> None:
    made, campaign = handmade, handmade.campaign
    path = made.root / layout.METRICS
    path.write_text("{}")
    campaign_rollback._restore(campaign, layout.METRICS, "round/000")
    campaign_rollback._restore(campaign, layout.METRICS, "round/000")
    assert not path.exists()
    inode = campaign.code.stat().st_ino
    campaign_rollback._restore(campaign, layout.CODE, "round/000")
    assert campaign.code.stat().st_ino == inode  # what is there already is not written
    content = campaign.code.read_bytes()
    campaign.code.unlink()
    campaign_rollback._restore(campaign, layout.CODE, "round/000")
    assert campaign.code.read_bytes() == content


def test_a_round_is_named_by_its_tag_or_its_number() -> None:
    now = made_records.snapshot(number=3)
    assert [campaign_rollback.target(now, name) for name in ("0", "round/002")] == [0, 2]
    with pytest.raises(
        StateError,
        match=r"^'3' is no closed round: wanted one to go back to, of: round/000, round/001, r",
    ):
        campaign_rollback.target(now, "3")
    with pytest.raises(StateError, match=r"^'0' is no closed round: .* of: none is closed yet$"):
        campaign_rollback.target(made_records.snapshot(), "0")


ROLLBACKS: tuple[tuple[list[tuple[int, int, LaterAnswers]], int, str | None], ...] = (
    ([], 2, None),
    ([(1, 2, "use")], 2, "rolled back to round/001 at t2: no round was closed since"),
    (
        [(0, 3, "apart")],
        3,
        "rolled back to round/000 at t3: answers of rounds 1 and 2 are kept apart and do not count",
    ),
    ([(0, 2, "use")], 2, "rolled back to round/000 at t2: answers of round 1 count on"),
    (
        [(0, 2, "apart"), (2, 5, "use"), (0, 6, "use")],
        6,
        "rolled back to round/000 at t6: answers of rounds 2, 3, 4 and 5 count on; answers of round"
        " 1 are kept apart and do not count",
    ),
)


@pytest.mark.parametrize(("rollbacks", "number", "line"), ROLLBACKS)
def test_the_last_rollback_in_words(
    tmp_path: Path, rollbacks: list[tuple[int, int, LaterAnswers]], number: int, line: str | None
) -> None:
    now = made_records.snapshot(tmp_path, number=number)
    records = [Rollback(to, n, answers, "", "", f"t{n}") for to, n, answers in rollbacks]
    write_lines(now.campaign.rollbacks, records)
    assert campaign_rollback.lines(now) == ([line] if line else [])
