"""What a check says of damage in the four places, and what it puts back; DVC is not run."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import repositories
from handmade_campaign import POOL, HandmadeCampaign
from stored_campaign import flip

from labelcycle.adapters import lock
from labelcycle.adapters.dvc import commands, object_store
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.read_back_record import PREFIXES, ReadBack
from labelcycle.cycle import storage_check, storage_findings, working_files
from labelcycle.cycle.storage_findings import CheckOutcome, Finding
from labelcycle.cycle.working_files import WorkingFile
from labelcycle.errors import Busy, DataError, ServiceDown, StateError, ToolFailed
from labelcycle.nn.progress import Progress
from labelcycle.rounds import stored_objects

A, B, C, D = (f"data/images/000/{name}.png" for name in POOL)
LABELS, CLUSTERS, METRICS = "data/labels", "work/clusters.npz", "rounds/000/metrics.json"
OBJECTS, FILES = 27, 27


def checked(
    made: HandmadeCampaign, repair: bool = False, share: float = 1.0
) -> tuple[CheckOutcome, list[str]]:
    lines: list[str] = []
    outcome = storage_check.check(made.root, share, repair, lines.append, lambda step: None)
    return outcome, lines


def named(findings: list[Finding]) -> list[str]:
    """Place, file, state and the nearest source of each."""
    return sorted(
        " ".join((each.place, each.what.partition(" (")[0], each.state, *each.sources[:1]))
        for each in findings
    )


def test_what_is_whole_is_counted_and_the_time_is_kept(handmade: HandmadeCampaign) -> None:
    handmade.campaign.rollbacks.write_text("")
    lines: list[str] = []
    steps: list[Progress] = []
    outcome = storage_check.check(handmade.root, 0.5, False, lines.append, steps.append)
    assert outcome == CheckOutcome()
    read = [line.rpartition(", ")[2] for line in lines[3:6]]
    assert lines == [
        "rounds that were rolled back are looked at like all others",
        "reading back 50% of what is stored; git is read as a whole",
        "git: whole",
        f"DVC's remote: {OBJECTS} objects, {read[0]}",
        f"DVC's cache: {OBJECTS} objects, {read[0]}",
        f"the folder: {FILES} recorded files, {read[2]}",
        *(
            f"{title}: not all was read yet; 2 checks of this share read all"
            for title in ("DVC's remote", "DVC's cache", "the folder")
        ),
    ]
    number = int(read[0].split()[0])
    assert 0 < number < OBJECTS
    assert steps == [Progress(number, number)] * 2
    record = ReadBack.read(handmade.campaign.read_back)
    halves = {place: sorted(parts) for place, parts in record.parts.items()}
    assert halves == {key: [*PREFIXES[:128]] for key in ("cache", "remote", "files")}
    _, lines = checked(handmade, share=0.5)
    full = f"all of it was read since {record.parts['cache']['00']}; 2 checks of this share"
    assert f"DVC's cache: {full} read all" in lines
    assert storage_check.read_lately(handmade.campaign, 1)


DAMAGE = sorted(
    (
        f"cache {A} damaged remote",
        f"cache {D} damaged files",
        f"cache {LABELS} missing remote",
        f"cache {CLUSTERS} damaged",
        f"files {C} damaged cache",
        f"files {METRICS} damaged git",
        f"remote {B} missing cache",
        f"remote {CLUSTERS} damaged",
        f"remote {D} damaged files",
    )
)
"""What `damage` does; clusters of round 0 have no good copy."""


def damage(made: HandmadeCampaign) -> None:
    old_clusters, old_labels = (made.oid(name, "round/000") for name in (CLUSTERS, LABELS))
    flip(made.place("cache", made.oid(A)))
    made.place("remote", made.oid(B)).unlink()
    made.place("cache", made.oid(LABELS)).unlink()
    made.place("cache", old_labels).unlink()  # as in a clone
    for store in made.stores:
        flip(made.place(store, made.oid(D)))
        flip(made.place(store, old_clusters))
    flip(made.root / C)
    flip(made.root / METRICS)


@pytest.fixture
def damaged(handmade: HandmadeCampaign) -> HandmadeCampaign:
    damage(handmade)
    return handmade


def test_what_is_damaged_is_named_at_each_check_with_its_good_copy(
    damaged: HandmadeCampaign,
) -> None:
    outcome, lines = checked(damaged)
    assert named(outcome.found) == named(outcome.left) == DAMAGE
    assert {
        f"DVC's cache: {A} (rounds 0 to 1) is damaged; a good copy is in DVC's remote",
        f"DVC's cache: {LABELS} (round 1) is missing; a good copy is in DVC's remote",
        f"DVC's cache: {CLUSTERS} (round 0) is damaged; no good copy is known",
        "DVC's cache: 25 objects, 25 read back; 1 of earlier rounds are in the remote alone",
        f"the folder: {C} (rounds 0 to 1) is damaged; a good copy is in DVC's cache",
        f"the folder: {METRICS} is damaged; a good copy is in git",
    } - {*lines} == set()
    with pytest.raises(DataError, match=r"^9 faults stay, see above; .*` restores 7 of them"):
        storage_findings.raise_left(outcome, False)
    outcome, _ = checked(damaged, share=1 / 256)  # what was damaged is read each time
    assert named(outcome.left) == DAMAGE


def test_what_has_a_good_copy_is_put_right(handmade: HandmadeCampaign) -> None:
    made = handmade
    before = {name: (made.root / name).read_bytes() for name in (C, METRICS)}
    damage(made)
    outcome, lines = checked(made, repair=True)
    assert len(outcome.restored) == 7
    restored = [line for line in lines if "is restored from" in line]
    assert f"DVC's cache: {A} (rounds 0 to 1) is restored from DVC's remote" in restored
    titles = [line.partition(":")[0] for line in restored]
    assert titles == ["DVC's cache"] * 3 + ["DVC's remote"] * 2 + ["the folder"] * 2
    for store in made.stores:
        assert made.place(store, made.oid(D)).read_bytes() == (made.root / D).read_bytes()
    (aside,) = made.campaign.damaged.rglob("*.png")
    assert aside.read_bytes() != before[C]
    said = f"{C} (rounds 0 to 1) is restored from DVC's cache; what was there is in"
    assert any(f"{said} {aside.relative_to(made.root)}" in line for line in lines)
    assert {name: (made.root / name).read_bytes() for name in before} == before


def test_what_has_no_good_copy_is_kept_aside_and_missing_from_then(
    damaged: HandmadeCampaign,
) -> None:
    outcome, lines = checked(damaged, repair=True)
    assert named(outcome.left) == [f"cache {CLUSTERS} damaged", f"remote {CLUSTERS} damaged"]
    for store, folder in damaged.stores.items():
        (kept,) = (folder / "damaged").iterdir()
        no_copy = f"{CLUSTERS} (round 0) has no good copy; the damaged one is kept at {kept}"
        assert any(line.startswith(f"DVC's {store}: {no_copy}") for line in lines)
    outcome, _ = checked(damaged)
    assert named(outcome.left) == [f"cache {CLUSTERS} missing", f"remote {CLUSTERS} missing"]


def test_an_object_of_git_is_named_and_comes_from_the_working_tree(
    handmade: HandmadeCampaign,
) -> None:
    """But for one that nobody has any more."""
    made = handmade
    git_folder = made.root / ".git" / "objects"
    oid, old = (
        repositories.said(made.root, "rev-parse", name)
        for name in (f"HEAD:{METRICS}", "round/000:dvc.lock")
    )
    flip(git_folder / oid[:2] / oid[2:])
    (git_folder / old[:2] / old[2:]).unlink()
    what = f"git: {METRICS} (rounds 0 to 1, object {oid[:12]})"
    outcome, lines = checked(made)
    assert {(each.place, each.state, each.name) for each in outcome.left if each.name} == {
        ("git", "damaged", oid),
        ("git", "missing", old),
    }
    assert f"{what} is damaged; a good copy is in the working tree" in lines
    assert f"git: dvc.lock (round 0, object {old[:12]}) is missing; no good copy is known" in lines
    outcome, lines = checked(made, repair=True)
    assert [each.name for each in outcome.restored] == [oid]
    assert [each.name for each in outcome.left if each.name] == [old]
    assert f"{what} is restored from the working tree" in lines
    assert (made.campaign.damaged / "git" / oid).exists()


def test_a_damaged_tag_leaves_what_it_had_unread(handmade: HandmadeCampaign) -> None:
    made = handmade
    oid = repositories.said(made.root, "rev-parse", "round/000^{tree}")
    (made.root / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    outcome, lines = checked(made)
    assert {each.state for each in outcome.left} == {"missing", "unreadable"}
    said = [line for line in lines if line.startswith("git: what DVC keeps of round/000 (")]
    assert len(said) == 1
    assert "ended with code" in said[0]
    assert said[0].endswith(") is unreadable")
    assert f"the folder: {FILES} recorded files, {FILES} read" in lines  # of the other revisions


def test_who_keeps_a_file_of_the_folder(handmade: HandmadeCampaign) -> None:
    made = handmade
    found = working_files.recorded(made.campaign, stored_objects.read(made.root))
    wanted = [
        WorkingFile("work/own.npy", made.oid("work/own.npy"), "DVC"),
        WorkingFile(METRICS, repositories.said(made.root, "rev-parse", f"HEAD:{METRICS}"), "git"),
    ]
    assert [each for each in found if each.path in (METRICS, "work/own.npy")] == wanted


def test_a_folder_that_is_missing_as_a_whole_is_one_finding(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = handmade, []

    def checkout(root: Path, path: str) -> None:
        asked.append((root, path))
        (root / path).mkdir()

    monkeypatch.setattr(commands, "checkout", checkout)
    shutil.rmtree(made.root / LABELS)
    outcome, lines = checked(made, repair=True)
    assert named(outcome.found) == [f"files {LABELS} missing cache"]
    assert outcome.restored == outcome.found
    assert asked == [(made.root, LABELS)]
    assert f"the folder: {LABELS} (round 1) is restored from DVC's cache" in lines


def test_a_remote_that_does_not_answer_is_asked_once(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = handmade, []
    digest = object_store.ObjectStore._digest

    def away(store: object_store.ObjectStore, oid: str) -> str | None:
        if store.kind == "remote":
            asked.append(oid)
            raise ServiceDown("no route")
        return digest(store, oid)

    monkeypatch.setattr(object_store.ObjectStore, "_digest", away)
    flip(made.place("cache", made.oid(A)))
    made.place("cache", made.oid(LABELS)).unlink()
    outcome, lines = checked(made)
    assert len(asked) == 1
    assert named(outcome.found) == [
        f"cache {A} damaged files",
        f"cache {LABELS} missing files",
        "remote no route unreadable",
    ]
    assert "DVC's remote: no route is unreadable" in lines
    assert ReadBack.read(made.campaign.read_back).parts.keys() == {"cache", "files"}

    def broken(root: Path) -> None:
        raise ToolFailed("DVC's remote 'store' cannot be used")

    monkeypatch.setattr(object_store, "remote", broken)
    outcome, _ = checked(made)
    assert "remote DVC's remote 'store' cannot be used unreadable" in named(outcome.found)
    assert len(asked) == 1


def test_a_remote_that_goes_away_meanwhile_and_a_copy_that_cannot_be_written(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = handmade
    present = object_store.ObjectStore.present

    def away(store: object_store.ObjectStore, oids: Any) -> set[str]:
        if store.kind == "remote":
            raise ServiceDown("it went away")
        return present(store, oids)

    def full(store: object_store.ObjectStore, oid: str, file: Path) -> bool:
        raise OSError("no space")

    monkeypatch.setattr(object_store.ObjectStore, "present", away)
    monkeypatch.setattr(object_store.ObjectStore, "put", full)
    flip(made.place("cache", made.oid(A)))
    outcome, lines = checked(made, repair=True)
    assert named(outcome.left) == [f"cache {A} damaged files", "remote it went away unreadable"]
    assert outcome.restored == []
    assert f"DVC's cache: {A} (rounds 0 to 1) is not restored: no space" in lines


def test_beside_a_step_at_work_the_folder_is_not_judged(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(handmade.root / A)
    flip(handmade.place("cache", handmade.oid(B)))

    def taken(path: Path) -> Any:
        raise Busy(f"{path.name} is taken")

    monkeypatch.setattr(lock, "exclusive", taken)
    outcome, lines = checked(handmade)
    assert named(outcome.left) == [f"cache {B} damaged remote"]
    assert "the folder: not looked at closely, for campaign.lock is taken" in lines
    with pytest.raises(Busy):
        checked(handmade, repair=True)


def test_what_a_step_put_right_meanwhile_is_no_fault(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look is under the lock."""
    path, cached = handmade.root / A, handmade.place("cache", handmade.oid(B))
    good = {path: path.read_bytes(), cached: cached.read_bytes()}
    flip(path)
    flip(cached)
    exclusive = lock.exclusive

    def mended(lock_file: Path) -> Any:
        for file, content in good.items():
            file.write_bytes(content)
        return exclusive(lock_file)

    monkeypatch.setattr(lock, "exclusive", mended)
    outcome, _ = checked(handmade)
    assert outcome == CheckOutcome()


