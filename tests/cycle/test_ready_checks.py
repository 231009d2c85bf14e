"""Why a step is refused, and what is to be done then: each reason that `snapshots.ready` knows."""

import shutil
from pathlib import Path

import made_records
import pytest
import repositories
from handmade_campaign import HandmadeCampaign
from raised import told

from labelcycle.adapters import git
from labelcycle.campaign import json_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.core.digests import digest, file_digest
from labelcycle.errors import SettingsError, StateError
from labelcycle.rounds import snapshots

STONE = Tombstone("a" * 16, "", made_records.AT, "why", "pool", 0, 2, False)


def refused(made: HandmadeCampaign, **how: bool) -> str:
    return told(StateError, lambda: snapshots.ready(made.root, parts=False, **how))


def test_a_campaign_that_is_as_it_was_left(handmade: HandmadeCampaign) -> None:
    made = handmade
    (made.campaign.labels / ".000.jsonl.ab12.part").write_text("half")
    (made.root / "own.txt").write_text("not of git")
    made.campaign.code.write_text('{"train": 2}\n')  # what the campaign writes itself
    now = snapshots.ready(made.root, parts=False)
    assert (now.campaign.root, now.number, now.state) == (made.root, 2, State.DUE)
    assert now.tags == {"open/000", "round/000", "open/001", "round/001"}
    assert [path.name for path in made.campaign.labels.iterdir() if path.name[0] == "."] == []
    assert (now.closed, now.finished, now.folder) == (range(2), 2, made.campaign.round(2))
    assert now.key == repositories.said(made.root, "rev-list", "--max-parents=0", "HEAD")[:12]
    again = snapshots.renewed(now)
    assert (again.number, again.state, again.memory) == (2, State.DUE, now.memory)


def test_changes_that_nobody_committed(handmade: HandmadeCampaign) -> None:
    made = handmade
    names = [f"{number}.txt" for number in range(6)]
    for name in names:
        (made.root / name).write_text("a")
    made.commit("Own files")
    for name in names[:5]:
        (made.root / name).write_text("b")
    start = "the git tree is dirty: wanted no uncommitted changes, got "
    end = "; commit them or put them back (git stash)"
    assert refused(made) == f"{start}{', '.join(names[:5])}{end}"
    (made.root / names[5]).write_text("b")
    assert refused(made) == f"{start}{', '.join(names[:5])} ...{end}"


def test_samples_and_a_pipeline_that_are_not_there(handmade: HandmadeCampaign) -> None:
    made, campaign = handmade, handmade.campaign
    text = campaign.dvc_yaml.read_text()
    campaign.dvc_yaml.write_text(text.replace("work/own.npy", "work/owned.npy"))
    assert refused(made) == (
        "dvc.yaml is not the pipeline of this version of labelcycle; run `labelcycle init .` to"
        " print it anew, look at `git diff dvc.yaml`"
    )
    campaign.dvc_yaml.write_text(text)
    shutil.rmtree(campaign.samples)
    start = f"{campaign.samples} is missing; wanted the pool's samples; run"
    assert refused(made) == f"{start} `labelcycle pull`"
    (campaign.data / "samples.dvc").unlink()
    assert refused(made) == f"{start} `labelcycle ingest PATH...`"


def test_a_withdrawal_that_is_not_finished(handmade: HandmadeCampaign) -> None:
    made = handmade
    WithdrawnRecord((STONE,)).write(made.campaign.withdrawn)
    (made.campaign.round(0) / "selection.json").write_text("{}")  # it may have got as far as this
    assert refused(made) == (
        f"the withdrawal of 1 sample, the first is {STONE.sample}, is not finished: wanted it"
        " finished before any other step; run `labelcycle withdraw` without a sample, which goes on"
        " with it"
    )
    snapshots.ready(made.root, parts=False, withdrawing=True)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("rounds/000/metrics.json", "git checkout round/000 -- rounds/000/metrics.json"),
        ("rounds/001/annotations.jsonl", "git checkout round/001 -- rounds/001/annotations.jsonl"),
        ("data/labels/001.jsonl", "dvc checkout data/labels"),
    ],
)
def test_a_closed_round_that_was_changed(
    handmade: HandmadeCampaign, name: str, remedy: str
) -> None:
    made, path = handmade, handmade.root / name
    number, before = int(name.partition("00")[2][0]), file_digest(path)
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    start = f"{name} of the closed round {number} was changed: wanted digest {before}, got"
    assert refused(made) == f"{start} {file_digest(path)}; put it back: {remedy}"
    path.unlink()
    assert refused(made) == f"{start} no file; put it back: {remedy}"
    other = made.folder / "other"
    other.write_bytes(content)
    path.symlink_to(other)
    assert f"{start} no file;" in refused(made)


