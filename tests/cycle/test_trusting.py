"""A remote that comes by a pull stops the next look, and costs the round nothing."""

from pathlib import Path

import pytest
from repositories import git

from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
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