def test_a_list_that_no_dvc_wrote_is_told(handmade: HandmadeCampaign) -> None:
    made = handmade
    text = b'[{"md5": "x", "relpath": "../out"}]'
    oid = made.store(text, ".dir")
    record = made.root / "data" / "labels.dvc"
    record.write_text(record.read_text().replace(made.oid(LABELS), oid))
    made.commit("Odd")
    outcome, lines = checked(made)
    assert [(each.place, each.state) for each in outcome.left] == [("cache", "unreadable")]
    start = f"DVC's cache: {LABELS} (no round yet): a folder's list of files names '../out'"
    assert any(line.startswith(start) for line in lines)


def test_a_folder_whose_list_is_nowhere_whole(handmade: HandmadeCampaign) -> None:
    made = handmade
    for store in made.stores:
        made.place(store, made.oid(LABELS, "round/000")).unlink()
    (made.root / "dvc.lock").write_text("stages: [7")
    outcome, lines = checked(made)
    assert (
        f"{LABELS} (rounds 0 to 1): no list of its files is whole, so these are not looked at"
        in lines
    )
    assert any(x.startswith("the folder: what DVC keeps in this folder cannot be") for x in lines)
    assert [each.place for each in outcome.left] == ["files", "remote", "cache"]


def test_what_no_round_has_pushed_yet_may_be_missing_in_the_remote(
    handmade: HandmadeCampaign,
) -> None:
    made = handmade
    (made.root / LABELS / "002.jsonl").write_text("{}\n")
    made.add(LABELS)
    made.commit("Added")
    for path in (LABELS, f"{LABELS}/002.jsonl"):
        made.place("remote", made.oid(path)).unlink()
    outcome, lines = checked(made)
    assert outcome == CheckOutcome()
    assert f"DVC's remote: {OBJECTS} objects, {OBJECTS} read back; 2 not pushed" in lines
    count = FILES + 1 - 8  # labels of round 2 are there: what stages write may be ahead by now
    assert f"the folder: {count} recorded files, {count} read" in lines


def test_places_that_nobody_confirmed_are_not_read(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with pytest.raises(StateError, match=r"^\.dvc/config names places outside this folder"):
        checked(handmade)
    with pytest.raises(StateError, match=f"^{handmade.folder} is not a campaign"):
        storage_check.check(handmade.folder, 1, False, print, print)


@pytest.mark.parametrize(("hours", "lately"), [(1.9, False), (2.1, True)])
def test_how_long_ago_the_last_check_was(tmp_path: Path, hours: float, lately: bool) -> None:
    campaign = Campaign(tmp_path)
    assert not storage_check.read_lately(campaign, hours)
    now = datetime.now(UTC)
    ago = [(now - timedelta(hours=each)).isoformat() for each in (2, 9)]
    ReadBack(parts={"cache": {"00": ago[0]}, "files": {"00": ago[1]}}).write(campaign.read_back)
    assert storage_check.read_lately(campaign, hours) is lately
    campaign.read_back.write_text("odd")
    assert not storage_check.read_lately(campaign, hours)
