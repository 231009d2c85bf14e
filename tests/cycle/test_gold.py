"""How reliable people are on gold tasks, read off a campaign's files."""

from pathlib import Path

from labelcycle import config
from labelcycle.campaign import labels
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import OWNED, Campaign, Label, write_labels
from labelcycle.core.class_migrations import Migration
from labelcycle.people import gold
from labelcycle.rounds.answers import Reply
from labelcycle.rounds.pushed_tasks import GOLD
from labelcycle.rounds.snapshots import Snapshot


def test_a_right_answer_stays_right_when_its_class_is_removed(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    known = {"s0": "cow", "s1": "pig", "s2": "pig"}
    owned = [Label(sample, name, source=OWNED) for sample, name in known.items()]
    write_labels(campaign.label_file(OWNED), owned)
    replies = [
        Reply(0, f"k/{n}", n, sample, "ann", (said,), f"t{n}", 2.0, GOLD)
        for n, (sample, said) in enumerate([("s0", "cow"), ("s1", "pig"), ("s2", "hen")])
    ]
    removed = Migration(
        "remove", {"cow": None}, ("cow", "hen", "pig"), ("hen", "pig"), 1, "2026-01-01"
    )
    labels.write_migrations(campaign, [removed])
    settings = config.parse({"campaign": {"classes": ["hen", "pig"]}}, parts=False)
    snapshot = Snapshot(campaign, settings, frozenset(), 1, State.PULLED)
    ann = gold.figures(snapshot, replies, {"ann"})["annotators"]["ann"]
    assert (ann["answers"], ann["right"]["value"]) == (2, 0.5)
