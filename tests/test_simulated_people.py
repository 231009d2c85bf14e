"""Simulated people: what they draw, and where they know it from; no server."""

from pathlib import Path

import numpy as np
import pytest

from labelcycle.adapters.ports import OpenTask
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.errors import DataError
from labelcycle.people.simulated import SimulatedAnswer, _drawn_answer, read_truth

CLASSES = ("cat", "dog", "cow")
COUNT = 600


def replies(
    seed: int, error_rate: float, skip_rate: float, annotators: int = 2, turn: int = 0, *more: float
) -> list[SimulatedAnswer]:
    return [
        _drawn_answer(
            OpenTask(i, f"k/{i}", str(i), 0),
            {str(i): CLASSES[i % 3]},
            CLASSES,
            annotators,
            (error_rate, *more),
            skip_rate,
            seed,
            turn,
        )
        for i in range(COUNT)
    ]


def test_without_errors_everything_is_right() -> None:
    found = replies(0, 0.0, 0.0)
    assert [reply.label for reply in found] == [CLASSES[i % 3] for i in range(COUNT)]
    assert {reply.outcome for reply in found} == {"right"}


def test_rates_are_kept_within_four_deviations() -> None:
    found = replies(0, 0.2, 0.1)
    skipped = sum(reply.outcome == "skip" for reply in found)
    wrong = sum(reply.outcome == "wrong" for reply in found)
    assert abs(skipped - COUNT * 0.1) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert abs(wrong - COUNT * 0.18) < 4 * (COUNT * 0.18 * 0.82) ** 0.5
    assert all((reply.label is None) == (reply.outcome == "skip") for reply in found)
    assert all(r.label != CLASSES[i % 3] for i, r in enumerate(found) if r.outcome == "wrong")
    assert {reply.label for reply in found if reply.outcome == "wrong"} == set(CLASSES)


def test_rates_of_one() -> None:
    assert {reply.outcome for reply in replies(0, 1.0, 0.0)} == {"wrong"}
    assert {reply.outcome for reply in replies(0, 1.0, 1.0)} == {"skip"}


def test_each_person_has_an_error_rate_in_turn() -> None:
    found = replies(0, 0.0, 0.0, 3, 0, 1.0)
    kinds = {person: {r.outcome for r in found if r.person == person} for person in range(3)}
    assert kinds == {0: {"right"}, 1: {"wrong"}, 2: {"right"}}


def test_the_seed_decides() -> None:
    assert replies(1, 0.2, 0.1) == replies(1, 0.2, 0.1)
    assert replies(1, 0.2, 0.1) != replies(2, 0.2, 0.1)


def test_more_skips_change_no_other_answer() -> None:
    few, many = replies(3, 0.2, 0.05), replies(3, 0.2, 0.3)
    assert all(a == b for a, b in zip(few, many, strict=True) if b.outcome != "skip")


def test_work_is_shared_and_takes_time() -> None:
    found = replies(0, 0.0, 0.0, annotators=4)
    shares = [sum(reply.person == person for reply in found) for person in range(4)]
    assert min(shares) > COUNT / 4 * 0.8
    times = sorted(reply.lead_time_s for reply in found)
    assert 2.2 < times[COUNT // 2] < 2.8
    assert times[0] > 0.3
    assert times[-1] < 20


def test_people_of_one_task_are_different_and_err_on_their_own() -> None:
    turns = [replies(0, 0.3, 0.0, annotators=3, turn=turn) for turn in range(3)]
    assert all(len({r.person for r in task}) == 3 for task in zip(*turns, strict=True))
    wrong = [np.array([r.outcome == "wrong" for r in each]) for each in turns]
    assert all(abs(each.mean() - 0.3) < 4 * (0.21 / COUNT) ** 0.5 for each in wrong)
    both = float((wrong[0] & wrong[1]).mean())
    assert abs(both - 0.09) < 4 * (0.09 * 0.91 / COUNT) ** 0.5


# --- the file of true classes --------------------------------------------------------------


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    campaign = Campaign(tmp_path)
    names = {"a" * 16: "in/1.png", "b" * 16: "deep/er/ä 2.png", "c" * 16: "in/3.png"}
    samples = [Sample(i, f"{i}.png", source, "pool", 8, 8) for i, source in names.items()]
    write_samples(campaign.samples, samples)
    return campaign


def truth(campaign: Campaign, text: str) -> dict[str, str]:
    path = campaign.root / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return read_truth(campaign, path)


def test_by_file_name(campaign: Campaign) -> None:
    text = "file,label\n1.png,cat\nother/ä 2.png,<dog>\nunknown.png,cat\n"
    assert truth(campaign, text) == {"a" * 16: "cat", "b" * 16: "<dog>"}


def test_by_sample(campaign: Campaign) -> None:
    assert truth(campaign, f"label,sample\ncow,{'c' * 16}\n") == {"c" * 16: "cow"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "name,label\n1,2\n",
            "wanted a header with `label` and `sample` or `file`, got name, label",
        ),
        ("file,class\n1,2\n", "wanted a header .*, got file, class; name the columns in line 1"),
        ("", "wanted a header .*, got an empty file"),
        ("file,label\nx/1.png,cat\ny/1.png,dog\n", "wanted one class for 1.png, got 'cat' and 'd"),
    ],
)
def test_files_that_say_nothing(campaign: Campaign, text: str, wanted: str) -> None:
    with pytest.raises(DataError, match=wanted):
        truth(campaign, text)


def test_a_file_that_is_not_there(campaign: Campaign) -> None:
    with pytest.raises(DataError, match=r"cannot read .*/no\.csv: wanted a CSV in UTF-8, got"):
        read_truth(campaign, campaign.root / "no.csv")
