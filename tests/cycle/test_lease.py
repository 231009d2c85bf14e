"""Two folders with one git remote: one of them works on the campaign, the other is told who."""

import contextlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import repositories
from click.testing import CliRunner
from stored_campaign import StoredCampaign

from labelcycle.adapters import git, git_lease
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cli.main import cli
from labelcycle.cycle import resume_campaign, storage_check
from labelcycle.errors import DataError, ServiceDown, StateError
from labelcycle.rounds import lease, snapshots, trusted_places

pytestmark = pytest.mark.slow


class Machines:
    """A bare remote and folders of the campaign that have it as their origin."""

    def __init__(self, stored: StoredCampaign) -> None:
        self.folder, self.bare = stored.folder, stored.folder / "git"
        self.first = stored.campaign
        repositories.git(self.first.root, "remote", "add", "origin", str(self.bare))

    def clone(self, name: str) -> Campaign:
        root = self.folder / name
        repositories.git(self.folder, "clone", "-q", str(self.bare), str(root))
        trusted_places.confirm(Campaign(root))
        return Campaign(root)

    def held(self) -> str:
        return git_lease.read(self.first.root, str(self.bare))

    def take_away(self) -> None:
        self.bare.rename(self.folder / "away")

    def bring_back(self) -> None:
        (self.folder / "away").rename(self.bare)


@pytest.fixture
def machines(stored: StoredCampaign) -> Machines:
    return Machines(stored)


def nothing(line: str) -> None:
    del line


def step(campaign: Campaign, name: str | None = None, lines: list[str] | None = None) -> None:
    """A step that changes the campaign, and commits if it is named."""
    with lease.held(campaign, nothing if lines is None else lines.append, take=True):
        if name:
            (campaign.root / "rounds" / name).write_text(name)
            git.commit(campaign.root, ["rounds"], name)


def test_without_a_remote_of_git_there_is_no_lease(stored: StoredCampaign) -> None:
    step(stored.campaign)
    assert not (stored.root / layout.LEASE).exists() or "null" in (
        stored.root / layout.LEASE
    ).read_text(encoding="utf-8")
    well, said, _ = lease.described(stored.campaign)
    assert well
    assert "no remote" in said


def test_a_bundle_is_no_place_for_a_lease(stored: StoredCampaign) -> None:
    repositories.git(stored.root, "bundle", "create", "../b.bundle", "--all")
    repositories.git(stored.folder, "clone", "-q", "b.bundle", "restored")
    assert git_lease.address(stored.folder / "restored") is None


def test_the_first_machine_is_refused_once_another_resumed(machines: Machines) -> None:
    first, second = machines.first, machines.clone("second")
    step(first)
    before = machines.held()
    with pytest.raises(StateError) as refused:
        step(second)
    for words in (str(first.root), "since 20", "git pull --tags", "labelcycle resume --force"):
        assert words in str(refused.value)
    assert machines.held() == before

    lines: list[str] = []
    resume_campaign.resume(second, lines.append)
    assert lines[0] == "all data of this commit are here"
    assert f"{first.root}, did before" in lines[-1]
    assert second.has_samples
    assert snapshots.read(second.root).number == 2
    step(second)
    with pytest.raises(StateError, match=f"{second.root}, has held this campaign since"):
        step(first)
    assert lease.described(first)[0] is False
    resume_campaign.resume(second, lines.append)
    assert lines[-1] == "this folder holds the campaign already"


def test_whoever_lacks_the_others_work_has_to_pull_first(machines: Machines) -> None:
    first, second = machines.first, machines.clone("second")
    step(first)
    resume_campaign.resume(second, nothing)
    step(second, "new.txt")
    with pytest.raises(StateError, match="has worked on this campaign since, and that is not here"):
        resume_campaign.resume(first, nothing)
    repositories.git(second.root, "push", "-q", "origin", "HEAD")
    with pytest.raises(StateError, match="git pull --tags"):
        resume_campaign.resume(first, nothing)
    branch = git._git(second.root, "symbolic-ref", "--short", "HEAD")
    repositories.git(first.root, "pull", "-q", "--no-rebase", "origin", branch)
    resume_campaign.resume(first, nothing)
    step(first)
    with pytest.raises(StateError, match=f"{first.root}, has held"):
        step(second)


