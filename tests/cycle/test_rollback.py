"""A campaign is rolled back: three closed rounds and an open one, with real git and DVC."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from params import set_params
from squares import CLASSES, SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.rollback_record import RoundsApart
from labelcycle.core import class_migrations
from labelcycle.core.digests import digest
from labelcycle.cycle import (
    campaign_rollback,
    campaign_status,
    class_changes,
    log_round,
    new_campaign,
    sample_history,
    sample_history_text,
    status_text,
    verify_all,
)
from labelcycle.errors import StateError
from labelcycle.rounds import pushed_tasks, snapshots
from labelcycle.rounds.skipped_samples import Requests
from labelcycle.rounds.snapshots import Snapshot

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def played(tmp_path: Path, _identity: None, flows, backend: WatchedFiles, kept) -> Campaign:
    """Rounds 0, 1 and 2 closed, round 3 open with one answer.

    Before round 2, a class was renamed, the budget changed, and images came in.
    """
    campaign = Campaign(tmp_path / "campaign")

    def play() -> None:
        make_images(tmp_path / "images")
        rounds = {**SETTINGS["campaign"], "rounds": 9}
        new_campaign.init(campaign.root, config.parse({**SETTINGS, "campaign": rounds}))
        new_campaign.add_images(campaign.root, [str(tmp_path / "images")], lambda step: None)
        folder = str(campaign.root)
        for number in range(3):
            if number == 2:
                class_changes.migrate(campaign.root, renamed)
                set_params(campaign.root, query={"budget": 3})
                make_images(tmp_path / "more", 10, 1)
                new_campaign.add_images(campaign.root, [str(tmp_path / "more")], lambda step: None)
            flows.open_now(folder)
            answer(campaign, backend, CLASSES[0] if number < 2 else "black")
            flows.close_now(folder)
        flows.open_now(folder)
        answer(campaign, backend, "black", most=1)

    campaign.root.mkdir(exist_ok=True)
    return kept.bring("three rounds", campaign, backend, play)


def renamed(classes, table):
    del table
    return class_migrations.rename(classes, "dark", "black", {})


def answer(campaign: Campaign, backend: WatchedFiles, dark: str, most: int = 10**6) -> None:
    """Answers open tasks by turns, so that there are two classes."""
    done = {a.key for a in backend.answers}
    waiting = [key for key in sorted(backend.tasks) if key not in done][:most]
    for place, key in enumerate(waiting):
        backend.answer(key, (dark, "light")[place % 2])


def git_files(root: Path) -> dict[str, str]:
    """What HEAD has of the files that a rollback restores, by digest."""
    found = {}
    for path in (
        *campaign_rollback.STOOD,
        *campaign_rollback.ANSWERED,
        layout.PARAMS,
        f"{layout.LABELS}.dvc",
    ):
        content = git.committed(root, path)
        found[path] = digest(content) if content is not None else "none"
    return found


def end(campaign: Campaign) -> dict[str, Any]:
    """All that a rollback leaves, but times and ids of commits."""
    snapshot = snapshots.ready(campaign.root)
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=campaign.root, capture_output=True, text=True, check=True
    ).stdout
    records = [vars(each) for each in snapshot.records.rollbacks()]
    return {
        "files": git_files(campaign.root),
        "log": log.splitlines(),
        "tags": sorted(snapshot.tags),
        "rollbacks": [{k: v for k, v in r.items() if k not in ("at", "before")} for r in records],
        "labels": sorted((x.sample, str(x.label)) for x in snapshot.records.labels().values()),
        "holdout": sorted((x.sample, str(x.label)) for x in snapshot.records.holdout()),
        "state": (snapshot.number, snapshot.state),
        "model": digest(campaign.probabilities.read_bytes()),
        "dirty": git.dirty(campaign.root, ()),
    }


def labels_at(campaign: Campaign, *numbers: int) -> set[str]:
    """Samples that these rounds labelled."""
    records = snapshots.read(campaign.root).records
    return {label.sample for number in numbers for label in records.labels_of(number)}


def given_up(campaign: Campaign, flows, backend: WatchedFiles, kept) -> Campaign:
    """The same with round 3 given up."""
    way = lambda: flows.end_early(str(campaign.root), "cancel", "rolled back to round/000")  # noqa: E731
    return kept.bring("given up", campaign, backend, way)


class Appointed:
    """A tracker that has all rounds, and notes whose model it is told to show as the one to use."""

    def __init__(self) -> None:
        self.rounds: list[int] = []

    def logged(self, key: str, campaign: str) -> set[int]:
        return set(range(9))

    def log_round(self, closed: Any) -> None:
        raise AssertionError("all are there")

    def address(self, key: str, campaign: str) -> str:
        return "http://curves"

    def appoint(self, key: str, campaign: str, number: int) -> None:
        self.rounds.append(number)


def test_apart_the_campaign_stands_as_it_was_closed(
    played: Campaign, flows, backend: WatchedFiles, tmp_path: Path
) -> None:
    root, folder = played.root, str(played.root)
    tags, answers = git.tags(root), len(backend.answers)
    model = digest(played.probabilities.read_bytes())
    flows.roll_back(folder, "round/000", "apart", "the classes were a mistake")

    got = end(played)
    assert (got["state"], got["dirty"]) == ((4, "due"), [])
    assert set(got["tags"]) == tags | {"round/003"}
    files_are_those_of_round_0(root)
    assert digest(played.probabilities.read_bytes()) != model
    snapshot = snapshots.ready(root)
    assert set(snapshot.records.labels()) == labels_at(played, 0)
    assert snapshot.lineage.standing == (0,)
    assert (snapshot.finished, snapshot.config.query.budget) == (1, 4)
    assert pushed_tasks.pushed_rounds(snapshot) == [0]
    assert len(backend.answers) == answers
    assert RoundsApart.read(played.labels_apart).rounds == (1, 2, 3)

    flows.roll_back(folder, "round/000", "apart")  # the same command once more
    assert end(played) == got

    it_is_told(played, snapshot)
    the_next_round_goes_on_from_there(played, flows, backend)


def files_are_those_of_round_0(root: Path) -> None:
    for path in (*campaign_rollback.STOOD, layout.PARAMS, layout.SCHEMA, f"{layout.HOLDOUT}.dvc"):
        try:
            wanted = git.show(root, "round/000", path)
        except Exception:
            assert git.committed(root, path) is None, path
        else:
            assert git.committed(root, path) == wanted, path


def it_is_told(played: Campaign, snapshot: Snapshot) -> None:
    appointed = Appointed()
    log_round.log_missing(snapshot, appointed, print)
    assert appointed.rounds == [0]
    told = status_text.as_text(campaign_status.status(snapshot))
    assert "rolled back to round/000" in told
    assert "answers of rounds 1, 2 and 3 are kept apart and do not count" in told
    assert told.count("rolled back") == 4
    sample = sorted(labels_at(played, 1))[0]
    history = sample_history.history(snapshot, sample_history.find(snapshot, sample))
    told = sample_history_text.as_text(history)
    assert "nothing yet" in told
    assert "round 1, closed, rolled back: its answers do not count" in told


def the_next_round_goes_on_from_there(played: Campaign, flows, backend: WatchedFiles) -> None:
    root, folder = played.root, str(played.root)
    flows.open_now(folder)
    snapshot = snapshots.read(root)
    selected = {pick.sample for pick in snapshot.records.selection(4).samples}
    assert not selected & labels_at(played, 0)
    assert snapshot.records.plan(4).labels == len(
        [x for x in snapshot.records.labels_of(0) if x.label]
    )
    answer(played, backend, CLASSES[0])
    flows.close_now(folder)
    snapshot = snapshots.ready(root)
    assert snapshot.lineage.standing == (0, 4)
    assert set(snapshot.records.labels()) == labels_at(played, 0, 4)
    metrics = snapshot.records.metrics(4)
    assert metrics.labels == sum(x.label is not None for x in snapshot.records.labels().values())
    lines: list[str] = []
    verify_all.verify_all(snapshot, False, lines.append)
    assert "round/003: was cancelled; there is nothing to rebuild" in lines
    assert lines[-1] == "4 rounds are reproduced"
    assert any(line.startswith("round/001: rolled back since") for line in lines)


def test_use_keeps_what_people_said_and_the_classes_it_is_said_in(
    played: Campaign, flows, backend: WatchedFiles
) -> None:
    root = played.root
    flows.roll_back(str(root), "1", "use")
    snapshot = snapshots.ready(root)
    assert snapshot.lineage.standing == (0, 1)
    assert snapshot.lineage.counting == {0, 1, 2, 3}
    assert snapshot.config.classes == ("black", "light")
    assert snapshot.config.query.budget == 4
    assert set(snapshot.records.labels()) == labels_at(played, 0, 1, 2, 3)
    assert labels_at(played, 3)  # one answer of the round that was given up
    assert {x.label for x in snapshot.records.labels().values()} <= {"black", "light", None}
    assert not played.labels_apart.exists()
    flows.open_now(str(root))
    answer(played, backend, "black")
    flows.close_now(str(root))
    snapshot = snapshots.ready(root)
    assert snapshot.finished == 3
    lines: list[str] = []
    verify_all.verify_all(snapshot, False, lines.append)
    assert lines[-1] == "4 rounds are reproduced"


def test_another_choice_in_the_same_place_counts_from_what_was_before(
    played: Campaign, flows, backend: WatchedFiles, kept
) -> None:
    campaign = given_up(played, flows, backend, kept)
    folder = str(campaign.root)
    flows.roll_back(folder, "round/001", "use")
    wanted = end(campaign)
    flows.roll_back(folder, "round/000", "apart")
    assert snapshots.read(campaign.root).lineage.counting == {0}
    flows.roll_back(folder, "round/001", "use")
    got = end(campaign)
    for name in ("labels", "holdout", "state", "model", "tags"):
        assert got[name] == wanted[name], name
    files = {path for path in wanted["files"] if got["files"][path] != wanted["files"][path]}
    assert files <= {f"{layout.LABELS}.dvc"}  # apart.json is there, and empty
    flows.roll_back(folder, "round/002", "apart")  # forward again
    (line,) = campaign_rollback.lines(snapshots.read(campaign.root))
    assert "rolled back to round/002" in line
    assert line.endswith(": answers of round 3 are kept apart and do not count")
    snapshot = snapshots.ready(campaign.root)
    assert snapshot.lineage.standing == (0, 1, 2)
    assert snapshot.config.query.budget == 3


EFFECTS: tuple[tuple[Any, str], ...] = (
    (campaign_rollback, "write_bytes"),
    (campaign_rollback, "write_lines"),
    (RoundsApart, "write"),
    (Requests, "write"),
    (git, "commit"),
    (commands, "add"),
    (commands, "bring_back"),
    (commands, "push"),
)
"""All by which a rollback changes anything, once no round is at work."""


class Counting:
    """Kills at the n-th side effect, before or after it is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, after: bool) -> None:
        self.count, self.at, self.after = 0, at, after
        for place, name in EFFECTS:
            monkeypatch.setattr(place, name, self._wrapped(getattr(place, name)))

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **more: Any) -> Any:
            self.count += 1
            kill = self.count == self.at
            if kill and not self.after:
                raise Killed
            made = function(*given, **more)
            if kill:
                raise Killed
            return made

        return wrapped


