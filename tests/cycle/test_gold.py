"""How reliable people are on gold tasks, of values."""

from made_records import counted

from labelcycle import config
from labelcycle.campaign import labels
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.core.class_migrations import Migration
from labelcycle.people import gold
from labelcycle.rounds import campaign_history
from labelcycle.rounds.campaign_history import History


def test_a_right_answer_stays_right_when_its_class_is_removed(tmp_path) -> None:
    campaign = Campaign(tmp_path)
    known = {"s0": "cow", "s1": "pig", "s2": "pig"}
    owned = [Label(sample, name, source=OWNED) for sample, name in known.items()]
    write_labels(campaign.label_file(OWNED), owned)
    removed = Migration(
        "remove", {"cow": None}, ("cow", "hen", "pig"), ("hen", "pig"), 1, "2026-01-01"
    )
    labels.write_migrations(campaign, [removed])
    truth = campaign_history.truth(labels.read_owned(campaign))
    said = (("s0", "cow"), ("s1", "pig"), ("s2", "hen"))
    answers = tuple(counted(sample, "ann", name, kind="gold") for sample, name in said)
    settings = config.parse({"campaign": {"classes": ["hen", "pig"]}}, parts=False)
    history = History(1, answers=answers, truth=truth)
    ann = gold.figures(history, {"ann"}, settings).annotators["ann"]
    assert ann.right
    assert (ann.answers, ann.right.value) == (2, 0.5)
