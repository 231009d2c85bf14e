"""The campaign stands again where an earlier round was closed; history goes forward.

What was restored is one more commit. No tag, round or answer goes, and the numbers of the later
rounds are never used again. The record of the rollback is written first and committed last. So one
that was killed is known, and is done again from the start: each step writes what git has.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from labelcycle import config
from labelcycle.adapters import git, trust_record
from labelcycle.adapters.dvc import commands, replaced_outputs, tracked_files
from labelcycle.campaign import layout, params_file, round_states, yaml_text
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.records.rollback_record import LaterAnswers, Rollback, RoundsApart
from labelcycle.campaign.round_states import State
from labelcycle.errors import DataError, StateError, ToolFailed
from labelcycle.rounds import trusted_places
from labelcycle.rounds.skipped_samples import Requests
from labelcycle.rounds.snapshots import (
    COMMITTED,
    Snapshot,
    half_rolled_back,
    present_time,
    renewed,
)

STOOD = (layout.CODE, layout.DVC_LOCK, layout.POOL, layout.METRICS)
"""Files that git keeps and that become as the round left them, beside params.yaml."""
ANSWERED = (layout.SCHEMA, layout.AGAIN, f"{layout.HOLDOUT}.dvc")
"""Those that say what the answers are: they stay if later answers count on."""
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def target(snapshot: Snapshot, tag: str) -> int:
    """The closed round that a tag or a number names. Raises StateError that lists them."""
    for number in snapshot.closed:
        if tag in (round_states.round_tag(number), str(number)):
            return number
    known = ", ".join(round_states.round_tag(number) for number in snapshot.closed)
    raise StateError(
        f"{tag!r} is no closed round: wanted one to go back to, of: {known or 'none is closed yet'}"
    )


def done(snapshot: Snapshot, to: int, answers: LaterAnswers) -> bool:
    """Whether the campaign was rolled back in this way, and nothing was opened since."""
    last = snapshot.records.rollbacks()[-1:]
    return (
        snapshot.state is State.DUE
        and not half_rolled_back(snapshot)
        and any((r.next, r.to, r.answers) == (snapshot.number, to, answers) for r in last)
    )


def check(snapshot: Snapshot, to: int, answers: LaterAnswers) -> None:
    """Raise StateError or SettingsError if the settings of then cannot be those of now.

    Before anything is changed: neither is the open round given up.
    """
    text = _params(snapshot, to, answers, git.head(snapshot.campaign.root))
    origin = f"params.yaml of {round_states.round_tag(to)}"
    config.parse(yaml_text.values(text.decode()), origin, parts=False)


def roll_back(
    snapshot: Snapshot, to: int, answers: LaterAnswers, reason: str, say: Callable[[str], None]
) -> Snapshot:
    """Restore and commit; no round is at work. Done again after a kill, it has the same end.

    Raises StateError while a round is at work, DataError if neither cache nor remote has the data.
    """
    campaign = snapshot.campaign
    if snapshot.state is not State.DUE:
        raise StateError(
            f"round {snapshot.number} is {snapshot.state}: wanted no round at work to roll back"
        )
    record = _begin(snapshot, to, answers, reason)
    tag = round_states.round_tag(to)
    source = tag if answers == "apart" else record.before
    _restore_params(snapshot, record)
    for path in STOOD:
        _restore(campaign, path, tag)
    for path in ANSWERED:
        _restore(campaign, path, source)
    if not campaign.again.exists() and git.committed(campaign.root, layout.AGAIN) is not None:
        Requests(()).write(campaign.again)  # a commit takes what is there
    _leave_withdrawn_out(snapshot)
    snapshot = renewed(snapshot)
    apart = [n for n in snapshot.closed if n not in snapshot.lineage.counting]
    if apart or campaign.labels_apart.exists():
        RoundsApart(tuple(apart)).write(campaign.labels_apart)
    tracked_files.check(campaign.root)  # a tag may have come along with a clone
    commands.add(campaign.root, [layout.LABELS])
    commands.bring_back(campaign.root, f"{layout.HOLDOUT}.dvc")
    if commands.has_remote(campaign.root):
        commands.push(campaign.root)
    git.commit(campaign.root, COMMITTED, _message(record))
    snapshot = renewed(snapshot)
    for line in lines(snapshot):
        say(line)
    return snapshot


def _leave_withdrawn_out(snapshot: Snapshot) -> None:
    """Restored records name what stands for data of then that held a sample withdrawn since."""
    campaign, withdrawn = snapshot.campaign, snapshot.records.withdrawn()
    if not withdrawn.samples:
        return
    replaced_outputs.replace(campaign.root, withdrawn.replaced)
    if campaign.pool.exists():
        pool = PoolRecord.read(campaign.pool)
        cohorts = {name: withdrawn.now(value) for name, value in pool.cohorts.items()}
        replace(pool, cohorts=cohorts).write(campaign.pool)


def lines(snapshot: Snapshot) -> list[str]:
    """A line on the last rollback that the campaign stands on; none if there is none."""
    lineage, closed = snapshot.lineage, set(snapshot.closed)
    way = {*lineage.standing, snapshot.number}
    rollbacks = [each for each in snapshot.records.rollbacks() if each.next in way]
    if not rollbacks:
        return []
    used, apart = lineage.counting - set(lineage.standing), closed - lineage.counting
    parts = [
        f"answers of {_rounds(numbers)} {WORDS[answers]}"
        for answers, numbers in (("use", used), ("apart", apart))
        if numbers
    ]
    last = rollbacks[-1]
    what = "; ".join(parts) or "no round was closed since"
    return [f"rolled back to {round_states.round_tag(last.to)} at {last.at}: {what}"]


WORDS = {"use": "count on", "apart": "are kept apart and do not count"}


def _rounds(numbers: Collection[int]) -> str:
    """As in `rounds 1, 2 and 4`."""
    *others, last = map(str, sorted(numbers))
    return f"rounds {', '.join(others)} and {last}" if others else f"round {last}"


def _message(record: Rollback) -> str:
    text = f"Roll back to round {record.to}: later answers {WORDS[record.answers]}"
    return f"{text}\n\n{record.reason}" if record.reason else text


def _begin(snapshot: Snapshot, to: int, answers: LaterAnswers, reason: str) -> Rollback:
    """Write the record, which says from here on that a rollback is under way.

    What nobody has committed yet is committed first: it is not lost.
    """
    campaign, known = snapshot.campaign, snapshot.records.rollbacks()
    half = known[-1] if half_rolled_back(snapshot) else None
    if half and (half.to, half.answers) == (to, answers):
        return half
    if half:
        known = known[:-1]
    else:
        message = f"As it was before the rollback to {round_states.round_tag(to)}"
        git.commit(campaign.root, COMMITTED, message)
    # Of several rollbacks in one place the last counts, and it is one of what was before the first.
    same = [each for each in known if each.next == snapshot.number]
    before = same[0].before if same else half.before if half else git.head(campaign.root)
    if not COMMIT.fullmatch(before):
        raise DataError(
            f"{campaign.rollbacks}: before: wanted the id of a commit, got {before!r:.60}; restore"
            " it with `git checkout`"
        )
    record = Rollback(to, snapshot.number, answers, reason, before, present_time())
    write_lines(campaign.rollbacks, [*known, record])
    return record


def _restore_params(snapshot: Snapshot, record: Rollback) -> None:
    """The settings of then. Places that they name and HEAD does not are to be confirmed anew."""
    root = snapshot.campaign.root
    text = _params(snapshot, record.to, record.answers, record.before)
    present = (git.committed(root, layout.PARAMS) or b"").decode(errors="replace")
    named = trusted_places.places(text.decode(errors="replace"))
    if named and named != trusted_places.places(present):
        trust_record.forget(root, layout.PARAMS)
    write_bytes(snapshot.campaign.params, text)


def _params(snapshot: Snapshot, to: int, answers: LaterAnswers, before: str) -> bytes:
    """The text of params.yaml then; with the classes of now if later answers count on."""
    root = snapshot.campaign.root
    text = git.show(root, round_states.round_tag(to), layout.PARAMS)
    if answers == "apart":
        return text
    then = config.parse(yaml_text.values(text.decode()), parts=False).classes
    known = git.show(root, before, layout.PARAMS).decode()
    classes = config.parse(yaml_text.values(known), parts=False).classes
    if then == classes:
        return text
    return params_file.with_classes(text.decode(), classes).encode()


def _restore(campaign: Campaign, path: str, revision: str) -> None:
    """A file as a revision has it; not there if the revision has none."""
    file: Path = campaign.root / path
    try:
        content = git.show(campaign.root, revision, path)
    except ToolFailed:
        file.unlink(missing_ok=True)
        return
    if not file.exists() or file.read_bytes() != content:
        write_bytes(file, content)
