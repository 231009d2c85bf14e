"""What a round asks of whom: overlap, gold tasks, blind ones, adjudication, with whole rounds."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import counted, people
from params import set_params
from records import at

from labelcycle import config
from labelcycle.campaign import labels
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import Label, read_labels, write_labels
from labelcycle.campaign.labels import read_all_labels
from labelcycle.campaign.numpy_files import write_array
from labelcycle.campaign.records.people_record import LabelMethod
from labelcycle.campaign.records.pushed_record import (
    ADJUDICATION,
    GOLD,
    HOLDOUT,
    SELECTED,
    Kind,
    PushedTask,
)
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, read_samples, write_samples
from labelcycle.cycle import (
    campaign_status,
    new_campaign,
    round_opening,
    status_text,
    task_plan,
)
from labelcycle.cycle.task_plan import Ask
from labelcycle.errors import SettingsError
from labelcycle.notify import notices
from labelcycle.people import gold
from labelcycle.rounds import answers, pushed_tasks, snapshots
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import History

OTHER = {"dark": "light", "light": "dark"}


def own(campaign, truth, count: int = 5) -> set[str]:
    """Give the campaign `count` owned labels, before round 0."""
    pool = [sample.id for sample in read_samples(campaign.samples, "pool")][:count]
    table = campaign.root.parent / "owned.csv"
    rows = "".join(f"{sample},{truth[sample]}\n" for sample in pool)
    table.write_text(f"sample,label\n{rows}")
    new_campaign.add_labels(campaign.root, table)
    return set(pool)


def tasks(campaign, number: int) -> tuple[PushedTask, ...]:
    return pushed_tasks.tasks(snapshots.read(campaign.root), number)


def answer(backend, campaign, truth, number: int, wrong=frozenset(), people=("1",)) -> None:
    """People answer the whole round, `wrong` (sample, person) wrongly."""
    for task in tasks(campaign, number):
        for person in people[: task.wanted]:
            right = truth[task.sample]
            said = OTHER[right] if (task.sample, person) in wrong else right
            backend.answer(task.key, said, annotator=person)


# --- the draws -----------------------------------------------------------------------------


@given(st.integers(0, 60), st.floats(0, 1), st.integers(0, 2**32))
def test_a_share_is_one_of_the_two_nearest_counts(n: int, part: float, seed: int) -> None:
    names = [str(i) for i in range(n)]
    found = task_plan.share(np.random.default_rng(seed), names, part)
    assert found <= set(names)
    assert len(found) in (int(part * n), min(n, int(part * n) + 1))


def test_small_rounds_have_their_share_in_the_long_run() -> None:
    rng = np.random.default_rng(0)
    counts = [len(task_plan.share(rng, list("abcd"), 0.1)) for _ in range(2000)]
    assert abs(np.mean(counts) - 0.4) < 4 * (0.4 * 0.6 / 2000) ** 0.5
    drawn = Counter(x for _ in range(2000) for x in task_plan.share(rng, list("abcd"), 0.5))
    assert min(drawn.values()) > 1000 - 4 * 500**0.5


@given(st.integers(0, 20), st.integers(0, 10), st.integers(0, 2**32))
def test_what_is_mixed_in_leaves_the_order_of_the_selection(n: int, m: int, seed: int) -> None:
    chosen, extra = (
        [Ask(f"s{i}", SELECTED) for i in range(n)],
        [Ask(f"g{i}", GOLD) for i in range(m)],
    )
    found = task_plan.mixed(np.random.default_rng(seed), chosen, extra)
    assert [each for each in found if each.kind == SELECTED] == chosen
    assert sorted(each.sample for each in found if each.kind == GOLD) == sorted(
        each.sample for each in extra
    )


def test_gold_tasks_come_at_any_place() -> None:
    chosen, extra = [Ask(f"s{i}", SELECTED) for i in range(4)], [Ask("g", GOLD)]
    rng = np.random.default_rng(1)
    places = Counter(task_plan.mixed(rng, chosen, extra).index(extra[0]) for _ in range(500))
    assert min(places[i] for i in range(5)) > 60


@pytest.mark.parametrize(
    ("number", "said", "guessed"),
    [(1, ("dark", "light"), 3), (1, ("dark", "dark"), 0), (1, (), 0), (0, ("dark", "light"), 0)],
)
def test_a_model_of_one_class_has_no_guess(tmp_path, number, said, guessed) -> None:
    campaign = Campaign(tmp_path)
    names = [letter * 16 for letter in "abc"]
    pool = [Sample(name, f"{name}.png", name, "pool", 4, 3) for name in names]
    write_samples(campaign.samples, pool)
    labels.write_migrations(campaign, [])
    owned = [Label(name, label, source=OWNED) for name, label in zip(names, said, strict=False)]
    write_labels(campaign.label_file(OWNED), owned)
    write_array(campaign.model / "probabilities.npy", np.tile([0.75, 0.25], (3, 1)))
    chosen = config.parse({"campaign": {"classes": ["dark", "light"]}}, parts=False)
    at_work = snapshots.Snapshot(campaign, chosen, frozenset(), number, State.SELECTED)
    found = task_plan._predictions(at_work)
    assert [(p.label, p.probability) for p in found.values()] == [("dark", 0.75)] * guessed
    # The page speaks of a guess only where there are some.
    asked = "Choose the class of the image. If no class fits, say why."
    hint = " A class that is chosen already is the model's guess: check it."
    assert round_opening.schema(at_work).instruction == asked + (hint if guessed else "")


# --- whole rounds --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_tie_of_two_people_is_settled_by_the_next_round(
    campaign, flows, backend, truth, monkeypatch
) -> None:
    set_params(campaign.root, push={"overlap": 2})
    root = str(campaign.root)
    flows.run(root)
    first = tasks(campaign, 0)
    assert {(t.kind, t.wanted) for t in first} == {(SELECTED, 2), (HOLDOUT, 2)}
    tied = [t.sample for t in first if t.kind == SELECTED][:2]
    answer(backend, campaign, truth, 0, people=("1",))
    flows.run(root)  # one person is not enough
    status = campaign_status.status(snapshots.read(campaign.root)).as_json()["rounds"][0]
    assert (status["answered"], status["partly"], status["tasks"]) == (0, 10, 10)
    for task in first:
        right = truth[task.sample]
        said = OTHER[right] if task.sample in tied else right
        backend.answer(task.key, said, annotator="2")
    flows.run(root)
    assert answers.awaiting(read_all_labels(campaign).values()) == sorted(tied)
    assert read_json(campaign.round(0) / "metrics.json")["people"]["alpha"] is not None
    set_params(campaign.root, push={"overlap": 1})
    flows.open_now(root)
    later = tasks(campaign, 1)
    again = [t for t in later if t.kind == ADJUDICATION]
    assert Counter(t.kind for t in later) == {SELECTED: 4, ADJUDICATION: 2}
    facts = {(t.sample, t.wanted, t.predicted, t.shown) for t in again}
    assert facts == {(sample, 1, None, False) for sample in tied}
    assert [t.rank for t in later] == list(range(6))
    answer(backend, campaign, truth, 1, people=("3",))
    flows.run(root)
    latest = read_all_labels(campaign)
    assert [latest[s].label for s in tied] == [truth[s] for s in tied]
    metrics = read_json(campaign.round(1) / "metrics.json")
    assert (metrics["accepted"], metrics["rejected"], metrics["returned"]) == (6, 0, 0)
    costs = metrics["people"]["cost"]["by_strategy"]
    counts = {name: (cost["answers"], cost["labels"]) for name, cost in costs.items()}
    assert counts == {"typiclust": (6, 6)}  # it picked what was settled, too


@pytest.mark.slow
def test_what_two_more_people_do_not_settle_is_not_asked_a_third_time(
    campaign, flows, backend, truth
) -> None:
    set_params(campaign.root, push={"overlap": 2}, query={"budget": 1}, campaign={"rounds": 5})
    root = str(campaign.root)
    flows.run(root)
    sample = tasks(campaign, 0)[0].sample
    answer(backend, campaign, truth, 0, {(sample, "2")}, ("1", "2"))
    flows.run(root)
    for number, person in ((1, "2"), (2, "1")):  # the same two, who say what they said
        flows.open_now(root)
        assert [t.sample for t in tasks(campaign, number) if t.kind == ADJUDICATION] == [sample]
        for task in tasks(campaign, number):
            for each in ("1", "2") if task.kind == SELECTED else (person,):
                right = truth[task.sample]
                backend.answer(
                    task.key,
                    OTHER[right] if (task.sample, each) == (sample, "2") else right,
                    annotator=each,
                )
        flows.run(root)
    people = read_json(campaign.round(2) / "metrics.json")["people"]
    assert (people["adjudicate"], people["unsettled"]) == (0, 1)
    assert read_all_labels(campaign)[sample].reason == "tie between dark, light"
    flows.open_now(root)
    assert {t.kind for t in tasks(campaign, 3)} == {SELECTED}


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.usefixtures("opened")
def test_a_tie_in_the_holdout_is_settled_and_never_trained_on(
    campaign, flows, backend, truth, lost
) -> None:
    root = str(campaign.root)
    answer(backend, campaign, truth, 0)
    held = next(t for t in tasks(campaign, 0) if t.kind == HOLDOUT)
    backend.answer(held.key, OTHER[truth[held.sample]], annotator="2")
    flows.run(root)
    if lost:  # and made anew: the first task is no more
        backend.lose_project()
    flows.open_now(root)
    assert [t.sample for t in tasks(campaign, 1) if t.kind == ADJUDICATION] == [held.sample]
    answer(backend, campaign, truth, 1, people=("3",))
    flows.run(root)
    found = {label.sample: label.label for label in read_labels(campaign.holdout)}
    assert found[held.sample] == truth[held.sample]
    assert held.sample not in read_all_labels(campaign)


@pytest.mark.slow
def test_a_begun_task_of_the_holdout_is_judged_as_it_is_when_its_round_is_ended(
    campaign, flows, backend, truth
) -> None:
    set_params(campaign.root, push={"overlap": 3})
    root = str(campaign.root)
    flows.run(root)
    begun, alone, tied, *rest = (t for t in tasks(campaign, 0) if t.kind == HOLDOUT)
    for person in ("1", "2"):
        backend.answer(begun.key, truth[begun.sample], annotator=person)
    backend.answer(alone.key, truth[alone.sample], annotator="1")
    backend.answer(tied.key, "dark", annotator="1")
    backend.answer(tied.key, "light", annotator="2")
    flows.end_early(root, "incomplete")
    found = {
        label.sample: (label.label, label.adjudicate) for label in read_labels(campaign.holdout)
    }
    waits = (None, True)
    settled = {begun.sample: (truth[begun.sample], False)}
    assert found == settled | {alone.sample: waits, tied.sample: waits}
    assert {begun.key, alone.key, tied.key} <= backend.tasks.keys()
    flows.open_now(root)
    later = tasks(campaign, 1)
    last = later[-len(rest) :]
    assert {(t.sample, t.kind, t.wanted) for t in last} == {(t.sample, HOLDOUT, 3) for t in rest}
    for each in (alone, tied):
        assert [t.kind for t in later if t.sample == each.sample] == [ADJUDICATION]
    assert begun.sample not in {t.sample for t in later}


@pytest.mark.slow
def test_gold_tasks_measure_people_and_make_no_labels(campaign, flows, backend, truth) -> None:
    owned = own(campaign, truth)
    set_params(campaign.root, push={"gold_share": 0.5, "gold_alert": 0.7}, query={"budget": 4})
    root = str(campaign.root)
    flows.run(root)
    before = campaign.label_file("owned").read_bytes()
    wrong = {(sample, "1") for sample in owned}
    for number in range(3):
        found = tasks(campaign, number)
        golden = [t for t in found if t.kind == GOLD]
        assert len({t.sample for t in golden} & owned) == len(golden) == 2
        assert sum(t.kind == SELECTED for t in found) == 4
        answer(backend, campaign, truth, number, wrong)
        flows.run(root)
        assert not owned & {x.sample for x in read_labels(campaign.label_file(number))}
        if number < 2:
            flows.open_now(root)
    assert campaign.label_file("owned").read_bytes() == before
    asked_of = Counter(t.sample for n in range(3) for t in tasks(campaign, n) if t.kind == GOLD)
    assert sorted(asked_of.values()) == [1, 1, 1, 1, 2]  # those asked least come first
    people = read_json(campaign.round(2) / "metrics.json")["people"]
    expected = {
        "gold.below": ["1"],
        "gold.annotators.1.answers": 6,
        "gold.annotators.1.right.value": 0,
        "gold.annotators.1.seconds": 1.5,
        "cost.by_strategy.gold.labels": 0,
    }
    assert {path: at(people, path) for path in expected} == expected
    first = read_json(campaign.round(0) / "metrics.json")["people"]
    assert first["gold"]["below"] == []  # two answers are not enough to name anybody
    snapshot = snapshots.read(campaign.root)
    line = "Annotator 1: 0.00 of 6 answers to gold tasks are right (0.00 to 0.39)."
    assert line in status_text.as_text(campaign_status.status(snapshot))
    told = {notice.key: notice for notice in notices.due(snapshot, None)}
    assert told["gold 002"].title == "tiny: look at annotator 1"
    assert line in told["gold 002"].body


def test_gold_tasks_without_owned_labels_are_refused(campaign, flows, backend) -> None:
    set_params(campaign.root, push={"gold_share": 0.2})
    with pytest.raises(
        SettingsError, match=r"^push\.gold_share is 0\.2; wanted owned labels .* set"
    ):
        flows.run(str(campaign.root))
    assert snapshots.read(campaign.root).state is State.DUE
    assert not backend.tasks


@pytest.mark.slow
def test_a_blind_share_shows_no_prediction_and_keeps_it(campaign, flows, backend, truth) -> None:
    own(campaign, truth)
    set_params(campaign.root, push={"blind_share": 0.5, "gold_share": 0.5}, query={"budget": 6})
    root = str(campaign.root)
    flows.run(root)
    assert all(t.predicted is None and not t.shown for t in tasks(campaign, 0))
    answer(backend, campaign, truth, 0)
    flows.run(root)
    flows.open_now(root)
    found = tasks(campaign, 1)
    assert all(t.predicted for t in found)
    assert 4 <= sum(not t.shown for t in found) <= 5
    for task in found:
        pushed = backend.tasks[task.key]
        assert (pushed.kind, pushed.shown) == (task.kind, task.shown)
        backend.answer(task.key, task.predicted if task.shown else OTHER[task.predicted])
    flows.run(root)
    figures = read_json(campaign.round(1) / "metrics.json")["preannotation"]
    chosen = [t for t in found if t.kind == SELECTED]
    shown = sum(t.shown for t in chosen)
    expected = {
        "shown": shown,
        "blind": 6 - shown,
        "override_rate.value": 0,
        "blind_agreement.value": 0,
        "bias.value": 1,
    }
    assert {path: at(figures, path) for path in expected} == expected
    assert 0 < figures["bias"]["low"] < figures["bias"]["high"] == 1
    # who sees the model's class says it, who does not says the other one
    for shown, errors in ((True, figures["errors"]["shown"]), (False, figures["errors"]["blind"])):
        wrong = [
            (t.predicted != truth[t.sample]) == shown
            for t in found
            if t.kind == GOLD and t.shown == shown
        ]
        assert (errors and errors["value"]) == (np.mean(wrong) if wrong else None)
    assert any(figures["errors"].values())
    assert figures["campaign"] == {k: v for k, v in figures.items() if k != "campaign"}
    text = status_text.as_text(campaign_status.status(snapshots.read(campaign.root)))
    said = ("pre-annotations: 0% of ", " without a guess: too few to compare)")
    assert [line for line in said if line not in text] == []
    json.dumps(figures, allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "wanted"), [(None, 4), (2, 2), (0, 0)])
def test_no_more_are_settled_than_the_budget_or_the_limit(
    campaign, flows, backend, truth, limit, wanted
) -> None:
    set_params(campaign.root, push={"adjudicate": limit})
    flows.run(str(campaign.root))
    for task in tasks(campaign, 0):  # everything is a tie, the hold-out too
        for person, said in (("1", "dark"), ("2", "light")):
            backend.answer(task.key, said, annotator=person)
    flows.run(str(campaign.root))
    flows.open_now(str(campaign.root))
    assert sum(t.kind == ADJUDICATION for t in tasks(campaign, 1)) == wanted


@pytest.mark.slow
def test_a_push_that_died_goes_on_with_the_same_tasks(campaign, flows, backend, truth) -> None:
    own(campaign, truth)
    set_params(campaign.root, push={"gold_share": 0.5, "overlap": 3, "overlap_share": 0.5})
    flows.run(str(campaign.root))
    snapshot = snapshots.read(campaign.root)
    (campaign.round(0) / "pushed.json").rename(campaign.root / "kept.json")
    again = task_plan.tasks(snapshot)
    wanted = read_json(campaign.root / "kept.json")["tasks"]
    assert [(t.key, t.kind, t.wanted, t.rank) for t in again] == [
        (t["key"], t["kind"], t["wanted"], t["rank"]) for t in wanted
    ]
    assert sorted(t.wanted for t in again if t.kind == SELECTED) == [1, 1, 3, 3]
    assert sorted(t.wanted for t in again if t.kind == HOLDOUT) == [1, 1, 1, 3, 3, 3]
    # the list of tasks shows the number: gold tasks must not be told by it
    assert sorted(t.wanted for t in again if t.kind == GOLD) == [1, 3]


def test_who_waited_longest_and_was_asked_least_is_settled_first() -> None:
    def label(sample: str, adjudicate: bool = True) -> Label:
        return Label(sample, None, "tie", adjudicate=adjudicate)

    def reply(number: int, sample: str, annotator: str, kind: Kind = ADJUDICATION) -> CountedAnswer:
        return counted(sample, annotator, "dark", number, at=number, kind=kind)

    found = [label("d"), label("a"), label("c"), label("b"), label("x", adjudicate=False)]
    replies = [
        reply(0, "b", "1", SELECTED),
        reply(1, "d", "1"),
        reply(1, "d", "2"),  # twice in one round is asked once
        reply(1, "c", "1"),
        reply(2, "c", "1"),
    ]
    assert answers.to_settle(found, replies) == ["a", "b", "d"]


@pytest.mark.slow
def test_nobody_is_named_for_bad_luck() -> None:
    """Right nine times of ten, after 5 to 40 answers: named hardly ever; half the time: soon."""
    rng = np.random.default_rng(0)
    truth = {f"s{i}": "dark" for i in range(40)}
    chosen = config.parse({"push": {"gold_alert": 0.7}}, parts=False)

    def named(skill: float, n: int, people: int = 400) -> float:
        right = rng.random((people, n)) < skill
        given = tuple(
            counted(f"s{i}", str(person), "dark" if right[person, i] else "light", at=i, kind=GOLD)
            for person in range(people)
            for i in range(n)
        )
        present = {str(person) for person in range(people)}
        found = gold.figures(History(0, answers=given, truth=truth), present, chosen)
        return len(found.below) / people

    assert max(named(0.9, n) for n in (gold.LEAST, 10, 20, 40)) < 0.01
    assert named(0.4, 20) > 0.6


def test_the_status_says_that_the_majority_stood_in() -> None:
    lacking = "samples with several answers are 3, wanted 50"
    for instead, said in (
        (lacking, [f"people: majority, not yet Dawid-Skene ({lacking})"]),
        (None, []),
    ):
        figures = people(method=LabelMethod("majority", instead))
        assert status_text.people_lines(figures, 1.0) == said


@pytest.mark.slow
@pytest.mark.usefixtures("opened")
def test_the_figures_of_a_round_without_pre_annotations(campaign, flows, backend, truth) -> None:
    answer(backend, campaign, truth, 0)
    flows.run(str(campaign.root))
    figures = read_json(campaign.round(0) / "metrics.json")["preannotation"]
    assert (figures["shown"], figures["override_rate"], figures["bias"]) == (0, None, None)
    assert "pre-annotations" not in status_text.as_text(
        campaign_status.status(snapshots.read(campaign.root))
    )
