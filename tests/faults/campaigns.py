"""A campaign as its files: what has to be there before a round's samples are handed to people.

Round 0 is closed, its project is gone. It left one sample that awaits adjudication; the hold-out
has no verdict yet. So a push of round 1 makes a project, and tasks of all four kinds.
"""

import functools
from pathlib import Path

import numpy as np
from made_records import answer, plan, pushed, selection
from PIL import Image

from labelcycle import config
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.numpy_files import write_array
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.config import Config
from labelcycle.cycle.round_opening import schema
from labelcycle.cycle.task_plan import task_key
from labelcycle.rounds.snapshots import Snapshot

CLASSES = ("cat", "dog")
OVERLAP = {1: 3, 2: 2}
"""By round, how many people are wanted for two of its three selected samples."""
GONE = 0
"""Number of a project that no server has."""

UNSETTLED, HELD, *_KNOWN = _SAMPLES = [f"{number:016x}" for number in range(10)]
_OWNED, _PICKS = _KNOWN[:2], {1: _KNOWN[2:5], 2: _KNOWN[5:8]}


@functools.cache
def _config(number: int) -> Config:
    """With these shares two samples are asked of several, one is gold, two predictions hidden."""
    push = {"min_side": 32, "overlap": OVERLAP.get(number, 1), "overlap_share": 2 / 3}
    push |= {"gold_share": 1 / 3, "blind_share": 0.5, "adjudicate": 1}
    named = {"name": "Faults", "classes": list(CLASSES)}
    return config.parse({"campaign": named, "push": push}, parts=False)


def snapshot(root: Path, number: int) -> Snapshot:
    """Round `number` of the campaign in a folder, which names it: there is no git repository."""
    made = Snapshot(Campaign(root), _config(number), frozenset(), number, State.OPEN)
    vars(made)["key"] = root.name
    return made


def make(root: Path, media: Path) -> None:
    """Write the files of a campaign up to the selection of round 1.

    media : where the server looks for images
    """
    campaign = Campaign(root)
    campaign.private.mkdir(parents=True)
    campaign.media.symlink_to(media, target_is_directory=True)
    _draw(media / "images")
    write_samples(campaign.samples, map(_sample, _SAMPLES))
    write_labels(campaign.holdout, [])
    write_migrations(campaign, ())
    # Of two classes: a model that knows one only guesses nothing.
    owned = [Label(*each, source="owned") for each in zip(_OWNED, CLASSES, strict=True)]
    write_labels(campaign.label_file(OWNED), owned)
    likely = np.tile(np.float32([0.75, 0.25]), (len(_SAMPLES) - 1, 1))
    write_array(campaign.model / "probabilities.npy", likely)
    _first_round(root)
    select(root, 1)


def select(root: Path, number: int) -> None:
    """Write what a round has before its push."""
    folder = Campaign(root).round(number)
    labels, classes = len(_OWNED), tuple(CLASSES)
    plan(round=number, labels=labels, classes=classes).write(folder / round_states.PLAN)
    selection(_PICKS[number]).write(folder / round_states.SELECTION)


def ask_nothing(root: Path, number: int, project: int) -> None:
    """Write a round without tasks, which finds what was changed in those before it."""
    folder = Campaign(root).round(number)
    plan(round=number).write(folder / round_states.PLAN)
    asked = schema(snapshot(root, number))
    record = pushed(backend="label_studio", project=project, schema=asked)
    record.write(folder / round_states.PUSHED)


def _sample(name: str) -> Sample:
    split = "holdout" if name == HELD else "pool"
    return Sample(name, f"{name}.png", "", split, 2, 2)  # type: ignore[arg-type]


def _draw(folder: Path) -> None:
    """The images as they are shown, which are drawn once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SAMPLES:
        path = folder / f"{name}-32.png"
        if not path.exists():
            Image.new("RGB", (32, 32)).save(path)


def _first_round(root: Path) -> None:
    """Two people disagreed about a sample."""
    at = snapshot(root, 0)
    key = task_key(at, 0, UNSETTLED)
    task = PushedTask(key, UNSETTLED, 0, 1, wanted=2)
    plan().write(at.folder / round_states.PLAN)
    pushed([task], backend="label_studio", project=GONE).write(at.folder / round_states.PUSHED)
    answers = [
        answer(key, n, f"-{n}", name, updated="2026-01-01T00:00:00Z", lead_time_s=None)
        for n, name in enumerate(CLASSES)
    ]
    write_lines(at.folder / round_states.ANNOTATIONS, answers)
    tie = Label(UNSETTLED, None, "tie between cat, dog", dict.fromkeys(CLASSES, 1), adjudicate=True)
    write_labels(at.campaign.label_file(0), [tie])
