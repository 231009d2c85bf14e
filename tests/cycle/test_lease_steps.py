"""Who may work on a campaign, by what git's remote says: the remote is a value here."""

import getpass
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import made_records
import pytest
from raised import told

from labelcycle.adapters import git, git_lease, lock
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json
from labelcycle.campaign.records.lease_record import Holder, Lease
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.cycle import resume_campaign
from labelcycle.errors import DataError, ServiceDown, StateError
from labelcycle.rounds import campaign_key, lease, pushed_tasks, snapshots
from labelcycle.rounds.lease import Standing
from labelcycle.rounds.snapshots import Snapshot

HEAD = "a" * 40
OTHER = Lease("k", "f" * 32, "desk\x1b[1m", "ann", "/home/ann/birds", "2026-11-01T12:00", "b" * 40)


@dataclass
class Remote:
    """What git's remote and the git of the folder `root` would say.

    texts : by id; present : the id of what is there; away : it does not answer
    faster : what somebody writes just before the next write
    commits : those that HEAD has
    """

    root: Path
    url: str | None = "ssh://there"
    present: str = git_lease.NONE
    texts: dict[str, str] = field(default_factory=dict)
    away: bool = False
    faster: Lease | None = None
    commits: set[str] = field(default_factory=set)
    tags: frozenset[str] = frozenset()
    head: str = HEAD
    shallow: bool = False
    written: list[str] = field(default_factory=list)

    def holds(self, lease: Lease) -> None:
        """Somebody wrote this."""
        self.put(dump_json(lease.to_json()))

    def put(self, text: str) -> None:
        self.present = f"{len(self.texts) + 1:040x}"
        self.texts[self.present] = text

    def read(self, root: Path, url: str) -> str:
        assert (root, url) == (self.root, self.url)
        if self.away:
            raise ServiceDown("git's remote does not answer")
        return self.present

    def text(self, root: Path, url: str, identifier: str) -> str:
        assert (root, url) == (self.root, self.url)
        return self.texts[identifier]

    def replace(self, root: Path, url: str, known: str, new: str) -> str | None:
        assert (root, url) == (self.root, self.url)
        if self.faster:
            self.holds(self.faster)
        if known != self.present:
            return None
        self.put(new)
        self.written.append(new)
        return self.present

    @property
    def lease(self) -> Lease:
        return Lease.from_text(self.texts[self.present].encode(), "there")


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    made = Remote(tmp_path.resolve())

    def of_root(answer: Callable[..., Any]) -> Callable[..., Any]:
        def asked(root: Path, *given: str) -> Any:
            assert root == made.root
            return answer(*given)

        return asked

    monkeypatch.setattr(git_lease, "address", of_root(lambda: made.url))
    for name in ("read", "text", "replace"):
        monkeypatch.setattr(git_lease, name, getattr(made, name))
    monkeypatch.setattr(git, "head", of_root(lambda: made.head))
    monkeypatch.setattr(git, "tags", of_root(lambda: made.tags))
    monkeypatch.setattr(git, "shallow", of_root(lambda: made.shallow))
    monkeypatch.setattr(git, "has_commit", of_root(lambda name: name in made.commits))
    monkeypatch.setattr(campaign_key, "of", of_root(lambda: "k"))
    monkeypatch.setattr(lease, "present_time", lambda: made_records.AT)
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    monkeypatch.setattr(getpass, "getuser", lambda: "bob")
    return made


@pytest.fixture
def here(tmp_path: Path) -> Campaign:
    return Campaign(tmp_path)


def step(campaign: Campaign, *, take: bool = True) -> list[str]:
    """A step that changes the campaign; what is said."""
    lines: list[str] = []
    with lease.held(campaign, lines.append, take=take):
        pass
    return lines


def held(campaign: Campaign) -> str | None:
    return Holder.read(campaign.lease).held


def test_nobody_holds_it_before_the_first_open(remote: Remote, here: Campaign) -> None:
    with lease.held(here, print):
        assert remote.written == []
    assert lease.described(here) == (True, "nobody holds the campaign; the next open does", "")


def test_whoever_opens_first_holds_it(remote: Remote, here: Campaign) -> None:
    with lease.held(here, print):
        pass
    assert step(here) == []
    own = Holder.read(here.lease)
    folder = here.private.stat()
    assert (own.folder, own.held, own.since) == (folder.st_ino, remote.present, made_records.AT)
    assert (here.lease.stat().st_mode & 0o777, folder.st_mode & 0o777) == (0o600, 0o700)
    assert remote.lease == Lease(
        "k", own.holder, "here", "bob", str(here.root), made_records.AT, HEAD
    )
    assert len(own.holder) == 32
    said = f"this folder has held the campaign since {made_records.AT}"
    assert lease.described(here) == (True, said, "")


