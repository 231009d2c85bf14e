"""One campaign that is worked on at random, and what people did to it, as they remember it."""

import copy
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image
from squares import CLASSES, SETTINGS, make_images

from labelcycle import config
from labelcycle.adapters import git, git_lease
from labelcycle.adapters.annotation.files import FilesBackend
from labelcycle.adapters.dvc import commands
from labelcycle.adapters.ports import OpenTask
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cli.main import cli
from labelcycle.cycle import new_campaign
from labelcycle.rounds import code_json, lease, trusted_places
from soak import forked, one_process
from soak.forked import End, Stop
from soak.look import Seen, Task, look, traces

HOMES = ("first", "second")
"""Folders that a campaign lives in by turns, each with a cache of its own."""

BUDGET = 2
PARAMS = {
    **SETTINGS,
    "campaign": {**SETTINGS["campaign"], "rounds": 999},
    "ingest": {"holdout": 4, "group": {"path": r"/(g\d(?=/)|\w+(?=\.))"}},
    "query": {"strategy": "typiclust", "budget": BUDGET},
    "close": {"most_changed": 999, "most_changed_holdout": 999},
    "train": {"learner": "knn"},
    "evaluate": {"bootstrap": 100},
}
"""A folder is a group, and so is each image beside them. No close stops for changed answers."""

EFFECTS = {
    "cancel": 250,
    "check": 20,
    "close": 600,
    "collect": 600,
    "ingest": 230,
    "open": 650,
    "resume": 120,
    "rollback": 400,
    "run": 600,
    "withdraw": 550,
}
"""About how many side effects a command has: it is stopped before one of so many."""


@dataclass(frozen=True)
class Word:
    """What somebody said of a task: a class, or why there is none."""

    labels: tuple[str, ...]
    reason: str = ""