def test_killed_at_each_side_effect_and_run_again_it_has_the_same_end(
    played: Campaign, flows, backend: WatchedFiles, kept
) -> None:
    folder = str(given_up(played, flows, backend, kept).root)
    flows.roll_back(folder, "round/000", "apart")
    wanted = end(played)
    tried = 0
    while True:
        given_up(played, flows, backend, kept)
        with pytest.MonkeyPatch.context() as patch:
            counting = Counting(patch, tried + 1, after=tried % 2 == 1)
            try:
                flows.roll_back(folder, "round/000", "apart")
            except Killed:
                pass
            else:
                break
        tried += 1
        if snapshots.half_rolled_back(snapshots.read(played.root)):
            with pytest.raises(StateError, match=r"rollback round/000 --answers apart` again"):
                snapshots.ready(played.root)
            with pytest.raises(StateError, match="was not ended"):
                new_campaign.add_images(played.root, ["."], lambda step: None)
            status = campaign_status.status(snapshots.read(played.root))
            assert status.next == "`labelcycle rollback round/000 --answers apart`"
        flows.roll_back(folder, "round/000", "apart")
        assert end(played) == wanted, tried
    assert tried == counting.count
    assert tried >= 10


def test_killed_while_the_open_round_is_given_up(
    played: Campaign, flows, backend: WatchedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(campaign_rollback, "roll_back", killed)
        with pytest.raises(Killed):
            flows.roll_back(str(played.root), "round/000", "apart")
    assert "round/003" in git.tags(played.root)
    flows.roll_back(str(played.root), "round/000", "apart")
    assert snapshots.ready(played.root).lineage.standing == (0,)


def test_a_round_that_is_not_closed_is_no_place_to_go_back_to(played: Campaign, flows) -> None:
    before = git.head(played.root)
    with pytest.raises(StateError, match=r"'round/003' is no closed round: wanted .*round/002"):
        flows.roll_back(str(played.root), "round/003", "apart")
    assert git.head(played.root) == before
    assert round_states.round_tag(3) not in git.tags(played.root)


def test_a_record_that_came_along_and_leads_nowhere_is_refused(
    played: Campaign, flows, backend: WatchedFiles, kept
) -> None:
    campaign = given_up(played, flows, backend, kept)
    flows.roll_back(str(campaign.root), "round/000", "apart")
    text = campaign.rollbacks.read_text(encoding="utf-8")
    for field, value, words in (("to", 7, "wanted an earlier one"), ("before", "--x", "a commit")):
        record = json.loads(text)
        campaign.rollbacks.write_text(json.dumps({**record, field: value}) + "\n", encoding="utf-8")
        git.commit(campaign.root, [layout.ROUNDS], "from elsewhere")
        with pytest.raises(Exception, match=words):
            flows.roll_back(str(campaign.root), "round/001", "use")
        campaign.rollbacks.write_text(text, encoding="utf-8")
        git.commit(campaign.root, [layout.ROUNDS], "restored")
    shutil.copy(campaign.labels_apart, campaign.root / "kept.json")
    RoundsApart((1,)).write(campaign.labels_apart)
    with pytest.raises(StateError, match=r"apart\.json is not as"):
        snapshots.ready(campaign.root)


def test_places_that_the_old_settings_name_are_confirmed_anew(
    played: Campaign, flows, backend: WatchedFiles, kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have come along with a clone; our own commit would count as ours."""
    campaign = given_up(played, flows, backend, kept)
    text = git.show(campaign.root, "round/000", layout.PARAMS).decode()
    there = yaml.safe_load(text)
    there["push"] |= {"images": "s3", "bucket": "s3://somebody-elses"}
    old = yaml.safe_dump(there).encode()
    monkeypatch.setattr(campaign_rollback, "_params", lambda *given: old)
    flows.roll_back(str(campaign.root), "round/000", "apart")
    with pytest.raises(StateError, match=r"s3://somebody-elses.*labelcycle trust"):
        snapshots.ready(campaign.root)