def test_the_flag_takes_over_without_the_others_work(machines: Machines) -> None:
    first, second = machines.first, machines.clone("second")
    resume_campaign.resume(second, nothing)
    step(second, "new.txt")
    resume_campaign.resume(first, nothing, force=True)
    step(first)
    with pytest.raises(StateError, match="has held this campaign"):
        step(second)


@pytest.mark.parametrize("pushing", ["together", "in turn"])
def test_of_several_that_take_it_at_once_exactly_one_wins(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, pushing: str
) -> None:
    """All of them have seen that nobody holds it before the first one writes."""
    read, everybody = git_lease.read, threading.Barrier(3, timeout=30)
    waited = threading.local()

    def read_together(root: Path, url: str) -> str:
        found = read(root, url)
        in_main = threading.current_thread() is threading.main_thread()
        if found == git_lease.NONE and not in_main and not getattr(waited, "done", False):
            waited.done = True
            everybody.wait()
        return found

    replace, one = git_lease.replace, threading.Lock()

    def replace_in_turn(root: Path, url: str, known: str, new: str) -> str | None:
        with one if pushing == "in turn" else contextlib.nullcontext():
            return replace(root, url, known, new)

    monkeypatch.setattr(git_lease, "read", read_together)
    monkeypatch.setattr(git_lease, "replace", replace_in_turn)
    campaigns = [machines.first, machines.clone("second"), machines.clone("third")]

    def attempt(campaign: Campaign) -> str:
        try:
            step(campaign)
        except StateError as lost:
            return f"lost: {lost}"
        return "won"

    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            ends = list(pool.map(attempt, campaigns))
        holders = [c for c in campaigns if lease.described(c)[0]]
        assert len(holders) == 1, ends
        assert ends.count("won") == 1
        for campaign in campaigns:
            if campaign is not holders[0]:
                with pytest.raises(StateError, match=f"{holders[0].root}, has held"):
                    step(campaign)
        repositories.git(machines.bare, "update-ref", "-d", git_lease.REF)


def test_a_text_that_changed_meanwhile_is_not_replaced(machines: Machines) -> None:
    root, url = machines.first.root, str(machines.bare)
    first = git_lease.replace(root, url, git_lease.NONE, "one")
    assert first
    assert git_lease.read(root, url) == first
    assert git_lease.replace(root, url, git_lease.NONE, "two") is None
    assert git_lease.text(root, url, first) == "one"
    second = git_lease.replace(root, url, first, "two")
    assert second
    assert git_lease.replace(root, url, first, "three") is None
    assert git_lease.read(root, url) == second


def test_without_an_answer_only_who_held_it_goes_on(machines: Machines) -> None:
    first, second = machines.first, machines.clone("second")
    step(first)
    machines.take_away()
    lines: list[str] = []
    step(first, "offline.txt", lines)
    assert "does not answer" in lines[0]
    assert "goes on" in lines[0]
    with pytest.raises(StateError, match=r"this folder did not hold it last.*resume --force"):
        step(second)
    resume_campaign.resume(second, lines.append, force=True)
    assert "goes on without asking until it answers" in lines[-1]
    step(second)
    machines.bring_back()
    with pytest.raises(StateError, match=f"{first.root}, has held"):
        step(second)
    step(first)
    with pytest.raises(StateError, match="that is not here"):
        resume_campaign.resume(second, nothing)


def test_who_knows_that_it_lost_it_does_not_go_on_without_an_answer(machines: Machines) -> None:
    first, second = machines.first, machines.clone("second")
    step(first)
    resume_campaign.resume(second, nothing)
    with pytest.raises(StateError, match="has held this campaign"):
        step(first)
    assert not resume_campaign.due(first)  # `run` takes it over in a new clone only
    machines.take_away()
    with pytest.raises(StateError, match="did not hold it last"):
        step(first)
    step(second)


def test_a_copy_of_a_folder_is_another_holder(machines: Machines) -> None:
    step(machines.first)
    copy = machines.folder / "copy"
    shutil.copytree(machines.first.root, copy)
    trusted_places.confirm(Campaign(copy))
    with pytest.raises(StateError, match="has held this campaign"):
        step(Campaign(copy))


