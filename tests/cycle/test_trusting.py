"""A remote that comes by a pull stops the next look, and costs the round nothing."""

import json
from pathlib import Path

import pytest
from raised import told
from repositories import git

from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import CohortsRecord, Source
from labelcycle.campaign.round_states import State
from labelcycle.errors import StateError
from labelcycle.rounds import snapshots, trusted_places


@pytest.mark.slow
def test_a_remote_that_a_pull_brings_waits_for_trust_and_the_round_goes_on(
    opened: Campaign, flows, answer_all, tmp_path: Path
) -> None:
    root, other = opened.root, tmp_path / "other"
    git(tmp_path, "clone", "-q", str(root), str(other))
    (other / ".dvc").mkdir(exist_ok=True)
    (other / commands.CONFIG).write_text(
        f"{commands.SETTINGS}['remote \"x\"']\n    url = s3://theirs\n"
    )
    git(other, "add", "--all", "--force")
    git(other, "commit", "-q", "-m", "a remote")
    answer_all()
    git(root, "pull", "-q", "--ff-only", str(other))
    for step in (flows.collect_now, flows.run, flows.collect):
        with pytest.raises(StateError, match=r"url = s3://theirs; .* `labelcycle trust`"):
            step(str(root))
    assert snapshots.read(root).state is State.OPEN
    confirmed = trusted_places.confirm(opened)
    assert confirmed[commands.CONFIG] == "['remote \"x\"'], url = s3://theirs"
    flows.run(str(root))
    assert "round/000" in snapshots.read(root).tags


@pytest.fixture
def author(tmp_path: Path) -> Campaign:
    """A repository with a list of images, a plain folder, and a link to one elsewhere."""
    campaign = Campaign(tmp_path / "author")
    (campaign.root / "lists").mkdir(parents=True)
    (campaign.root / "lists" / "A.txt").write_text("../images\n")
    (campaign.root / "plain").mkdir()
    (campaign.root / "plain" / "x").touch()
    (campaign.root / "links").mkdir()
    (campaign.root / "links" / "a").symlink_to(tmp_path / "images")
    (campaign.root / "mine.txt").write_text("../images\n")
    git(campaign.root, "init", "-q", "-b", "main")
    git(campaign.root, "add", "lists", "plain", "links")
    return campaign


@pytest.mark.parametrize(
    ("path", "follow_links", "by"),
    [
        ("@lists/A.txt", False, "lists/A.txt"),
        ("@x/../Lists/a.txt", False, "lists/A.txt"),
        ("@mine.txt", False, "links/a"),  # a line of it may lead through the link
        ("links/a", False, "links/a"),
        ("links/a/below", False, "links/a"),
        ("links/*", False, "links/a"),
        ("**/*.png", False, "links/a"),
        ("links", True, "links/a"),
        (".", True, "links/a"),
        ("links", False, None),  # a link in it that leads out is left out
        ("plain", True, None),
        ("plain/*", False, None),
        ("../images", True, None),
        ("@../list.txt", False, None),
        ("https://localhost/a.png", False, None),
    ],
)
def test_a_source_is_refused_where_a_pull_could_turn_it_elsewhere(
    author: Campaign, path: str, follow_links: bool, by: str | None
) -> None:
    CohortsRecord((Source(path, follow_links),)).write(author.cohorts)
    if by is None:
        trusted_places.check_sources(author)
        return
    assert told(StateError, lambda: trusted_places.check_sources(author)) == (
        f"the source {path!r} leads where {by} says, and git keeps that file: a pull could have it"
        " name any folder of yours, whose images would go to the remote; take it out of git with"
        f" `git rm --cached -- {by}` and commit, or give the folders of images themselves to"
        " `labelcycle ingest`"
    )


def test_that_links_are_followed_is_confirmed_too() -> None:
    for follow_links, words in ((False, "source = ../x"), (True, "source = ../x, through links")):
        record = CohortsRecord((Source("../x", follow_links),)).to_json()
        assert trusted_places.sources(json.dumps(record)) == (words,)


def test_a_record_that_no_ingest_reads_names_no_source() -> None:
    """Who reads the sources refuses it, so nothing can be had by it."""
    assert trusted_places.sources('{"sources": [{"path": "../x", "follow_links": false}]}') == ()
