"""What showing the model's class did, read off a campaign's files."""

from pathlib import Path

from labelcycle import config, labels, rounds
from labelcycle.core.migrations import Migration
from labelcycle.cycle import preannotation
from labelcycle.cycle.standing import Standing
from labelcycle.rounds import State
from labelcycle.store import Campaign, write_json, write_jsonl


def test_a_class_renamed_since_is_not_taken_for_an_override(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    for number, name in enumerate(("cow", "cattle")):
        key = f"k/{number:03d}/s{number}"
        task = {"key": key, "sample": f"s{number}", "rank": 0, "task": 1}
        answer = {
            "key": key, "annotation": number, "annotator": "ann", "labels": [name],
            "skipped": False, "lead_time_s": 2.0, "updated": f"t{number}",
        }  # fmt: skip
        folder = campaign.round(number)
        write_json(folder / rounds.PUSHED, {"tasks": [{**task, "predicted": name, "shown": True}]})
        write_jsonl(folder / rounds.ANNOTATIONS, [answer])
    renamed = Migration(
        "rename", {"cow": "cattle"}, ("cow", "pig"), ("cattle", "pig"), 1, "2026-01-01"
    )
    labels.write_migrations(campaign, [renamed])
    settings = config.parse({"campaign": {"classes": ["cattle", "pig"]}}, parts=False)
    found = preannotation.figures(Standing(campaign, settings, frozenset(), 1, State.PULLED))
    assert (found["shown"], found["overridden"]) == (1, 0)
    assert (found["campaign"]["shown"], found["campaign"]["overridden"]) == (2, 0)
