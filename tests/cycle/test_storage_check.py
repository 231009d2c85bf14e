"""Damage is put into everything that is stored: each is named with its rounds, and mended."""

import shutil
import subprocess

import pytest
from click.testing import CliRunner
from stored_campaign import INJURIES, StoredCampaign, flip

from labelcycle.adapters.dvc import object_store
from labelcycle.campaign.records.read_back_record import PREFIXES, ReadBack
from labelcycle.cli.main import cli
from labelcycle.cycle import storage_check, storage_findings
from labelcycle.cycle.storage_findings import CheckOutcome
from labelcycle.errors import DataError

pytestmark = pytest.mark.slow

LISTS = "data/labels"
"""A folder that has another list of files at each round."""


def checked(
    stored: StoredCampaign, repair: bool = False, share: float = 1.0
) -> tuple[CheckOutcome, list[str]]:
    lines: list[str] = []
    outcome = storage_check.check(stored.root, share, repair, lines.append, lambda step: None)
    return outcome, lines


def whole(stored: StoredCampaign) -> None:
    outcome, lines = checked(stored)
    assert outcome.found == [], lines


def findings(outcome: CheckOutcome) -> list[tuple[str, str, str]]:
    return sorted((each.place, each.state, each.what) for each in outcome.found)


def test_a_campaign_without_damage(stored: StoredCampaign) -> None:
    outcome, lines = checked(stored)
    assert (outcome.found, outcome.left) == ([], [])
    assert lines[:2] == ["reading back all of what is stored; git is read as a whole", "git: whole"]
    assert any(line.startswith("DVC's cache: ") for line in lines)
    told = CliRunner().invoke(cli, ["-C", str(stored.root), "check"])
    assert told.exit_code == 0
    assert told.output.endswith("everything that was looked at is as it was recorded\n")


@pytest.mark.parametrize("injury", INJURIES)
@pytest.mark.parametrize("place", ["cache", "remote"])
@pytest.mark.parametrize("what", ["image", "list", "old list", "owned"])
def test_an_object_of_dvc_is_named_and_restored(
    stored: StoredCampaign, place: str, what: str, injury: str
) -> None:
    other = {"cache": "DVC's remote", "remote": "DVC's cache"}[place]
    path, revision, rounds = {
        "image": (stored.image(), "HEAD", "rounds 0 to 1"),
        "list": (LISTS, "HEAD", "round 1"),
        "old list": (LISTS, "round/000", "rounds 0 to 1"),  # open/001 has it, too
        "owned": ("data/labels/000.jsonl", "HEAD", "rounds 0 to 1"),
    }[what]
    oid = stored.oid(path, revision)
    injured = stored.place(place, oid)
    before = injured.read_bytes()
    INJURIES[injury](injured)
    outcome, lines = checked(stored)
    if (place, what, injury) == ("cache", "old list", "missing"):
        assert outcome.found == []  # as in a clone, which does not pull earlier rounds
        assert any("1 of earlier rounds are in the remote alone" in line for line in lines)
        return
    state = "missing" if injury == "missing" else "damaged"
    assert findings(outcome) == [(place, state, f"{path} ({rounds})")]
    assert outcome.left == outcome.found
    assert outcome.found[0].line().endswith(f"; a good copy is in {other}")
    with pytest.raises(DataError, match=r"1 fault stays, .*--repair` restores 1 of them"):
        storage_findings.raise_left(outcome, False)
    outcome, lines = checked(stored, repair=True)
    assert (len(outcome.restored), outcome.left) == (1, []), lines
    assert injured.read_bytes() == before
    assert not list((stored.stores[place] / "damaged").glob("*"))
    whole(stored)


@pytest.mark.parametrize("injury", INJURIES)
def test_an_image_of_the_folder_is_restored_from_the_cache(
    stored: StoredCampaign, injury: str
) -> None:
    name = stored.image()
    path = stored.root / name
    before = path.read_bytes()
    INJURIES[injury](path)
    outcome, _ = checked(stored)
    state = "missing" if injury == "missing" else "damaged"
    assert findings(outcome) == [("files", state, f"{name} (rounds 0 to 1)")]
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == []
    assert path.read_bytes() == before
    if injury != "missing":  # it may have been changed by a person
        (aside,) = stored.campaign.damaged.rglob("*.png")
        assert aside.read_bytes() != before
        assert any(f"what was there is in {aside.relative_to(stored.root)}" in x for x in lines)
    whole(stored)


