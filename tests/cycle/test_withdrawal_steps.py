"""Each step of a withdrawal, on a campaign written by hand: what is written, deleted and said."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import made_records
import numpy as np
import pytest
import repositories
import yaml
from handmade_campaign import HOLDOUT, POOL, HandmadeCampaign

from labelcycle.adapters import annotation, git
from labelcycle.adapters.dvc import object_store, recorded_outputs
from labelcycle.campaign import sample_files
from labelcycle.campaign.records.cohorts_record import CohortsRecord, Source
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.withdrawn_record import GONE, Tombstone, WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import storage_check, withdraw_samples, withdrawn_names, withdrawn_remains
from labelcycle.cycle.redacted_files import Redaction
from labelcycle.cycle.withdrawn_objects import ObjectRewriter
from labelcycle.errors import DataError, ServiceDown, ServiceRefused, StateError
from labelcycle.ingest import look_files, one_file
from labelcycle.ingest.one_file import Look
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot

A, B, C, D = POOL
E, F = HOLDOUT
ROW_OF_A = np.array([1, 2, 3], "f4").tobytes()
ROW_OF_B = np.array([4, 5, 6], "f4").tobytes()


class Backend:
    """An annotation backend that notes what is removed; `refuses` : projects that are gone."""

    def __init__(self) -> None:
        self.checked = 0
        self.there: dict[str, int] = {}
        self.removed: list[tuple[int, dict[str, int]]] = []
        self.refuses: set[int] = set()
        self.asked: list[tuple[str, str]] = []

    def check(self) -> None:
        self.checked += 1

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        self.asked.append((campaign, prefix))
        return self.there

    def remove(self, project: int, tasks: Mapping[str, int]) -> None:
        if project in self.refuses:
            raise ServiceRefused("no such project")
        self.removed.append((project, dict(tasks)))


class Tracker:
    """Notes what replaces the records of rounds."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str, dict[int, Path], set[int]]] = []

    def replace_records(
        self, key: str, campaign: str, records: dict[int, Path], without_model: set[int]
    ) -> None:
        self.given.append((key, campaign, records, without_model))


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    made = Backend()
    backends = {"files": made}
    monkeypatch.setattr(
        annotation, "of", lambda campaign, name: campaign.root.is_dir() and backends[name]
    )
    return made


def samples(snapshot: Snapshot, *names: str) -> list[Sample]:
    return [each for each in snapshot.records.samples(which="all") if each.id in names]


def withdraw(
    made: HandmadeCampaign, *names: str, tracker: Callable[[], Any] | None = None
) -> list[str]:
    """All steps, as the command does them; what is said."""
    lines: list[str] = []
    now = snapshots.read(made.root)
    places = withdraw_samples.outside(now, tracker)
    withdraw_samples.begin(now, samples(now, *names), "consent revoked")
    withdraw_samples.finish(snapshots.read(made.root), places, lines.append)
    return lines


