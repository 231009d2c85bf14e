"""Only one folder at a time works on a campaign that several computers can reach.

Who does is written into git's remote, at `refs/labelcycle/lease`. `labelcycle resume` takes it
over, and each step that changes the campaign asks whether it is still there. Without a remote of
git there is no lease.
"""

import getpass
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from labelcycle.adapters import git, git_lease
from labelcycle.campaign import round_states
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json
from labelcycle.campaign.records.lease_record import Holder, Lease
from labelcycle.errors import DataError, ServiceDown, StateError
from labelcycle.rounds import campaign_key
from labelcycle.rounds.snapshots import present_time

OFFLINE = "offline"
"""Stands for the lease of a folder that was told to go on without the remote."""
LOST = "lost"
"""Stands for that of a folder that knows that another one took it over."""
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Standing:
    """What is known of a campaign's lease.

    url : where it is; None without a remote
    own : by what name this folder would hold it
    identifier : of the lease that is there, empty if there is none
    lease : what it says; None if there is none, and for the own one that did not change
    """

    url: str | None
    own: Holder
    identifier: str = git_lease.NONE
    lease: Lease | None = None

    @property
    def here(self) -> bool:
        """Whether this folder holds it."""
        if not self.identifier:
            return False
        return self.identifier == self.own.held or (
            self.lease is not None and self.lease.holder == self.own.holder
        )


def standing(campaign: Campaign) -> Standing:
    """Who holds the campaign: one short question to git's remote. Raises ServiceDown, DataError."""
    url = git_lease.address(campaign.root)
    if url is None:
        return Standing(None, Holder(0, ""))
    own = _own(campaign)
    for left in (2, 1, 0):
        identifier = git_lease.read(campaign.root, url)
        if identifier in (git_lease.NONE, own.held):
            return Standing(url, own, identifier)
        try:
            return Standing(url, own, identifier, _read(campaign, url, identifier))
        except ServiceDown:
            if not left:  # another one was written again and again
                raise
    raise AssertionError("the loop returns or raises")


@contextmanager
def held(campaign: Campaign, say: Callable[[str], None], *, take: bool = False) -> Iterator[None]:
    """Do a step that changes the campaign, if no other folder holds it.

    take : hold it from now on, if nobody does

    For the holder of the campaign's lock. Raises StateError that names who holds it. Afterwards the
    lease names the commit that the folder has come to.
    """
    check(campaign, say, take=take)
    try:
        yield
    finally:
        with suppress(ServiceDown, DataError, StateError):  # the next step says it
            renew(campaign)


def check(campaign: Campaign, say: Callable[[str], None], *, take: bool = False) -> None:
    """As `held`, before the step. Without an answer, whoever held it last goes on."""
    try:
        now = standing(campaign)
        if now.url is None:
            return
        if now.identifier and not now.here:
            if now.own.held is not None:  # a new clone stays one, in which `run` resumes
                _keep(campaign, replace(now.own, held=LOST))
            raise _elsewhere(now)
        if now.here:
            _keep(campaign, replace(now.own, held=now.identifier))
        elif take:
            _write(campaign, now)
    except ServiceDown as away:
        opened = round_states.open_tag(0) in git.tags(campaign.root)
        if opened and _own(campaign).held in (None, LOST):
            raise StateError(
                f"{away}; so nobody can say whether another computer works on this campaign, and"
                " this folder did not hold it last: wanted an answer; mend git's remote, or"
                " run `labelcycle resume --force` if you know that nobody does"
            ) from away
        say(f"{away}; no other computer is known to hold the campaign, so this one goes on")


def renew(campaign: Campaign) -> None:
    """Let the lease that this folder holds name the commit that it is at now. Raises ServiceDown.

    Without the commit nobody takes the campaign over by an accident, and works beside it.
    """
    known = _known(campaign)
    if known is None or known.held in (None, OFFLINE, LOST):
        return
    now = standing(campaign)
    if now.url is None or not now.here:
        return
    lease = now.lease or _read(campaign, now.url, now.identifier)
    if lease.commit != git.head(campaign.root):
        _write(campaign, now, since=lease.since)


def take(campaign: Campaign, *, force: bool = False) -> str:
    """Hold the campaign from now on, whoever did before; a line on that.

    force : though the other's work is not here, or the remote does not answer

    Raises StateError if the folder lacks the other's last commit, or if another one was faster.
    """
    try:
        now = standing(campaign)
        if now.url is None:
            return "git has no remote, so nothing keeps two computers from working at once"
        if now.here:
            _keep(campaign, replace(now.own, held=now.identifier))
            return "this folder holds the campaign already"
        if now.lease and not force and not git.has_commit(campaign.root, now.lease.commit):
            raise _work_missing(campaign, now.lease)
        _write(campaign, now)
    except ServiceDown as away:
        if not force:
            raise
        _keep(campaign, replace(_own(campaign), held=OFFLINE, since=present_time()))
        return f"{away}; this folder goes on without asking until it answers"
    before = f", which {_named(now.lease)} did before" if now.lease else ""
    return f"this folder holds the campaign from now on{before}"