def test_a_link_to_a_damaged_object_is_damaged_with_it(stored: StoredCampaign) -> None:
    name = stored.image()
    path, cached = stored.root / name, stored.place("cache", stored.oid(name))
    before = cached.read_bytes()
    path.unlink()
    path.hardlink_to(cached)
    flip(cached)
    known = ReadBack().with_read("cache", [], [stored.oid(name)], "2026-11-01")
    known.write(stored.campaign.read_back)
    outcome, _ = checked(stored, share=1 / 256)  # of the folder, another part is due
    assert [each.place for each in outcome.found] == ["cache", "files"]
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == [], lines
    assert (path.read_bytes(), cached.read_bytes()) == (before, before)
    whole(stored)


def test_the_folder_is_the_source_if_cache_and_remote_are_both_damaged(
    stored: StoredCampaign,
) -> None:
    name = stored.image()
    for store in stored.stores:
        flip(stored.place(store, stored.oid(name)))
        stored.place(store, stored.oid(LISTS)).unlink()
    outcome, lines = checked(stored, repair=True)
    assert len(outcome.found) == 4
    assert outcome.left == [], lines
    whole(stored)


def test_a_folder_that_is_missing_as_a_whole(stored: StoredCampaign) -> None:
    shutil.rmtree(stored.root / LISTS)
    outcome, _ = checked(stored)
    assert findings(outcome) == [("files", "missing", f"{LISTS} (round 1)")]
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == [], lines
    assert (stored.root / LISTS / "001.jsonl").exists()
    whole(stored)


def test_the_last_copy_is_kept_though_it_is_damaged(stored: StoredCampaign) -> None:
    """An earlier round's labels list, damaged in both places; nothing else has it."""
    oid = stored.oid(LISTS, "round/000")
    for store in stored.stores:
        flip(stored.place(store, oid))
    outcome, lines = checked(stored, repair=True)
    assert [each.place for each in outcome.left] == ["cache", "remote"]
    assert any("no list of its files is whole" in line for line in lines)
    for store in stored.stores.values():
        (kept,) = (store / "damaged").iterdir()
        assert kept.name.startswith(oid)
    told = CliRunner().invoke(cli, ["-C", str(stored.root), "check", "--repair"])
    assert isinstance(told.exception, DataError)
    assert "2 faults stay, see above; a good copy may be in a backup" in str(told.exception)
    shutil.copy(kept, stored.place("remote", oid))  # somebody brings it: here, the bit turned back
    flip(stored.place("remote", oid))
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == [], lines
    whole(stored)


def test_a_file_of_a_closed_round_is_restored_from_git(stored: StoredCampaign) -> None:
    path = stored.campaign.round(0) / "metrics.json"
    before = path.read_bytes()
    flip(path)
    outcome, lines = checked(stored)
    assert findings(outcome) == [("files", "damaged", "rounds/000/metrics.json")]
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == [], lines
    assert path.read_bytes() == before


def test_what_a_step_has_changed_is_no_damage(stored: StoredCampaign) -> None:
    """Labels that were added but not committed yet, and a hold-out ahead of its record."""
    (stored.root / LISTS / "002.jsonl").write_text("{}\n")
    (stored.root / "data" / "holdout.jsonl").write_text("{}\n")
    outcome, _ = checked(stored, repair=True)
    assert outcome.found == []
    assert (stored.root / LISTS / "002.jsonl").exists()