def test_who_holds_it_writes_again_at_another_commit_alone(remote: Remote, here: Campaign) -> None:
    step(here)
    step(here)
    assert len(remote.written) == 1
    remote.head = "c" * 40
    step(here)
    assert (remote.lease.commit, remote.lease.since) == ("c" * 40, made_records.AT)
    assert held(here) == remote.present


def test_another_one_is_refused_and_told_who_holds_it(remote: Remote, here: Campaign) -> None:
    remote.holds(OTHER)
    named = "ann on desk [1m, /home/ann/birds, has held"
    with pytest.raises(StateError) as refused:
        step(here)
    assert str(refused.value) == (
        f"{named} this campaign since 2026-11-01T12:00: wanted it free, or held by this folder; to"
        " go on here: `git pull --tags`, then `labelcycle resume`; if that computer is gone,"
        " `labelcycle resume --force`"
    )
    assert held(here) is None  # a new clone stays one
    assert lease.new_here(here)
    well, said, what = lease.described(here)
    assert (well, said) == (False, f"{named} the campaign since 2026-11-01T12:00")
    assert what == "`git pull --tags`, then `labelcycle resume`"
    assert remote.written == []


def test_what_a_remote_says_is_shown_in_short(remote: Remote, here: Campaign) -> None:
    remote.holds(Lease("k", "f" * 32, "x" * 101, "ann", "/", "", "b" * 40))
    _, said, _ = lease.described(here)
    assert said == f"ann on {'x' * 100}, /, has held the campaign since "


def test_who_lost_it_knows_so(remote: Remote, here: Campaign) -> None:
    step(here)
    remote.holds(OTHER)
    with pytest.raises(StateError, match="has held this campaign"):
        step(here)
    assert held(here) == "lost"
    assert not lease.new_here(here)
    lease.renew(here)
    assert len(remote.written) == 1
    remote.away, remote.tags = True, frozenset({round_states.open_tag(0)})
    with pytest.raises(StateError, match=r"does not answer; so nobody can say .* did not hold it"):
        step(here)


def test_without_an_answer_whoever_held_it_goes_on(remote: Remote, here: Campaign) -> None:
    remote.away = True
    said = "git's remote does not answer; no other computer is known to hold the campaign, so this"
    assert step(here) == [f"{said} one goes on"]  # before the first round nobody else can be at it
    assert lease.described(here) == (
        False,
        "git's remote does not answer",
        "mend git's remote; whoever held the campaign last can go on",
    )
    remote.tags = frozenset({round_states.open_tag(0)})
    with pytest.raises(StateError, match="if you know that nobody does"):
        step(here)
    remote.away = False
    step(here)
    remote.away = True
    assert len(step(here)) == 1


def test_a_clone_takes_it_over(remote: Remote, here: Campaign) -> None:
    remote.holds(OTHER)
    with pytest.raises(StateError) as refused:
        lease.take(here)
    assert str(refused.value) == (
        "desk [1m has worked on this campaign since, and that is not here: wanted its commit"
        " 'bbbbbbbbbbbb'; there: `git push --follow-tags`; here: `git pull --tags`, then the same"
        " command again; or, if that computer is gone, `labelcycle resume --force`: its open round"
        " is then lost"
    )
    remote.shallow = True
    with pytest.raises(
        StateError, match=r"--tags` \(this clone is shallow: `git fetch --unshallow"
    ):
        lease.take(here)
    assert remote.written == []
    remote.commits = {OTHER.commit}
    assert lease.take(here) == (
        "this folder holds the campaign from now on, which ann on desk [1m, /home/ann/birds, did"
        " before"
    )
    assert (remote.lease.machine, held(here)) == ("here", remote.present)
    assert lease.take(here) == "this folder holds the campaign already"
    assert len(remote.written) == 1
    assert not lease.new_here(here)


def test_the_flag_needs_neither_work_nor_answer(remote: Remote, here: Campaign) -> None:
    remote.holds(OTHER)
    assert "from now on, which ann" in lease.take(here, force=True)
    remote.away = True
    with pytest.raises(ServiceDown):
        lease.take(here)
    assert lease.take(here, force=True) == (
        "git's remote does not answer; this folder goes on without asking until it answers"
    )
    own = Holder.read(here.lease)
    assert (own.held, own.since) == ("offline", made_records.AT)
    lease.renew(here)  # which asks nobody
    remote.away, remote.present = False, git_lease.NONE
    assert lease.take(here) == "this folder holds the campaign from now on"