def test_a_file_without_a_withdrawn_sample_comes_from_head(handmade: HandmadeCampaign) -> None:
    made, name = handmade, "rounds/000/selection.json"
    path = made.root / name
    WithdrawnRecord((), {file_digest(path): "9" * 16}).write(made.campaign.withdrawn)
    assert refused(made) == (
        f"{name} of the closed round 0 was changed: wanted digest {'9' * 16}, got"
        f" {file_digest(path)}; put it back: git checkout HEAD -- {name}"
    )


def test_records_that_name_files_of_somebody(handmade: HandmadeCampaign) -> None:
    made, campaign = handmade, handmade.campaign
    path = campaign.round(0) / "metrics.json"
    for name in ("../secret", "rounds/000/.x", "rounds/000/", "rounds/001/plan.json"):
        record = json_files.read_json(path)
        json_files.write_json(path, record | {"digests": {name: "0"}})
        now = made_records.snapshot(made.root, number=1)
        assert told(StateError, lambda now=now: snapshots._digests(now.records, 0)) == (
            f"{path}: digests has {name!r}; wanted files in rounds/000/ and data/labels/000.jsonl"
            " alone; whoever wrote it may be after files of yours: do not use this campaign"
        )


def test_a_tag_without_the_record_of_its_round(handmade: HandmadeCampaign) -> None:
    made = handmade
    repositories.git(made.root, "tag", "-f", "-a", "round/000", "-m", "x", "main~4")
    text = told(StateError, lambda: snapshots.check_closed(snapshots.read(made.root).records, 0))
    assert text.startswith("tag round/000 holds no rounds/000/metrics.json: `git cat-file")


def test_what_a_plan_froze(handmade: HandmadeCampaign) -> None:
    made, campaign = handmade, handmade.campaign
    write_labels(campaign.label_file("owned"), [])
    assert refused(made) == (
        "data/labels/owned.jsonl changed since round 0, which froze it: wanted digest no file, got"
        f" {file_digest(campaign.label_file('owned'))}; put it back: dvc checkout data/labels.dvc"
    )
    campaign.label_file("owned").unlink()
    manifest = campaign.samples / "000.jsonl"
    before = file_digest(manifest)
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    assert refused(made) == (
        "data/samples/000.jsonl changed since a round was planned with it, which froze it: wanted"
        f" digest {before}, got {file_digest(manifest)}; put it back: dvc checkout data/samples.dvc"
    )


def test_tags_that_a_clone_lacks(handmade: HandmadeCampaign) -> None:
    made = handmade
    end = (
        ", though that step of the round was taken: wanted the tags of all rounds, for they say"
        " which are closed; run `git fetch --tags`, or bring them from where the campaign was"
        " copied"
    )
    for tag in ("round/000", "open/001"):
        repositories.git(made.root, "tag", "-d", tag if tag[0] == "r" else "round/001")
        if tag[0] == "o":
            repositories.git(made.root, "tag", "round/000", "open/001")
            repositories.git(made.root, "tag", "-d", tag)
        assert told(StateError, lambda: snapshots.read(made.root)) == (
            f"{made.root} lacks the tag {tag}{end}"
        )


def test_where_a_step_cannot_be_taken(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = handmade
    made.campaign.params.write_text("campaign: {name: birds, classes: []}\n")
    with pytest.raises(SettingsError, match=r"^params\.yaml: campaign\.classes"):
        snapshots.ready(made.root, parts=False)
    repositories.git(made.root, "checkout", "-q", "--detach")
    made.campaign.params.write_bytes(git.show(made.root, "HEAD", "params.yaml"))
    assert refused(made).startswith("git is not on a branch (detached HEAD)")
    repositories.git(made.root, "checkout", "-q", "-b", "old", "open/001")
    made.campaign.dvc_yaml.write_bytes(git.show(made.root, "main", "dvc.yaml"))
    assert refused(made).startswith("branch old does not hold round/001, the last closed round;")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots.trusted_places, "check", stop)
        assert refused(made) == "not confirmed"

    def unnamed(root: Path) -> None:
        raise StateError(f"{root.name}: who are you?")

    monkeypatch.setattr(git, "check_identity", unnamed)
    assert refused(made) == "campaign: who are you?"


def stop(campaign: Campaign) -> None:
    raise StateError("not confirmed")


def test_where_people_were_asked_last(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path)
    assert snapshots.last_push(now.campaign) is None
    for number in (0, 2, 1):
        pushed = made_records.pushed(project=number)
        pushed.write(now.campaign.round(number) / "pushed.json")
    assert snapshots.last_push(now.campaign) == ("files", 2)


def test_only_files_of_a_round_have_digests(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path)
    folder = now.campaign.round(0)
    for name in ("plan.json", ".plan.json.part", "metrics.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    write_labels(now.campaign.label_file(0), [])
    assert snapshots.record_digests(now.campaign, 0) == {
        "rounds/000/plan.json": digest(b"plan.json"),
        "data/labels/000.jsonl": digest(b""),
    }
