"""Who works on a campaign that several computers can reach: the lease, and what a folder keeps."""

from dataclasses import dataclass

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class Lease(Record):
    """Who holds a campaign; the text of the commit at `refs/labelcycle/lease` of git's remote.

    campaign : its key
    holder : names the folder that holds it, 32 hex digits
    machine, account, folder : where that is, in words for people
    since : when it was taken, ISO 8601
    commit : id of the last commit of the holder
    """

    campaign: str
    holder: str
    machine: str
    account: str
    folder: str
    since: str
    commit: str


@dataclass(frozen=True)
class Holder(Record):
    """`.labelcycle/lease.json`: by what name this folder holds a lease.

    folder : inode of `.labelcycle`: in a copy, which is another holder, it is another one
    holder : the name, 32 hex digits
    held : id of the lease that this folder wrote last; None if it never wrote one. `offline` if it
        was told to go on while the remote did not answer
    since : when it was taken, ISO 8601
    """

    folder: int
    holder: str
    held: str | None = None
    since: str = ""
