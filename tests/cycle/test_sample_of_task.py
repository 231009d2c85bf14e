"""Which sample a task shows, by the number or the address that an annotator tells."""

from pathlib import Path
from shlex import quote

import made_records
import pytest
from raised import told

from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import PUSHED
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.cycle import sample_history, sample_of_task
from labelcycle.errors import DataError
from labelcycle.rounds.snapshots import Snapshot

NAMES = [f"{n:016x}" for n in range(3)]


@pytest.fixture
def asked(tmp_path: Path) -> Snapshot:
    """Two rounds in a project, tasks 10 to 12; then one task in another, with number 10 again."""
    now = made_records.snapshot(tmp_path, number=2)
    samples = [Sample(name, f"{name}.png", f"{name}.png", "pool", 2, 2) for name in NAMES]
    write_samples(now.campaign.samples, samples)
    rounds = [(7, [(0, 10), (1, 11)]), (7, [(0, 12)]), (8, [(2, 10)])]
    for number, (project, tasks) in enumerate(rounds):
        made = [PushedTask(f"{number}/{n}", NAMES[n], 0, task) for n, task in tasks]
        pushed = made_records.pushed(made, project=project)
        pushed.write(now.campaign.round(number) / PUSHED)
    return now


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("11", 1),
        ("#11", 1),
        (" 12 ", 0),
        ("http://host/label/projects/7/data?tab=3&task=10", 0),
        ("http://host/projects/8/data/?labeling=1&task=10", 2),
        ("http://host/tasks/11/", 1),
    ],
)
def test_a_task_by_its_number_or_address(asked: Snapshot, text: str, place: int) -> None:
    assert sample_of_task.find(asked, text).id == NAMES[place]


@pytest.mark.parametrize("text", ["11", "#11", "http://h/projects/7/data?tab=3&task=10"])
def test_who_names_a_task_as_a_sample_is_told_how(asked: Snapshot, text: str) -> None:
    said = told(DataError, lambda: sample_history.find(asked, text))
    assert said.endswith(f"; if it is a task, give `labelcycle explain --task {quote(text)}`")
    assert "--task" not in told(DataError, lambda: sample_history.find(asked, "cat.png"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("13", "no round asked task 13: wanted a task of this campaign; name the sample"),
        ("http://h/projects/8/data?task=11", "no round asked task 11 of project 8: wanted"),
        ("10", f"task 10 is ambiguous: {NAMES[0]} (files, project 7), {NAMES[2]} (files, project"),
        ("http://h/projects/8/data", "'http://h/projects/8/data' names no task: wanted its number"),
        ("http://h/projects/8/data?task=x", "'http://h/projects/8/data?task=x' names no task"),
        ("", "'' names no task"),
    ],
)
def test_what_is_no_task_of_the_campaign_is_said(asked: Snapshot, text: str, says: str) -> None:
    assert told(DataError, lambda: sample_of_task.find(asked, text)).startswith(says)
