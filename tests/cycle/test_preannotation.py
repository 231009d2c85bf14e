"""What showing the model's class did, read off a campaign's files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from labelcycle import config
from labelcycle.campaign import labels, round_states
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import OWNED, Campaign, Label, write_json, write_jsonl, write_labels
from labelcycle.core.class_migrations import Migration
from labelcycle.people import preannotation
from labelcycle.rounds.answers import Reply
from labelcycle.rounds.pushed_tasks import Asked
from labelcycle.rounds.snapshots import Snapshot

BEFORE = ("cow", "hen", "pig")
CHANGES = {
    "rename": Migration(
        "rename", {"cow": "cattle"}, BEFORE, ("cattle", "hen", "pig"), 1, "2026-01-01"
    ),
    "merge": Migration("merge", {"cow": "pig"}, BEFORE, ("hen", "pig"), 1, "2026-01-01"),
    "remove": Migration("remove", {"cow": None}, BEFORE, ("hen", "pig"), 1, "2026-01-01"),
}


def changed(root: Path, change: str, told: Sequence[Sequence[tuple[str, str, str]]]) -> Snapshot:
    """A campaign after a change of its classes: (kind, predicted, said) of each round's tasks."""
    campaign = Campaign(root)
    for number, given in enumerate(told):
        tasks, records = [], []
        for at, (kind, predicted, said) in enumerate(given):
            key, sample = f"k/{number:03d}/{at}", f"s{number}{at}"
            task = {"key": key, "sample": sample, "rank": at, "task": at, "kind": kind}
            tasks.append({**task, "predicted": predicted, "shown": True})
            records.append({
                "key": key, "annotation": at, "annotator": "ann", "labels": [said],
                "skipped": False, "reason": "", "lead_time_s": 2.0, "updated": f"t{at}",
            })  # fmt: skip
        pushed = {"backend": "files", "project": 7, "tasks": tasks}
        write_json(campaign.round(number) / round_states.PUSHED, pushed)
        write_jsonl(campaign.round(number) / round_states.ANNOTATIONS, records)
    labels.write_migrations(campaign, [CHANGES[change]])
    classes = list(CHANGES[change].after)
    settings = config.parse({"campaign": {"classes": classes}}, parts=False)
    return Snapshot(campaign, settings, frozenset(), len(told) - 1, State.PULLED)


@pytest.mark.parametrize(
    ("change", "now", "shown", "rate"),
    [("rename", "cattle", 3, 1 / 3), ("merge", "pig", 3, 0), ("remove", "hen", 1, 0)],
)
def test_the_model_s_class_counts_in_the_names_of_now(
    tmp_path: Path, change: str, now: str, shown: int, rate: float
) -> None:
    first = [("selected", "cow", "cow"), ("selected", "cow", "pig")]
    found = preannotation.figures(changed(tmp_path, change, [first, [("selected", now, now)]]))
    assert (found["shown"], found["override_rate"]["value"]) == (1, 0)
    campaign = found["campaign"]
    assert (campaign["shown"], campaign["override_rate"]["value"]) == (shown, pytest.approx(rate))


def test_a_gold_sample_whose_class_was_removed_has_no_wrong_answers(tmp_path: Path) -> None:
    at_work = changed(
        tmp_path,
        "remove",
        [[("gold", "hen", "hen"), ("gold", "pig", "pig"), ("gold", "pig", "hen")]],
    )
    known = {"s00": "cow", "s01": "pig", "s02": "pig"}
    owned = [Label(sample, name, source=OWNED) for sample, name in known.items()]
    write_labels(at_work.campaign.label_file(OWNED), owned)
    assert preannotation.figures(at_work)["errors"]["shown"]["value"] == 0.5


# --- several answers to one sample ---------------------------------------------------------


def crowd(rng: np.random.Generator, shown: int, blind: int, spread: float) -> dict[str, object]:
    """The figures where three people a sample say the model's class with 0.8, seen or not.

    spread : how far samples differ; at 1 all three say the same
    """
    n = shown + blind
    a, b = (0.8 * (1 - spread) / spread, 0.2 * (1 - spread) / spread) if spread < 1 else (0, 0)
    easy = rng.beta(a, b, n) if spread < 1 else (rng.random(n) < 0.8).astype(float)
    same = rng.random((n, 3)) < easy[:, None]
    tasks = {
        str(i): Asked(str(i), str(i), i, i, predicted="cat", shown=i < shown) for i in range(n)
    }
    replies = [
        Reply(0, str(i), 3 * i + j, str(i), "abc"[j], ("cat" if same[i, j] else "dog",), "", None)
        for i in range(n)
        for j in range(3)
    ]
    settings = config.parse({"campaign": {"classes": ["cat", "dog"]}}, parts=False)
    at_work = Snapshot(Campaign(Path()), settings, frozenset(), 0, State.PULLED)
    return preannotation._block(at_work, replies, tasks, {})


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.05, 0.5, 1])
def test_intervals_hold_the_truth_though_several_people_answer_a_sample(spread: float) -> None:
    rng = np.random.default_rng(int(100 * spread))
    bias, rate, times = 0, 0, 200
    for _ in range(times):
        found = crowd(rng, 180, 20, spread)
        assert (found["shown"], found["blind"]) == (180, 20)
        bias += found["bias"]["low"] <= 0 <= found["bias"]["high"]
        rate += found["override_rate"]["low"] <= 0.2 <= found["override_rate"]["high"]
    assert bias / times > 0.93
    assert rate / times > 0.93


def test_a_sample_of_several_answers_counts_as_one() -> None:
    found = crowd(np.random.default_rng(0), 60, 20, 1)
    assert found["override_rate"]["high"] - found["override_rate"]["low"] > 0.15