def test_a_faster_one_wins(remote: Remote, here: Campaign) -> None:
    remote.faster = OTHER
    with pytest.raises(StateError, match=r"^ann on desk"):
        step(here)
    remote.present, remote.faster = git_lease.NONE, None

    def vanished(root: Path, url: str, known: str, new: str) -> None:
        del root, url, known, new

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git_lease, "replace", vanished)
        with pytest.raises(
            StateError, match=r"^another computer changed who holds this campaign at"
        ):
            step(here)


def test_without_a_remote_nobody_is_asked(remote: Remote, here: Campaign) -> None:
    remote.url, remote.present = None, "x"
    assert step(here) == []
    said = "git has no remote, so nothing keeps two computers from working at once"
    assert lease.take(here) == said
    assert lease.described(here)[:2] == (True, said.replace(", so", ":"))
    assert not here.lease.exists()
    assert not lease.new_here(here)
    assert lease.standing(here) == Standing(None, Holder(0, ""))


def test_the_answer_was_lost_after_it_was_written(remote: Remote, here: Campaign) -> None:
    """By its own name in what is there the folder knows that it holds the campaign."""
    step(here)
    own = Holder.read(here.lease)
    remote.holds(Lease("k", own.holder, "here", "bob", "/", "since", HEAD))
    assert lease.standing(here).here
    assert step(here) == []
    assert held(here) == remote.present
    remote.holds(Lease("k", own.holder, "here", "bob", "/", "since", HEAD))
    assert lease.take(here) == "this folder holds the campaign already"
    assert held(here) == remote.present


def test_a_copy_of_the_folder_has_another_name(remote: Remote, here: Campaign) -> None:
    step(here)
    known = Holder.read(here.lease)
    Holder(known.folder + 1, known.holder, known.held).write(here.lease)
    with pytest.raises(StateError, match=r"^bob on here"):
        step(here)
    assert Holder.read(here.lease).holder != known.holder
    here.lease.write_text("odd")
    with pytest.raises(StateError, match=r"^bob on here"):
        step(here)


def test_a_lease_that_cannot_be_right_is_refused(remote: Remote, here: Campaign) -> None:
    ref = "refs/labelcycle/lease of git's remote"
    for odd, words in (
        (
            Lease("k", "f", "m", "a", "/", "", "--all"),
            f"{ref}: commit: wanted the id of one, got '--all'; remove it: git push REMOTE"
            " :refs/labelcycle/lease",
        ),
        (
            Lease("other", "f", "m", "a", "/", "", HEAD),
            f"{ref} is of another campaign: wanted 'k', got 'other'; each campaign needs a"
            " repository of its own there",
        ),
    ):
        remote.holds(odd)
        assert told(DataError, lambda: step(here)) == words
        assert lease.described(here)[:2] == (False, words)
    remote.put("no JSON")
    with pytest.raises(DataError, match=f"^{ref} is not JSON"):
        step(here)