def new_here(campaign: Campaign) -> bool:
    """Whether this folder never held the campaign, and another one does: a clone, as a rule."""
    known = _known(campaign)
    if known is not None and known.held is not None:
        return False
    now = standing(campaign)
    return bool(now.identifier) and not now.here


def described(campaign: Campaign) -> tuple[bool | None, str, str]:
    """Well or not, what is found, and what to do, for `labelcycle doctor`."""
    try:
        now = standing(campaign)
    except (ServiceDown, DataError) as error:
        return False, str(error), "mend git's remote; whoever held the campaign last can go on"
    if now.url is None:
        return True, "git has no remote: nothing keeps two computers from working at once", ""
    if not now.identifier:
        return True, "nobody holds the campaign; the next open does", ""
    if now.here:
        return True, f"this folder has held the campaign since {now.own.since or 'a while'}", ""
    assert now.lease is not None
    return (
        False,
        f"{_named(now.lease)} has held the campaign since {_shown(now.lease.since)}",
        TO_DO,
    )


TO_DO = "`git pull --tags`, then `labelcycle resume`"


def _elsewhere(now: Standing) -> StateError:
    assert now.lease is not None
    return StateError(
        f"{_named(now.lease)} has held this campaign since {_shown(now.lease.since)}: wanted it"
        f" free, or held by this folder; to go on here: {TO_DO}; if that computer is gone,"
        " `labelcycle resume --force`"
    )


def _work_missing(campaign: Campaign, lease: Lease) -> StateError:
    shallow = git.shallow(campaign.root)
    deeper = " (this clone is shallow: `git fetch --unshallow --tags`)" if shallow else ""
    return StateError(
        f"{_shown(lease.machine)} has worked on this campaign since, and that is not here: wanted"
        f" its commit {lease.commit[:12]!r}; there: `git push --follow-tags`; here: `git pull"
        f" --tags`{deeper}, then the same command again; or, if that computer is gone, `labelcycle"
        " resume --force`: its open round is then lost"
    )


def _named(lease: Lease) -> str:
    return f"{_shown(lease.account)} on {_shown(lease.machine)}, {_shown(lease.folder)},"


def _shown(text: str) -> str:
    """A text of the remote: whoever can push there wrote it."""
    return "".join(c if c.isprintable() else " " for c in text)[:100]


def _read(campaign: Campaign, url: str, identifier: str) -> Lease:
    text = git_lease.text(campaign.root, url, identifier)
    lease = Lease.from_text(text.encode(), f"{git_lease.REF} of git's remote")
    if not COMMIT.fullmatch(lease.commit):
        raise DataError(
            f"{git_lease.REF} of git's remote: commit: wanted the id of one, got"
            f" {_shown(lease.commit)!r}; remove it: git push REMOTE :{git_lease.REF}"
        )
    key = campaign_key.of(campaign.root)
    if lease.campaign != key:
        raise DataError(
            f"{git_lease.REF} of git's remote is of another campaign: wanted {key!r}, got"
            f" {_shown(lease.campaign)!r}; each campaign needs a repository of its own there"
        )
    return lease


def _write(campaign: Campaign, now: Standing, since: str = "") -> None:
    """Write our lease in the place of the one that is there now."""
    assert now.url is not None
    lease = Lease(
        campaign=campaign_key.of(campaign.root),
        holder=now.own.holder,
        machine=socket.gethostname(),
        account=_account(),
        folder=str(campaign.root),
        since=since or present_time(),
        commit=git.head(campaign.root),
    )
    text = dump_json(lease.to_json())
    written = git_lease.replace(campaign.root, now.url, now.identifier, text)
    if written is None:
        then = standing(campaign)
        if then.lease and not then.here:
            raise _elsewhere(then)
        raise StateError(
            "another computer changed who holds this campaign at the same moment; run the same"
            " command again"
        )
    _keep(campaign, replace(now.own, held=written, since=lease.since))


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return "somebody"


def _own(campaign: Campaign) -> Holder:
    """By what name this very folder holds leases; made if it has none, as after it was copied."""
    if (known := _known(campaign)) is not None:
        return known
    campaign.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Holder(campaign.private.stat().st_ino, secrets.token_hex(16))
    _keep(campaign, made)
    return made


def _known(campaign: Campaign) -> Holder | None:
    if not campaign.lease.exists():
        return None
    try:
        known = Holder.read(campaign.lease)
    except DataError:
        return None
    return known if known.folder == campaign.private.stat().st_ino else None


def _keep(campaign: Campaign, holder: Holder) -> None:
    text = dump_json(holder.to_json()).encode()
    if not campaign.lease.exists() or campaign.lease.read_bytes() != text:
        write_bytes(campaign.lease, text, mode=0o600)
