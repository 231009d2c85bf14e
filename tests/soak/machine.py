"""Steps of a campaign in random order, as hypothesis draws them; after each, all promises hold."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from labelcycle.adapters import git
from labelcycle.core import skip_reasons
from soak import invariants, life
from soak.life import Life, Word
from soak.look import Seen, Task

PEOPLE = st.sampled_from(["ann", "bob"])
WORDS = st.sampled_from(["right", "right", "wrong", *skip_reasons.REASONS])
NUMBERS = st.integers(0, 99)
KINDS = st.lists(st.integers(0, 3), min_size=1, max_size=4)
GROUPS = st.one_of(st.none(), st.integers(0, 5))
SHARES = st.integers(0, 999)
HOWS = st.sampled_from(["killed", "interrupted"])

played: Counter[str] = Counter()
"""How often each step was taken in this process, and how many lives had one."""
stopped: Counter[str] = Counter()
"""How often a command of it was killed or interrupted."""


YOUTH = 2
"""A life begins with at most so many closed rounds."""


@cache
def template(place: Path, rounds: int) -> Life:
    """A campaign with images and some closed rounds, made once in a process."""
    return life.young(Path(tempfile.mkdtemp(dir=place)), rounds)


class CampaignLife(RuleBasedStateMachine):
    """Commands, people and accidents, in any order.

    place : a folder for the campaigns
    """

    place: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.place))
        self.name = ""

    @initialize(rounds=st.integers(0, YOUTH))
    def begin(self, rounds: int) -> None:
        self.life = life.copied(template(self.place, rounds), self.folder)

    def teardown(self) -> None:
        self.count_stops()
        played["lives"] += bool(self.name)
        shutil.rmtree(self.folder)

    @invariant()
    def all_promises_hold(self) -> None:
        invariants.check(self.life)

    def step(self, name: str) -> None:
        """A step is taken."""
        self.count_stops()
        self.name = name
        played[name] += 1

    def count_stops(self) -> None:
        """Count how often commands of the last step were stopped."""
        if self.name:
            stopped[self.name] += self.life.stopped
            self.life.stopped = 0

    # --- conditions --------------------------------------------------------------------------

    def due(self) -> bool:
        return self.life.seen.due

    def opened(self) -> bool:
        return self.life.seen.open

    def something_new(self) -> bool:
        """There is a commit since the campaign went to another folder."""
        return git.head(self.life.root) != self.life.moved

    def may_grow(self) -> bool:
        """There are not many samples yet."""
        return len(self.life.seen.manifest) < 30

    def closed_one(self) -> bool:
        return self.life.seen.number > 0

    def can_spare(self) -> bool:
        """There are samples enough to go on without some."""
        return len(self.life.seen.manifest) > 6

    def said_something(self) -> bool:
        return bool(self.life.said)

    def may_be_stopped(self) -> bool:
        return len(self.life.stops) < 2

    # --- what is due ---------------------------------------------------------------------------

    @precondition(due)
    @rule()
    def open(self) -> None:
        self.step("open")
        seen = self.life.seen
        left = {s.id for s in seen.manifest if s.split == "pool"} - seen.labels
        too_few = "PoolExhausted" if len(left) < life.BUDGET else ""
        again = lambda seen: [] if seen.open else ["open"]  # noqa: E731
        self.life.command("open", again=again, refused=too_few)

    @precondition(opened)
    @rule()
    def finish(self) -> None:
        self.step("run")
        self.life.answer(self.life.unanswered, "ann", self.life.truth)
        self.life.command("run")

    # --- what programs do --------------------------------------------------------------------

    @precondition(may_grow)
    @rule(kinds=KINDS, group=GROUPS, of=NUMBERS)
    def ingest(self, kinds: Sequence[int], group: int | None, of: int) -> None:
        self.step("ingest")
        self.life.put_images(kinds, group, of)
        self.life.command("ingest", "--again")

    @precondition(opened)
    @rule()
    def collect(self) -> None:
        self.step("collect")
        self.life.command("collect")

    @precondition(opened)
    @rule()
    def close(self) -> None:
        self.step("close")
        self.life.answer(self.life.unanswered, "ann", self.life.truth)
        self.life.command("close", again=self.until_closed(["close"]))

    @precondition(opened)
    @rule(how=st.sampled_from(["close --incomplete", "cancel"]))
    def close_early(self, how: str) -> None:
        self.step(how)
        words = how.split()
        self.life.command(*words, again=self.until_closed(words))

    def until_closed(self, words: list[str]) -> Callable[[Seen], list[str]]:
        """What goes on with a close that was stopped."""
        number = self.life.seen.number

        def again(seen: Seen) -> list[str]:
            if seen.number > number:
                return []
            return words if seen.state in ("open", "ending") else ["close"]

        return again

    @precondition(closed_one)
    @rule(to=NUMBERS, answers=st.sampled_from(["use", "apart"]))
    def roll_back(self, to: int, answers: str) -> None:
        self.step("rollback")
        tag = f"round/{to % self.life.seen.number:03d}"
        self.life.command("rollback", tag, "--answers", answers)

    @precondition(can_spare)
    @rule(which=st.lists(NUMBERS, min_size=1, max_size=2), group=st.booleans())
    def withdraw(self, which: Sequence[int], group: bool) -> None:
        there = self.life.seen.manifest
        chosen = [there[number % len(there)] for number in which]
        if group:
            self.step("withdraw a group")
            name = chosen[0].named_groups[0]
            names = [sample.id for sample in there if name in sample.named_groups]
            self.life.withdraw(names, ["--group", name])
        else:
            self.step("withdraw samples")
            names = sorted({sample.id for sample in chosen})
            self.life.withdraw(names, names)

    @rule()
    def check(self) -> None:
        """All that is recorded is stored, here and in the remote."""
        self.step("check")
        self.life.command("check")

    @precondition(something_new)
    @rule()
    def move(self) -> None:
        self.step("move to another folder")
        self.life.move()

    @precondition(may_be_stopped)
    @rule(share=SHARES, how=HOWS)
    def stop_the_next(self, share: int, how: str) -> None:
        self.life.stops.append((share, how))

    # --- what people do ----------------------------------------------------------------------

    @precondition(opened)
    @rule(first=NUMBERS, count=st.integers(1, 6), person=PEOPLE, word=WORDS)
    def answer(self, first: int, count: int, person: str, word: str) -> None:
        self.step("answer")
        tasks = self.life.waiting(person)
        turned = tasks[first % len(tasks) :] + tasks[: first % len(tasks)] if tasks else []
        self.life.answer(turned[:count], person, self.word(word))

    @precondition(said_something)
    @rule(which=NUMBERS, word=WORDS)
    def edit(self, which: int, word: str) -> None:
        self.step("change an answer")
        places = sorted(self.life.said)
        key, person = places[which % len(places)]
        (task,) = (task for task in self.life.seen.tasks if task.key == key)
        self.life.answer([task], person, self.word(word))

    def word(self, name: str) -> Callable[[Task], Word]:
        """What somebody says of a task."""
        if name == "right":
            return self.life.truth
        return self.life.wrong if name == "wrong" else lambda task: Word((), name)
