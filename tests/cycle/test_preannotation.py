"""What showing the model's class did, of values."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from made_records import answer

from labelcycle import config
from labelcycle.campaign.records.metrics_record import PreannotationFigures, ShownGuesses
from labelcycle.campaign.records.pushed_record import Kind, PushedTask
from labelcycle.core.class_migrations import Migration, counted_as
from labelcycle.people import preannotation
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import AskedRound, History

BEFORE = ("cow", "hen", "pig")
CHANGES = {
    "rename": Migration(
        "rename", {"cow": "cattle"}, BEFORE, ("cattle", "hen", "pig"), 1, "2026-01-01"
    ),
    "merge": Migration("merge", {"cow": "pig"}, BEFORE, ("hen", "pig"), 1, "2026-01-01"),
    "remove": Migration("remove", {"cow": None}, BEFORE, ("hen", "pig"), 1, "2026-01-01"),
}


def changed(
    change: str, rounds: Sequence[Sequence[tuple[Kind, str, str]]], truth: Mapping[str, str]
) -> PreannotationFigures:
    """Figures after a change of the classes.

    rounds : (kind, predicted, answer in the names of now) of each round's tasks
    truth : known classes in the names of now
    """
    asked, given = [], []
    for number, tasks in enumerate(rounds):
        pushed = []
        for at, (kind, predicted, name) in enumerate(tasks):
            key = f"k/{number:03d}/{at}"
            task = PushedTask(key, f"s{number}{at}", at, at, kind, 1, predicted, True)
            pushed.append(task)
            given.append(CountedAnswer(number, task, answer(key, at, "ann", name)))
        asked.append(AskedRound(number, "random", tuple(pushed)))
    history = History(
        number=len(rounds) - 1,
        rounds=tuple(asked),
        answers=tuple(given),
        truth=truth,
        table=counted_as([CHANGES[change]]),
    )
    settings = config.parse({"campaign": {"classes": CHANGES[change].after}}, parts=False)
    return preannotation.figures(history, settings)


@pytest.mark.parametrize(
    ("change", "now", "shown", "rate"),
    [("rename", "cattle", 3, 1 / 3), ("merge", "pig", 3, 0), ("remove", "hen", 1, 0)],
)
def test_the_model_s_class_counts_in_the_names_of_now(
    change: str, now: str, shown: int, rate: float
) -> None:
    said = {"rename": "cattle", "merge": "pig", "remove": "cow"}[change]  # what "cow" counts as
    first: list = [("selected", "cow", said), ("selected", "cow", "pig")]
    found = changed(change, [first, [("selected", now, now)]], {})
    assert (found.shown, found.override_rate.value) == (1, 0)
    campaign = found.campaign
    assert (campaign.shown, campaign.override_rate.value) == (shown, pytest.approx(rate))


def test_a_gold_sample_whose_class_was_removed_has_no_wrong_answers() -> None:
    tasks: list = [("gold", "hen", "hen"), ("gold", "pig", "pig"), ("gold", "pig", "hen")]
    found = changed("remove", [tasks], {"s01": "pig", "s02": "pig"})
    assert found.errors.shown.value == 0.5


# --- several answers to one sample ---------------------------------------------------------


def crowd(rng: np.random.Generator, shown: int, blind: int, spread: float) -> ShownGuesses:
    """The figures where three people a sample say the model's class with 0.8, seen or not.

    spread : how far samples differ; at 1 all three say the same
    """
    n = shown + blind
    a, b = (0.8 * (1 - spread) / spread, 0.2 * (1 - spread) / spread) if spread < 1 else (0, 0)
    easy = rng.beta(a, b, n) if spread < 1 else (rng.random(n) < 0.8).astype(float)
    same = rng.random((n, 3)) < easy[:, None]
    tasks = {
        str(i): PushedTask(str(i), str(i), i, i, predicted="cat", shown=i < shown) for i in range(n)
    }
    given = [
        CountedAnswer(
            0, tasks[str(i)], answer(str(i), 3 * i + j, "abc"[j], "cat" if same[i, j] else "dog")
        )
        for i in range(n)
        for j in range(3)
    ]
    settings = config.parse({"campaign": {"classes": ["cat", "dog"]}}, parts=False)
    return preannotation._shown(given, tasks, {}, settings)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.05, 0.5, 1])
def test_intervals_hold_the_truth_though_several_people_answer_a_sample(spread: float) -> None:
    rng = np.random.default_rng(int(100 * spread))
    bias, rate, times = 0, 0, 200
    for _ in range(times):
        found = crowd(rng, 180, 20, spread)
        assert (found.shown, found.blind) == (180, 20)
        bias += found.bias.low <= 0 <= found.bias.high
        rate += found.override_rate.low <= 0.2 <= found.override_rate.high
    assert bias / times > 0.93
    assert rate / times > 0.93


def test_a_sample_of_several_answers_counts_as_one() -> None:
    found = crowd(np.random.default_rng(0), 60, 20, 1)
    assert found.override_rate.high - found.override_rate.low > 0.15
