"""What commands print at their end, in a campaign at work; Prefect and DVC are taken out."""

import csv
import io
import re

import pytest
from click.testing import CliRunner
from squares import make_images

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import CohortsRecord
from labelcycle.cli.main import cli
from labelcycle.cycle import campaign_status
from labelcycle.rounds import snapshots

pytestmark = pytest.mark.slow


def said(campaign: Campaign, *words: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(cli, ["-C", str(campaign.root), *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def last_line(campaign: Campaign, *words: str) -> str:
    """The last line that a command prints, if it is what `status` says, too."""
    line = said(campaign, *words).splitlines()[-1]
    assert line == f"next: {campaign_status.status(snapshots.read(campaign.root)).next}"
    return line


def test_what_brings_something_in_says_what_is_next(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = campaign.root.parent / "more"
    name = next(iter(make_images(folder, 3, seed=7)))
    assert last_line(campaign, "ingest", str(folder)) == "next: `labelcycle run`"
    last_line(campaign, "ingest", "--forget", str(folder))
    assert git.committed(campaign.root, layout.COHORTS) == campaign.cohorts.read_bytes()
    assert "../more" not in [each.path for each in CohortsRecord.read(campaign.cohorts).sources]
    table = campaign.root.parent / "owned.csv"
    table.write_text(f"file,label\n{folder / name},dark\n")
    last_line(campaign, "import-labels", str(table))
    monkeypatch.setattr(commands, "pull", lambda root: None)
    last_line(campaign, "pull")


def test_what_is_done_to_an_open_round_says_what_is_next(
    opened: Campaign, truth: dict[str, str]
) -> None:
    table = opened.root.parent / "answers.csv"
    listed = next(csv.DictReader(io.StringIO(said(opened, "tasks"))))
    table.write_text(f"task,answer\n{listed['task']},dark\n")
    assert said(opened, "answer", str(table), "--by", "ann").splitlines() == [
        "1 answer and 0 skips of ann taken",
        "round 0: 1 of 10 tasks done",
        "next: fill in what `labelcycle tasks` lists, or run `labelcycle annotate`; when the"
        " annotators are done, `labelcycle run`",
    ]
    table = opened.root.parent / "truth.csv"
    table.write_text("sample,label\n" + "".join(f"{k},{v}\n" for k, v in truth.items()))
    done = last_line(opened, "annotate", "--truth", str(table))
    assert done == "next: all tasks are done: `labelcycle run`"


def test_what_changes_a_closed_round_says_what_is_next(closed: Campaign) -> None:
    line = said(closed, "schema", "rename", "light", "bright").splitlines()[0]
    assert re.fullmatch(
        "rename class 'light' to 'bright': ([2-4] labels change|1 label changes) with it",
        line,
    )
    for words in (["schema", "add", "grey"], ["schema", "rename", "grey", "gray"], ["ask-again"]):
        assert last_line(closed, *words) == "next: `labelcycle open`"