class Life:
    """A campaign in a folder, and what was done to it so far.

    said : what each person last said of each task, by key and person; of no withdrawn sample
    found : of each closed round what people had said by then of its tasks, and of those of the
        rounds that it stood on
    given : the digest of its pixels by the place of each image that an ingest was given
    withdrawn : ids of withdrawn samples, with the digest of their pixels
    marks : bytes of them, which must be nowhere
    known : the digest of its pixels by the id of each sample that ever came in
    tags : the tags that were ever seen, with their commits
    closed : the files of closed rounds as they were when first seen closed, by path
    stops : how the next commands are to be stopped, as thousandths of their side effects
    stopped : how many were
    moved : the last commit when the campaign went to another folder last
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, HOMES[0]
        self.said: dict[tuple[str, str], Word] = {}
        self.found: dict[int, dict[tuple[str, str], Word]] = {}
        self.given: dict[str, str] = {}
        self.withdrawn: dict[str, str] = {}
        self.marks: list[bytes] = []
        self.known: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.closed: dict[str, bytes] = {}
        self.stops: list[tuple[int, forked.How]] = []
        self.stopped = 0
        self.moved = ""
        for path in sorted(self.images.rglob("*.png")):
            self.given[self._place(path)] = _pixels(path)
        self.seen = self.look()
        self._remember(frozenset())

    @property
    def root(self) -> Path:
        """The folder that the campaign is worked on in."""
        return self.folder / self.home

    @property
    def images(self) -> Path:
        """Where people put their images."""
        return self.folder / "images"

    def _place(self, path: Path) -> str:
        """An image as records name it."""
        return f"../{path.relative_to(self.folder)}"

    # --- commands ----------------------------------------------------------------------------

    def look(self) -> Seen:
        """Where the campaign stands by now."""
        root, marks = self.root, tuple(self.marks)
        end = forked.run(lambda: look(root, marks), self.folder)
        assert end.refused is None, f"status is refused: {end.refused}"
        return end.value  # type: ignore[no-any-return]

    def command(
        self,
        *words: str,
        again: Callable[[Seen], Sequence[str]] | None = None,
        refused: str = "",
    ) -> End:
        """Give a command. One that is stopped is given again, until it ends.

        again : what to give after it was stopped, if not the same; nothing if nothing is left to do
        refused : a part of the error that it may end with
        """
        given, standing = [*words], self.seen.standing
        while given:
            end = self._give(given)
            if not end.stopped:
                break
            self.stopped += 1
            self.seen = self.look()
            given = [*again(self.seen)] if again else given
        self.stops.clear()
        if end.refused is not None:
            expected = bool(refused) and refused in end.refused
            assert expected, f"{' '.join(given)}: {end.refused}"
        self.seen = self.look()
        self._remember(standing)
        return end

    def _give(self, words: Sequence[str]) -> End:
        stop = None
        if self.stops:
            share, how = self.stops.pop(0)
            stop = Stop(1 + share * EFFECTS[words[0]] // 1000, how)
        root = self.root

        def typed() -> None:
            one_process.arrange()
            done = CliRunner().invoke(cli, ["-C", str(root), *words])
            print(done.output)
            if done.exception and not isinstance(done.exception, SystemExit):
                raise done.exception
            assert done.exit_code == 0, done.output

        return forked.run(typed, self.folder, stop)

    def _remember(self, standing: frozenset[int]) -> None:
        """Know what came in, and what was closed, since the last look.

        standing : rounds whose answers counted then: a close hears what was changed in them
        """
        seen = self.seen
        for sample in seen.manifest:
            if sample.id not in self.known:
                self.known[sample.id] = self.given[sample.source]
        for name, content in seen.closed.items():
            self.closed.setdefault(name, content)
        for number in set(range(seen.number)) - self.found.keys():
            heard = standing | {number}
            self.found[number] = {p: w for p, w in self.said.items() if round_of(p[0]) in heard}

    # --- what people do ----------------------------------------------------------------------

    def put_images(self, kinds: Sequence[int], group: int | None, of: int) -> None:
        """Put images where an ingest looks: 0 a new one, 1 a copy, 2 a copy as BMP, 3 nearly one.

        group : the number of the folder that names it; None: of no group
        of : which earlier image a copy is of
        """
        folder = self.images / f"g{group}" if group is not None else self.images
        folder.mkdir(exist_ok=True)
        for kind in kinds:
            number = len(self.given)
            old = sorted(self.given)[of % number]
            file = self.folder / old.removeprefix("../")
            path = folder / f"new{number:04d}.png"
            if kind == 0:
                make_images(folder / "made", 1, 1000 + number)
                next((folder / "made").iterdir()).rename(path)
                (folder / "made").rmdir()
            elif kind == 1:
                shutil.copy(file, path)
            else:
                with Image.open(file) as image:
                    pixels = np.array(image)
                if kind == 2:
                    path = path.with_suffix(".bmp")
                else:
                    pixels[0, 0, 0] ^= 1
                Image.fromarray(pixels).save(path)
            self.given[self._place(path)] = _pixels(path)

    def waiting(self, person: str) -> list[Task]:
        """Tasks of the round at work that somebody has not answered."""
        seen = self.seen
        own = [task for task in seen.tasks if seen.open and task.round == seen.number]
        return [task for task in own if (task.key, person) not in self.said]

    @property
    def unanswered(self) -> list[Task]:
        """Tasks of the round at work that nobody has answered."""
        heard = {key for key, _ in self.said}
        return [task for task in self.waiting("nobody") if task.key not in heard]

    def answer(self, tasks: Sequence[Task], person: str, word: Callable[[Task], Word]) -> None:
        """One person answers some tasks, or changes what was said of them."""
        backend = FilesBackend(Campaign(self.root))
        for task in tasks:
            said = word(task)
            given = OpenTask(task.id, task.key, task.sample, task.round)
            backend.give(given, person, said.labels, reason=said.reason)
            self.said[task.key, person] = said
        self.seen = self.look()

    def truth(self, task: Task) -> Word:
        """What is right."""
        (sample,) = (each for each in self.seen.manifest if each.id == task.sample)
        with Image.open(self.root / "data" / "images" / sample.file) as image:
            return Word((CLASSES[int(np.asarray(image).mean() > 120)],))

    def wrong(self, task: Task) -> Word:
        """What is not."""
        (right,) = self.truth(task).labels
        return Word(tuple(name for name in CLASSES if name != right))

    def withdraw(self, names: Sequence[str], words: Sequence[str]) -> None:
        """Some samples are withdrawn: nothing of them may be found from then on."""
        root, gone = self.root, tuple(names)
        marks = forked.run(lambda: traces(root, gone), self.folder).value
        given = ("withdraw", *words, "--reason", "revoked", "--yes")
        pool = {each.id for each in self.seen.manifest if each.split == "pool"}
        may = "of the pool: wanted at least one that stays" if pool <= set(gone) else ""

        def again(seen: Seen) -> Sequence[str]:
            return ("withdraw",) if seen.tombstones.keys() & set(gone) else given

        if self.command(*given, again=again, refused=may).refused is None:
            self.marks += marks
            for name in gone:
                self.withdrawn[name] = self.known[name]
            for known in (self.said, *self.found.values()):
                for place in [place for place in known if place[0].endswith(gone)]:
                    del known[place]
            self.seen = self.look()

    # --- another folder ----------------------------------------------------------------------

    def move(self) -> None:
        """The campaign goes on in the other folder; this one is refused from then on."""
        left, other = self.root, next(home for home in HOMES if home != self.home)
        root = self.folder / other
        _git(left, "push", "-q", "--follow-tags", "origin", "main")
        if root.exists():
            behind = git.head(root) != git.head(left)
            self.home = other
            self._refused("resume", behind, "has worked on this campaign since")
            _git(root, "pull", "-q", "--tags", "--ff-only", "origin", "main")
        else:
            _git(self.folder, "clone", "-q", str(self.folder / "git"), str(root))
            _git(root, "remote", "set-url", "origin", "../git")
        self.home = other
        trusted_places.confirm(Campaign(root))
        if Campaign(left).tasks.exists():
            private = Campaign(root).private
            private.mkdir(mode=0o700, exist_ok=True)
            shutil.copy(Campaign(left).tasks, Campaign(root).tasks)
        self._refused("collect" if self.seen.open else "open", True, "has held this campaign")
        self.moved = git.head(left)
        self.command("resume")
        if self.withdrawn:
            self.command("withdraw")
        self.home = left.name
        self._refused("collect" if self.seen.open else "open", True, "has held this campaign")
        self.home = other

    def _refused(self, name: str, wanted: bool, words: str) -> None:
        """A command is refused with these words, if that is wanted."""
        if wanted:
            stops, self.stops = self.stops, []
            end = self._give([name])
            self.stops = stops
            assert words in (end.refused or ""), f"{name} in {self.home} is not refused: {end}"


def round_of(key: str) -> int:
    """The round that a task is of."""
    return int(key.split("/")[1])


def _pixels(path: Path) -> str:
    with Image.open(path) as image:
        return hashlib.sha256(np.asarray(image.convert("RGB")).tobytes()).hexdigest()[:16]


def _git(root: Path, *words: str) -> None:
    subprocess.run(git.command(*words), cwd=root, check=True, capture_output=True)


def begin(folder: Path) -> None:
    """Make a campaign that images came into, with remotes of DVC and of git beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / HOMES[0]
    make_images(folder / "images", 8)
    for group in range(3):
        make_images(folder / "images" / f"g{group}", 2, 10 + group)

    def made() -> None:
        one_process.arrange()
        new_campaign.init(root, config.parse(PARAMS))
        (folder / "store").mkdir()
        commands._unchecked(root, "remote", "add", "-d", "store", "../store")
        git.commit(root, [".dvc/config"], "Remote")
        new_campaign.add_images(root, [str(folder / "images")], lambda step: None)
        _git(root, "clone", "-q", "--bare", ".", "../git")
        _git(root, "remote", "add", "origin", "../git")

    end = forked.run(made, folder)
    assert end.refused is None, end
    code_json.digests_of(config.parse(PARAMS))  # copies of this process know it


def young(folder: Path, rounds: int) -> Life:
    """A life whose campaign is made in a folder, with some rounds behind it."""
    begin(folder)
    made = Life(folder)
    for _ in range(rounds):
        made.command("open")
        made.answer(made.unanswered, "ann", made.truth)
        made.command("run")
    return made


def copied(life: Life, folder: Path) -> Life:
    """The same life in another folder, whose campaign goes on by itself."""
    shutil.copytree(life.folder, folder, symlinks=True, dirs_exist_ok=True)
    made = copy.deepcopy(life)
    made.folder = folder
    campaign = Campaign(made.root)
    trusted_places.confirm(campaign)  # in a copy, nothing counts as confirmed
    _git(folder / "git", "update-ref", "-d", git_lease.REF)  # and it is another holder
    campaign.lease.unlink(missing_ok=True)
    lease.take(campaign)
    made.seen = made.look()
    return made