@pytest.mark.parametrize("injury", INJURIES)
@pytest.mark.parametrize(
    ("name", "what", "source"),
    [
        ("HEAD:rounds/000/metrics.json", "rounds/000/metrics.json (rounds 0 to 1", "the working"),
        ("round/000^{commit}", "the commit of round/000 (rounds 0 to 1", "git's remote origin"),
        (
            "round/000^{tree}",
            "the list of files of round/000 (rounds 0 to 1",
            "git's remote origin",
        ),
        ("round/001", "the tag of round/001 (round 1", "git's remote origin"),
    ],
)
def test_an_object_of_git_is_named_and_restored(
    stored: StoredCampaign, name: str, what: str, source: str, injury: str
) -> None:
    words = ["git", "remote", "add", "origin", str(stored.folder / "git")]
    subprocess.run(words, cwd=stored.root, check=True)
    INJURIES[injury](stored.git_object(name))
    outcome, lines = checked(stored)
    mine = [each for each in outcome.left if each.place == "git" and each.name]
    assert [each.state for each in mine] == ["missing" if injury == "missing" else "damaged"]
    assert mine[0].what.startswith(what), mine[0].what
    assert source in mine[0].line()
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == [], lines
    whole(stored)
    assert not (stored.campaign.damaged / "git").exists()


def test_a_damaged_pack_of_git_gives_what_is_whole_in_it(stored: StoredCampaign) -> None:
    subprocess.run(["git", "gc", "-q"], cwd=stored.root, check=True)
    (pack,) = (stored.root / ".git" / "objects" / "pack").glob("*.pack")
    flip(pack)
    outcome, _ = checked(stored)
    assert f"the pack {pack.stem}" in [each.what for each in outcome.left]
    words = ["git", "remote", "add", "origin", str(stored.folder / "git")]
    subprocess.run(words, cwd=stored.root, check=True)
    outcome, lines = checked(stored, repair=True)
    assert outcome.left == [], lines
    whole(stored)


def test_a_share_a_night_reads_all_within_a_week(
    stored: StoredCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = object_store.ObjectStore._digest

    def counted(store: object_store.ObjectStore, oid: str) -> str | None:
        if store.kind == "cache" and not oid.endswith(".dir"):
            read.append(oid)
        return digest(store, oid)

    monkeypatch.setattr(object_store.ObjectStore, "_digest", counted)
    nights = []
    for _ in range(7):
        checked(stored, share=0.15)
        nights.append(set(read))
        read.clear()
    files = {path for path in (stored.stores["cache"] / "files").rglob("*") if path.is_file()}
    everything = {path.parent.name + path.name for path in files}
    assert set().union(*nights) == {oid for oid in everything if not oid.endswith(".dir")}
    assert sum(map(len, nights)) <= len(everything) * 1.3
    record = ReadBack.read(stored.campaign.read_back)
    assert record.since("cache")


def test_what_was_damaged_is_read_each_night_until_it_is_whole(stored: StoredCampaign) -> None:
    oid = stored.oid(stored.image())
    flip(stored.place("remote", oid))
    flip(stored.place("cache", oid))
    flip(stored.root / stored.image())
    checked(stored)  # tonight all is read
    for _ in range(2):
        outcome, _ = checked(stored, share=1 / 256)
        assert {each.place for each in outcome.left} == {"cache", "remote", "files"}


def test_a_remote_that_does_not_answer_is_a_fault_of_its_own(
    stored: StoredCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(stored.place("cache", stored.oid(stored.image())))
    monkeypatch.setattr(
        object_store.ObjectStore,
        "present",
        lambda store, oids: (
            set(oids)
            if store.kind == "cache"
            else (_ for _ in ()).throw(object_store._away("remote", OSError("no route")))
        ),
    )
    outcome, lines = checked(stored, repair=True)
    assert any("DVC's remote cannot be used: no route" in line for line in lines)
    assert [each.place for each in outcome.left] == ["remote"]  # the folder had the image
    record = ReadBack.read(stored.campaign.read_back)
    assert "remote" not in record.parts


def test_parts_are_read_in_turn() -> None:
    record = ReadBack()
    seen: list[str] = []
    for night in range(7):
        due = record.due("cache", 0.15)
        assert len(due) == 39
        seen += due
        record = record.with_read("cache", due, [], f"2026-11-0{night + 1}")
    assert set(seen) == set(PREFIXES)
    assert record.since("cache") == "2026-11-01"