def test_a_kill_between_push_and_note_does_not_lock_the_holder_out(machines: Machines) -> None:
    first = machines.first
    step(first)
    known = (first.root / layout.LEASE).read_bytes()
    step(first, "one.txt")
    (first.root / layout.LEASE).write_bytes(known)
    step(first, "two.txt")
    assert lease.described(first)[0] is True


def test_the_lease_of_another_campaign_is_refused(machines: Machines) -> None:
    first, url = machines.first, str(machines.bare)
    step(first)
    text = git_lease.text(first.root, url, machines.held())
    key = snapshots.read(first.root).key
    other = text.replace(key, "0" * 12)
    git_lease.replace(first.root, url, machines.held(), other)
    with pytest.raises(DataError, match="is of another campaign"):
        step(first)
    head = git.head(first.root)
    git_lease.replace(first.root, url, machines.held(), text.replace(head, "--all"))
    with pytest.raises(DataError, match="commit: wanted the id of one, got '--all'"):
        step(first)
    git_lease.replace(first.root, url, machines.held(), "no JSON")
    with pytest.raises(DataError, match="is not JSON"):
        step(first)


def test_a_remote_that_takes_nothing_is_told(machines: Machines) -> None:
    hook = machines.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ServiceDown, match="does not answer as it should"):
        git_lease.replace(machines.first.root, str(machines.bare), git_lease.NONE, "x")


def test_run_resumes_in_a_new_clone_only(machines: Machines) -> None:
    first, second = machines.first, machines.clone("second")
    step(first)
    assert not resume_campaign.due(first)
    assert resume_campaign.due(second)
    resume_campaign.resume(second, nothing)
    assert not resume_campaign.due(second)
    assert not resume_campaign.due(first)


def test_a_data_remote_that_is_not_the_default_one_is_none(stored: StoredCampaign) -> None:
    config = stored.root / ".dvc" / "config"
    text = config.read_text(encoding="utf-8")
    assert commands.has_remote(stored.root)
    assert commands.without_default(stored.root) == []
    config.write_text(text.replace("remote = store", ""), encoding="utf-8")
    trusted_places.confirm(stored.campaign)
    assert not commands.has_remote(stored.root)
    assert commands.without_default(stored.root) == ["store"]


def test_a_pull_asks_for_nothing_that_no_stage_has_made(machines: Machines) -> None:
    second = machines.clone("second")
    assert not (second.root / "dvc.lock").exists()
    commands.pull(second.root)
    assert second.has_samples


def test_a_repair_takes_what_was_withdrawn_elsewhere_for_missing_so_it_asks(
    machines: Machines, stored: StoredCampaign
) -> None:
    """A clone that has not pulled has good copies of it."""
    clone = machines.clone("clone")
    commands.pull(clone.root)
    step(machines.first, "one")
    image = stored.place("remote", stored.oid(stored.image()))
    image.unlink()
    lines: list[str] = []
    with pytest.raises(StateError, match="has held this campaign since"):
        storage_check.check(clone.root, 1, True, lines.append, nothing)
    assert not image.exists()
    found = storage_check.check(clone.root, 1, False, lines.append, nothing).found
    assert [finding.place for finding in found] == ["remote"]
    storage_check.check(machines.first.root, 1, True, lines.append, nothing)
    assert image.exists()


def test_the_pipeline_is_printed_anew_by_whoever_holds_it(machines: Machines) -> None:
    clone = machines.clone("clone")
    step(machines.first)
    (clone.root / "dvc.yaml").write_text("stages: {}\n")
    git.commit(clone.root, ["dvc.yaml"], "As another version has it")
    head = git.head(clone.root)
    done = CliRunner().invoke(cli, ["init", str(clone.root)])
    assert isinstance(done.exception, StateError)
    assert "has held this campaign since" in str(done.exception)
    assert git.head(clone.root) == head


def test_a_withdrawal_takes_it_so_that_clones_have_to_pull(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machines.first
    assert not machines.held()
    monkeypatch.setattr(snapshots, "ready", lambda root, **how: snapshots.read(root))
    (sample, *_) = sample_files.read_samples(first.samples)
    words = ["-C", str(first.root), "withdraw", sample.id, "--reason", "consent revoked"]
    assert CliRunner().invoke(cli, words, input="n\n").exit_code == 1
    assert machines.held()