def holding(folder: Path, *marks: bytes) -> set[str]:
    """Files that have one of the marks in them or in their names, without git's objects."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and ".git" not in path.parts
        and any(mark in path.read_bytes() or mark in str(path).encode() for mark in marks)
    }


def whole(made: HandmadeCampaign) -> None:
    lines: list[str] = []
    found = storage_check.check(made.root, 1, False, lines.append, lambda step: None).found
    assert found == [], lines
    assert git.dirty(made.root, []) == []


def test_all_that_held_the_samples_is_gone_and_the_rest_stays(
    handmade: HandmadeCampaign, backend: Backend
) -> None:
    made, campaign, tracker = handmade, handmade.campaign, Tracker()
    key = snapshots.read(made.root).key
    backend.there = {f"{key}/001/{A}": 71, f"{key}/001/{B}": 72}
    marks = (A.encode(), E.encode(), ROW_OF_A)
    weights = {made.oid("work/model/model.safetensors", f"round/{n:03d}") for n in (0, 1)}
    assert len(holding(made.folder, *marks)) > 20

    lines = withdraw(made, A, E, tracker=lambda: tracker)

    assert holding(made.folder, *marks) == {"campaign/data/withdrawn.json"}
    stays = {"campaign/data/samples/000.jsonl", f"campaign/data/images/000/{B}.png"}
    assert stays < holding(made.folder, B.encode())
    assert not any(made.place(name, oid).exists() for name in made.stores for oid in weights)
    assert lines[-1] == "MLflow: the records of the rounds are replaced"
    assert (backend.checked, backend.asked) == (1, [(key, f"{key}/")])
    own = {f"{key}/000/{A}": 0, f"{key}/000/{E}": 2, f"{key}/001/{A}": 71}
    assert backend.removed == [(7, own)]
    rounds = {number: campaign.round(number) for number in (0, 1)}
    assert tracker.given == [(key, "birds", rounds, {0, 1})]


def test_a_withdrawal_is_recorded_and_committed_once(
    handmade: HandmadeCampaign, backend: Backend
) -> None:
    made = handmade
    last = made.oid("data/samples")
    lines = withdraw(made, A, E, tracker=Tracker)
    record = WithdrawnRecord.read(made.campaign.withdrawn)
    assert [(t.sample, t.split, t.cohort, t.round, t.is_open, t.done) for t in record.samples] == [
        (A, "pool", 0, 2, False, True),
        (E, "holdout", 0, 2, False, True),
    ]
    assert {t.reason for t in record.samples} == {"consent revoked"}
    assert record.replaced[last] == made.oid("data/samples")
    count = sum(len(oid) >= 32 for oid in record.replaced)
    assert lines[:2] == [
        f"DVC's {kind}: {count} objects are deleted" for kind in ("cache", "remote")
    ]
    subjects = repositories.said(made.root, "log", "--format=%s").splitlines()
    assert subjects[:3] == [
        "2 samples withdrawn",
        "Remove 2 withdrawn samples",
        "Withdraw 2 samples: consent revoked",
    ]
    before = git.head(made.root)
    ready = snapshots.ready(made.root, parts=False)
    withdraw_samples.finish(ready, withdraw_samples.outside(ready, None), lines.append)
    assert (git.head(made.root), len(lines)) == (before, 3)


def test_the_campaign_is_whole_without_the_samples(
    handmade: HandmadeCampaign, backend: Backend
) -> None:
    made, campaign = handmade, handmade.campaign
    withdraw(made, A, E)
    assert CohortsRecord.read(campaign.cohorts).sources == (Source("from"),)
    assert CohortsRecord.read(campaign.cohorts).cohorts[0].sources == ("from",)
    rows = {name: np.load(campaign.split_features(name)).tolist() for name in ("pool", "holdout")}
    assert rows == {"pool": [[4, 5, 6], [7, 8, 9], [10, 11, 12]], "holdout": [[16, 17, 18]]}
    assert [each.sample for each in snapshots.read(made.root).records.holdout()] == [F]
    (out,) = yaml.safe_load((campaign.images / "000.dvc").read_text())["outs"]
    assert out == {"md5": out["md5"], "nfiles": 4, "hash": "md5", "path": "000"}
    whole(made)
    ready = snapshots.ready(made.root, parts=False)  # closed rounds and the pool are as recorded
    assert [each.id for each in ready.records.samples()] == [B, C, D, F]


def test_another_one_follows_the_first(handmade: HandmadeCampaign, backend: Backend) -> None:
    """What stands for versions of before is looked at in their place."""
    made = handmade
    withdraw(made, A)
    lines = withdraw(made, B)
    assert holding(made.folder, A.encode(), B.encode(), ROW_OF_A, ROW_OF_B) == {
        "campaign/data/withdrawn.json"
    }
    assert not any("MLflow" in line for line in lines)
    assert [t.sample for t in WithdrawnRecord.read(made.campaign.withdrawn).samples] == [A, B]
    whole(made)
    snapshots.ready(made.root, parts=False)


def test_a_clone_deletes_what_it_still_has(handmade: HandmadeCampaign, backend: Backend) -> None:
    made, campaign = handmade, handmade.campaign
    now = snapshots.read(made.root)
    places = withdraw_samples.outside(now, None, asked=False)
    assert backend.checked == 0
    lines: list[str] = []
    withdraw_samples.remove_again(now, places, lines.append)
    assert lines == []
    stone = Tombstone(A, "", made_records.AT, "why", "pool", 0, 2, False, done=True)
    image = made.oid(f"data/images/000/{A}.png")
    WithdrawnRecord((stone,), {image: GONE, "0" * 16: "1" * 16}).write(campaign.withdrawn)
    shown = campaign.media / "images" / f"{A}-32.png"
    answers = campaign.answers / "000.jsonl"
    for path, text in ((shown, "drawn"), (answers, f'{{"key": "k/000/{A}"}}\n')):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    made.place("remote", image).unlink()
    withdraw_samples.remove_again(snapshots.read(made.root), places, lines.append)
    assert lines == ["DVC's cache: 1 object is deleted"]
    assert not made.place("cache", image).exists()
    assert not shown.exists()
    assert answers.read_text() == ""


def test_places_that_are_away_are_told_before_anything_is_done(
    handmade: HandmadeCampaign, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def present(store: object_store.ObjectStore, oids: list[str]) -> set[str]:
        asked.append(oids)
        raise ServiceDown("no route")

    monkeypatch.setattr(object_store.ObjectStore, "present", present)
    now = snapshots.read(handmade.root)
    with pytest.raises(ServiceDown, match=r"^no route"):
        withdraw_samples.outside(now, None)
    assert (backend.checked, asked) == (1, [["0" * 32]])
    monkeypatch.setattr(object_store, "remote", lambda root: None)
    places = withdraw_samples.outside(now, lambda: "tracker")  # type: ignore[arg-type, return-value]
    assert [store.kind for store in places.stores] == ["cache"]
    assert places.tracker == "tracker"
    assert Path(places.stores[0].folder) == handmade.stores["cache"]


# --- which samples, and when ----------------------------------------------------------------


POOL_OF_TWO = (
    Sample(A, f"000/{A}.png", "a.png", "pool", 8, 8, also=("again.png",), group="twins"),
    Sample(B, f"000/{B}.png", "b.png", "pool", 8, 8, group="twins"),
    Sample(E, f"001/{E}.png", "e.png", "holdout", 8, 8),
)


def with_samples(tmp_path: Path, state: State = State.DUE, number: int = 1) -> Snapshot:
    now = made_records.snapshot(tmp_path, state, number)
    sample_files.write_samples(now.campaign.samples, POOL_OF_TWO)
    return now


@pytest.mark.parametrize("state", list(State))
def test_a_withdrawal_comes_between_steps(tmp_path: Path, state: State) -> None:
    now = with_samples(tmp_path, state)
    if state in (State.DUE, State.OPEN):
        withdraw_samples.check(now, POOL_OF_TWO[1:])
        return
    with pytest.raises(
        StateError, match=f"^round 1 is {state}; wanted it open, or closed .*`;?.* "
    ):
        withdraw_samples.check(now, POOL_OF_TWO[1:])


def test_one_sample_of_the_pool_stays(tmp_path: Path) -> None:
    now = with_samples(tmp_path)
    with pytest.raises(StateError, match=r"^these are all 2 samples of the pool: wanted at least"):
        withdraw_samples.check(now, POOL_OF_TWO[:2])


def test_tombstones_say_what_was_withdrawn_and_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[tuple[Path, list[str], str]] = []
    monkeypatch.setattr(git, "commit", lambda *given: commits.append(given))
    monkeypatch.setattr(withdraw_samples, "present_time", lambda: made_records.AT)
    now = with_samples(tmp_path, State.OPEN, 3)
    small = np.zeros((2, 2), "u1")
    look_files.write(now.campaign.samples / "000.npz", {B: Look("p" * 16, small, None)})
    seen: list[Any] = []

    def look(campaign: Any, sample: Sample, most: int) -> Look:
        seen.append((campaign, sample.id, most))
        if sample.id == E:
            raise DataError("cannot be read")
        return Look("q" * 16, small, None)

    monkeypatch.setattr(one_file, "look", look)
    withdraw_samples.begin(now, POOL_OF_TWO, "why")
    record = WithdrawnRecord.read(now.campaign.withdrawn)
    assert record.samples == (
        Tombstone(A, "q" * 16, made_records.AT, "why", "pool", 0, 3, True),
        Tombstone(B, "p" * 16, made_records.AT, "why", "pool", 0, 3, True),
        Tombstone(E, "", made_records.AT, "why", "holdout", 1, 3, True),
    )
    most = now.config.ingest.max_pixels
    assert seen == [(now.campaign, A, most), (now.campaign, E, most)]
    assert commits == [
        (now.campaign.root, ["data/withdrawn.json"], "Withdraw 3 samples: why"),
    ]


def test_names_of_samples_are_found_once_and_lists_are_read(tmp_path: Path) -> None:
    now = with_samples(tmp_path)
    listed = tmp_path / "list.txt"
    listed.write_text(f"  {B}\n\n{A}\n")
    found = withdrawn_names.samples(now, ["e.png", f"@{listed}", A])
    assert [each.id for each in found] == [E, B, A]
    with pytest.raises(DataError, match=r"^'nobody' is no sample"):
        withdrawn_names.samples(now, ["nobody"])
    listed.write_text(" \n")
    with pytest.raises(DataError, match=f"^{listed} is empty; wanted a list with a sample a line"):
        withdrawn_names.samples(now, [f"@{listed}"])
    with pytest.raises(
        DataError, match=f"^cannot read {tmp_path}: wanted a list .*, got .*Is a dir"
    ):
        withdrawn_names.samples(now, [f"@{tmp_path}"])


@pytest.mark.parametrize(("done", "words"), [(True, "was withdrawn"), (False, "is being with")])
def test_a_withdrawn_sample_is_none_to_withdraw(tmp_path: Path, done: bool, words: str) -> None:
    now = with_samples(tmp_path)
    stone = Tombstone(A, "", made_records.AT, "why", "pool", 0, 1, False, done=done)
    WithdrawnRecord((stone,)).write(now.campaign.withdrawn)
    with pytest.raises(
        StateError, match=rf"^{A} {words}.*, on 2026-11-01; wanted a sample that is"
    ):
        withdrawn_names.samples(now, [B, A])


# --- what is said before --------------------------------------------------------------------


def test_what_a_withdrawal_does_not_reach_is_said(handmade: HandmadeCampaign) -> None:
    made = handmade
    now = snapshots.read(made.root)
    (sample,) = samples(now, A)
    whole: Any = SimpleNamespace(present=set)  # a store that has each object that is asked for
    lines = withdrawn_remains.lines(now, [replace(sample, also=("b.png",))], [whole])
    assert lines == [
        f"{A}, in the pool: from/0.png, b.png",
        "what stays, and is yours to see to:",
        "  the files that the images came from",
        "  git's history: ids, answers and labels of earlier commits, no pixels and no features",
        "  the weights that learned from them: of the encoder and of closed rounds' models",
        "  backups",
    ]
    settings = made.root / ".dvc" / "config"
    others = "".join(f"['remote \"{name}\"']\n    url = s3://{name}\n" for name in "ba")
    settings.write_text(settings.read_text() + others)
    repositories.git(made.root, "remote", "add", "origin", str(made.folder))
    repositories.git(made.root, "add", "-f", "data/images/000")
    made.commit("By mistake")
    (made.root / "data" / "images" / "000" / f"{A}.png").write_bytes(b"another")
    first = git.head(made.root)
    made.commit("Once more")
    twins = [replace(each, group="g") for each in samples(now, A, B, E)]
    sample_files.write_samples(made.campaign.samples, twins)
    now = replace(made_records.snapshot(made.root), config=now.config)
    lines = withdrawn_remains.lines(now, [twins[2]] * 12, [])
    assert lines[:12] == [f"{E}, in the hold-out: from/4.png"] * 10 + [
        "and 2 more",
        "what stays, and is yours to see to:",
    ]
    assert lines[13:] == [
        "  git's history: ids, answers and labels of earlier commits, and features or images that"
        f" a killed run had committed, first in {first[:12]}",
        "  data of rounds 0 to 1 that neither cache nor remote have here: if another computer has"
        " them, withdraw there",
        f"  2 samples with nearly the same picture, such as {A}: withdraw them, too, if they are"
        " meant",
        "  what DVC's other remotes have: a, b",
        "  clones and their caches: give `git pull` and `labelcycle withdraw` in each",
        "  backups",
    ]


# --- tasks ----------------------------------------------------------------------------------


def two_places(tmp_path: Path, state: State) -> Snapshot:
    """Round 0 asked in project 7 and round 1 in project 8."""
    now = made_records.snapshot(tmp_path, state, 1)
    vars(now)["key"] = "k"
    for number, project in ((0, 7), (1, 8)):
        tasks = [PushedTask(f"k/{number:03d}/{name}", name, 0, 5) for name in (A, B)]
        made_records.pushed(tasks, project=project).write(
            now.campaign.round(number) / "pushed.json"
        )
    return now


def test_tasks_are_taken_back_wherever_people_were_asked(tmp_path: Path, backend: Backend) -> None:
    now = two_places(tmp_path, State.OPEN)
    backend.there = {f"k/002/{A}": 9, f"k/002/{B}": 8}
    own = {f"k/000/{A}": 5, f"k/001/{A}": 5, f"k/002/{A}": 9}
    lines: list[str] = []
    withdraw_samples._take_tasks_back(now, frozenset({A}), lines.append)
    assert backend.removed == [(7, own), (8, own)]
    backend.refuses = {7}
    withdraw_samples._take_tasks_back(now, frozenset({A}), lines.append)
    title = annotation.title("files")
    assert lines == [f"project 7 of {title} is not looked at: no such project"]


@pytest.mark.parametrize(("state", "refused"), [(State.OPEN, True), (State.DUE, False)])
def test_an_open_round_that_is_not_reached_stops_it(
    tmp_path: Path, backend: Backend, state: State, refused: bool
) -> None:
    backend.refuses = {8}
    now, lines = two_places(tmp_path, state), []
    if refused:
        with pytest.raises(ServiceRefused):
            withdraw_samples._take_tasks_back(now, frozenset({A}), lines.append)
    else:
        withdraw_samples._take_tasks_back(now, frozenset({A}), lines.append)
        assert len(lines) == 1
    assert [project for project, _ in backend.removed] == [7]


# --- objects --------------------------------------------------------------------------------


def rewritten(made: HandmadeCampaign, *names: str) -> ObjectRewriter:
    places = withdraw_samples.outside(snapshots.read(made.root), None, asked=False)
    record = WithdrawnRecord.read_if_any(made.campaign.withdrawn)
    rewriter = ObjectRewriter(made.campaign, record, Redaction(frozenset(names)), places.stores)
    rewriter.run()
    return rewriter


def test_weights_without_samples_in_them_and_objects_of_others_stay(
    handmade: HandmadeCampaign,
) -> None:
    made = handmade
    (made.campaign.model / "model.json").write_text('{"learner": "linear"}\n')
    (made.campaign.model / "model.safetensors").write_bytes(b"linear weights")
    made.lock()  # recorded here and committed nowhere
    np.save(made.campaign.own_features, np.zeros((9, 2)))  # rows of nobody knows whom
    made.lock()
    stray = made.store(f"left by a stage: {A}".encode())
    other = made.store(b"another campaign's")
    replaced = rewritten(made, A).replaced
    here = json.loads(made.place("cache", replaced[recorded_here(made, "work/model")]).read_bytes())
    names = {entry["relpath"] for entry in here}
    assert names == {"model.json", "model.safetensors", "probabilities.npy"}
    assert replaced[stray] == replaced[recorded_here(made, "work/own.npy")] == GONE
    assert other not in replaced
    assert made.oid("work/own.npy") not in replaced
    model = json.loads(made.place("remote", replaced[made.oid("work/model")]).read_bytes())
    assert {entry["relpath"] for entry in model} == {"model.json", "probabilities.npy"}
    image = made.oid(f"data/images/000/{A}.png")
    assert replaced[image] == GONE
    assert replaced[made.oid("data/images/000")].endswith(".dir")
    assert made.place("cache", image).exists()  # nothing is deleted here
    assert not list(made.campaign.private.glob("withdraw-*"))


def recorded_here(made: HandmadeCampaign, path: str) -> str:
    """The digest that dvc.lock in the folder has."""
    return next(each.oid for each in recorded_outputs.here(made.root) if each.path == path)


def test_a_cache_that_others_use_has_no_strays(
    handmade: HandmadeCampaign,
) -> None:
    made = handmade
    elsewhere = made.folder / "cache"
    made.stores["cache"].rename(elsewhere)
    made.stores["cache"] = elsewhere
    settings = made.root / ".dvc" / "config"
    settings.write_text(f"{settings.read_text()}[cache]\n    dir = {elsewhere}\n")
    stray = made.store(A.encode())
    replaced = rewritten(made, A).replaced
    assert made.oid("data/samples") in replaced
    assert stray not in replaced


def test_what_is_whole_nowhere_stays_as_it_is(handmade: HandmadeCampaign) -> None:
    made = handmade
    samples, labels = made.oid("data/samples"), made.oid("data/labels/000.jsonl")
    old = made.oid("data/labels", "round/000")
    for store in made.stores:
        made.place(store, samples).unlink()
        made.place(store, labels).unlink()
    made.place("cache", old).unlink()  # the remote has it
    found = rewritten(made, C).replaced
    assert samples not in found
    assert labels not in found
    assert old not in found
    assert made.oid("data/labels") in found


# --- small parts ----------------------------------------------------------------------------


def test_a_pool_that_cannot_be_read_is_named_with_its_commit(handmade: HandmadeCampaign) -> None:
    made = handmade
    made.campaign.pool.write_text("odd")
    made.commit("Odd")
    commit = git.head(made.root)[:12]
    with pytest.raises(DataError, match=f"^data/pool.json of {commit} is not JSON"):
        rewritten(made, A)


def test_which_models_lost_their_weights(handmade: HandmadeCampaign) -> None:
    made, tracker = handmade, Tracker()
    now = snapshots.read(made.root)
    places = withdraw_samples.outside(now, lambda: tracker, asked=False)  # type: ignore[arg-type, return-value]
    stone = Tombstone(A, "", made_records.AT, "why", "pool", 0, 2, False)
    older = replace(stone, sample=B, round=9)
    models = [made.oid("work/model", f"round/{number:03d}") for number in (0, 1)]
    assert models[0] != models[1]

    def logged(**replaced: str) -> Any:
        digests = {models[int(name[1:])]: value for name, value in replaced.items()}
        record = WithdrawnRecord((stone, older), digests)
        withdraw_samples._replace_logged(now, record, frozenset({A}), places)
        *_, records, without = tracker.given.pop()
        return sorted(records), without

    assert logged() == ([0, 1], set())
    assert logged(m0=models[1]) == ([0, 1], set())
    assert logged(m1=GONE) == ([0, 1], {1})
    plain = made.oid("data/labels")
    assert logged(m0=plain, m1=models[0]) == ([0, 1], {0})
    early = WithdrawnRecord((replace(stone, round=1), older))
    withdraw_samples._replace_logged(now, early, frozenset({A}), places)
    assert sorted(tracker.given.pop()[2]) == [0]
    assert not withdraw_samples._has_weights("0" * 32 + ".dir", places.stores)
    assert withdraw_samples._has_weights(models[0], places.stores[1:])


def test_plans_name_the_pool_without_the_samples(handmade: HandmadeCampaign) -> None:
    now = snapshots.read(handmade.root)
    pool = now.records.plan(0).digests.pool
    cohorts = now.records.pool()
    assert cohorts
    record = WithdrawnRecord(replaced={cohorts.cohorts["000"]: "9" * 16})
    assert withdraw_samples._plans(now, record) == {pool: snapshots.pool_digest({"000": "9" * 16})}
    assert withdraw_samples._plans(now, WithdrawnRecord()) == {}


def test_a_file_whose_rows_are_nobodys_goes(tmp_path: Path) -> None:
    now = with_samples(tmp_path)
    campaign, redaction = now.campaign, Redaction(frozenset({A}))
    path = campaign.probabilities
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((7, 2)))
    before = path.read_bytes()
    splits = [{"pool": [A, B], "holdout": [E]}]
    withdraw_samples._redact(campaign, path, redaction, splits, write=False)
    assert path.read_bytes() == before
    withdraw_samples._redact(campaign, path, redaction, splits)
    assert not path.exists()
    withdraw_samples._redact(campaign, path, redaction, splits)
    assert redaction.digests == {}
    labels = campaign.label_file(0)
    labels.parent.mkdir(parents=True)
    labels.write_text(f'{{"sample": "{A}"}}\n')
    withdraw_samples._redact(campaign, labels, redaction, splits, write=False)
    assert (len(redaction.digests), labels.read_text() != "") == (1, True)
    withdraw_samples._redact(campaign, labels, redaction, splits)
    assert labels.read_text() == ""