def test_a_lease_that_is_written_again_and_again(
    remote: Remote, here: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.holds(OTHER)
    failures = ["once", "twice"]

    def text(root: Path, url: str, identifier: str) -> str:
        if failures:
            raise ServiceDown(failures.pop())
        return remote.texts[identifier]

    monkeypatch.setattr(git_lease, "text", text)
    assert lease.standing(here).lease == OTHER
    failures += ["once", "twice", "three times"]
    with pytest.raises(ServiceDown, match=r"^once"):
        lease.standing(here)


def test_an_account_without_a_name(
    remote: Remote, here: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("uid 7")

    monkeypatch.setattr(getpass, "getuser", nameless)
    step(here)
    assert remote.lease.account == "somebody"


# --- resume ---------------------------------------------------------------------------------


class Backend:
    """A backend with these tasks."""

    def __init__(self, *keys: str) -> None:
        self.keys, self.asked = keys, []

    def check(self) -> None:
        self.asked.append("check")

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        self.asked.append((campaign, prefix))
        return dict.fromkeys(self.keys, 1)


def open_round(tmp_path: Path, state: State = State.OPEN, backend: str = "files") -> Snapshot:
    now = made_records.snapshot(tmp_path, state, 1)
    vars(now)["key"] = "k"
    tasks = [PushedTask(f"k/001/{name}", name, 0, 5) for name in "abc"]
    made_records.pushed(tasks, backend=backend).write(now.folder / "pushed.json")
    return now


def found(monkeypatch: pytest.MonkeyPatch, now: Snapshot, backend: Backend) -> str:
    monkeypatch.setattr(pushed_tasks, "backend", lambda snapshot: backend)
    return resume_campaign._found(now)


@pytest.mark.parametrize("state", [State.OPEN, State.PUSHED])
def test_the_tasks_of_an_open_round_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    backend = Backend("k/001/a", "k/001/c", "k/001/other")
    line = found(monkeypatch, open_round(tmp_path, state), backend)
    assert line == "round 1 is open: 2 tasks found in project 7"
    assert backend.asked == ["check", ("k", "k/001/")]


def test_a_round_that_asks_nobody_has_no_tasks_to_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend()
    for state in (State.DUE, State.SELECTED, State.PULLED):
        assert found(monkeypatch, open_round(tmp_path, state), backend) == ""
    assert backend.asked == []
    now = open_round(tmp_path)
    made_records.pushed([]).write(now.folder / "pushed.json")
    assert found(monkeypatch, now, backend) == "round 1 is open: 0 tasks found in project 7"


@pytest.mark.parametrize(
    ("backend", "remedy"),
    [
        ("files", r"copy \.labelcycle/annotation\.sqlite3 from the other computer, go where it is"),
        ("label_studio", r"name the server that people answer on in LABEL_STUDIO_URL and LABEL_ST"),
        (
            "own",
            r"go where it is, or give the round up with `resume --force` and `cancel --abandon`",
        ),
    ],
)
def test_a_backend_without_any_of_them_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, remedy: str
) -> None:
    words = f"round 1 is open, and none of its 3 tasks is in the backend '{backend}' as this comp"
    with pytest.raises(StateError, match=f"^{words}uter reaches it: wanted all; {remedy}"):
        found(monkeypatch, open_round(tmp_path, backend=backend), Backend("k/001/z"))


def test_the_lease_is_taken_once_all_is_here(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = open_round(tmp_path)
    done: list[Any] = []
    backend = Backend()

    def noted(name: str, answer: Any = None) -> Any:
        return lambda *given: (done.append((name, *given)), answer)[1]

    monkeypatch.setattr(snapshots, "read", noted("read", now))
    monkeypatch.setattr(snapshots, "check_safe", noted("safe"))
    monkeypatch.setattr(git, "check_head", noted("head"))
    monkeypatch.setattr(commands, "has_remote", noted("remote", True))
    monkeypatch.setattr(commands, "pull", noted("pull"))
    monkeypatch.setattr(pushed_tasks, "backend", lambda snapshot: backend)
    lines: list[str] = []
    with pytest.raises(StateError, match="none of its 3 tasks"):
        resume_campaign.resume(now.campaign, lines.append)
    root = now.campaign.root
    wanted = [
        ("read", root),
        ("safe", now.campaign),
        ("head", root, "round/000"),
        ("remote", root),
        ("pull", root),
        ("read", root),
    ]
    assert done == wanted
    assert (lines, remote.written) == (["all data of this commit are here"], [])
    resume_campaign.resume(now.campaign, lines.append, force=True)
    assert lines[1:] == [
        "all data of this commit are here",
        "this folder holds the campaign from now on",
    ]
    backend.keys = ("k/001/a",)
    monkeypatch.setattr(commands, "has_remote", noted("remote", False))
    done.clear()
    resume_campaign.resume(now.campaign, lines.append)
    assert lines[3:] == [
        "round 1 is open: 1 task found in project 7",
        "this folder holds the campaign already",
    ]
    assert "pull" not in [name for name, *_ in done]
    first = made_records.snapshot(tmp_path)
    monkeypatch.setattr(snapshots, "read", lambda root: first)
    resume_campaign.resume(now.campaign, lines.append)
    assert done[-2][0] == "head"
    assert done[-2][2] is None

    def taken(path: Path) -> Any:
        done.append(path)
        raise StateError("taken")

    monkeypatch.setattr(lock, "exclusive", taken)
    with pytest.raises(StateError, match=r"^taken"):
        resume_campaign.resume(now.campaign, lines.append)
    assert done[-1] == now.campaign.lock


def test_run_resumes_first_in_a_new_clone(remote: Remote, here: Campaign) -> None:
    remote.holds(OTHER)
    assert not resume_campaign.due(here)  # no campaign
    here.params.write_text("")
    assert resume_campaign.due(here)
    remote.away = True
    assert not resume_campaign.due(here)
    here.data.mkdir()
    (here.data / "samples.dvc").write_text("")
    assert resume_campaign.due(here)
    here.samples.mkdir()
    (here.samples / "000.jsonl").write_text("")
    assert not resume_campaign.due(here)
