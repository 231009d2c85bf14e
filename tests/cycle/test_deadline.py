"""A round that is closed at its deadline, or told to be late."""

import datetime
from dataclasses import replace

import pytest
from made_records import metrics
from params import set_params

from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.json_files import read_json, write_json
from labelcycle.campaign.labels import read_all_labels
from labelcycle.campaign.round_states import State
from labelcycle.notify import notices
from labelcycle.rounds import deadline, pushed_tasks, snapshots

DONE = AnnotationProgress(tasks=10, answered=7, skipped=1)


def age(campaign, hours: float) -> None:
    """As if the round had been opened so long ago."""
    path = campaign.round(0) / "pushed.json"
    opened = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours)
    write_json(path, read_json(path) | {"pushed": opened.isoformat(timespec="seconds")})


@pytest.mark.slow
def test_past_its_deadline_a_round_with_a_quorum_closes(
    campaign, flows, backend, truth, capsys
) -> None:
    set_params(campaign.root, close={"deadline_hours": 24, "quorum": 0.75})
    root = str(campaign.root)
    flows.run(root)
    tasks = pushed_tasks.tasks(snapshots.read(campaign.root))
    for task in tasks[1:8]:
        backend.answer(task.key, truth[task.sample])
    flows.run(root)
    assert snapshots.read(campaign.root).state is State.OPEN  # before its deadline
    age(campaign, 25)
    flows.run(root)
    snapshot = snapshots.read(campaign.root)
    assert snapshot.state is State.OPEN  # seven of ten are no quorum
    told = {n.key: n.body for n in notices.due(snapshot, replace(DONE, skipped=0))}
    lines = (
        "7 of 10 tasks done; 75% were wanted after 24 hours",
        "it is closed as soon as so many are done. Or end it with",
    )
    assert [line for line in lines if line not in told["deadline 000"]] == []
    backend.answer(tasks[8].key, truth[tasks[8].sample])
    flows.run(root)
    assert snapshots.read(campaign.root).number == 1
    assert read_json(campaign.round(0) / "ending.json")["how"] == "deadline"
    metrics = read_json(campaign.round(0) / "metrics.json")
    expected = {"ended": "deadline", "returned": 1, "accepted": 3, "tasks": 10, "undone": 2}
    assert {name: metrics[name] for name in expected} == expected  # one undone of the hold-out
    said = "closed by its deadline, with 2 of 10 tasks undone"
    assert f"round 0 was {said}" in capsys.readouterr().out
    notice = notices.closed(snapshots.read(campaign.root))
    assert f"{said.capitalize()}." in notice.body.splitlines()
    assert tasks[0].sample not in read_all_labels(campaign)
    assert backend.withdrawn == {tasks[0].key, tasks[9].key}  # the last is of the hold-out


@pytest.mark.usefixtures("opened")
def test_without_a_deadline_nothing_is_late(campaign) -> None:
    age(campaign, 10_000)
    snapshot = snapshots.read(campaign.root)
    assert not deadline.passed(snapshot)
    assert [n.key for n in notices.due(snapshot, DONE)] == ["open 000"]


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.05, ["0.05 hours."]), (1, ["1 hour."]), (24.0, ["24 hours."]), (1e300, [])],
)
@pytest.mark.usefixtures("opened")
def test_a_deadline_takes_fractions_of_an_hour(campaign, hours, said) -> None:
    set_params(campaign.root, close={"deadline_hours": hours})
    age(campaign, 0.04)
    assert not deadline.passed(snapshots.read(campaign.root))
    age(campaign, 25)
    snapshot = snapshots.read(campaign.root)
    due = notices.due(snapshot, replace(DONE, skipped=0))
    late = [notice.body.splitlines()[0] for notice in due if notice.key == "deadline 000"]
    assert [line.partition("after ")[2] for line in late] == said


def test_an_early_close_says_how_much_was_undone() -> None:
    early = metrics(ended="incomplete", tasks=9, undone=4)
    said = "closed before it was complete, with 4 of 9 tasks undone"
    assert deadline.summary_line(early) == said
    assert deadline.summary_line(replace(early, ended="complete")) == ""


@pytest.mark.parametrize(("share", "enough"), [(0.8, True), (0.81, False), (0.0, True)])
def test_a_quorum_counts_answers_and_skips(campaign, share, enough) -> None:
    set_params(campaign.root, close={"quorum": share})
    assert deadline.quorum(snapshots.read(campaign.root), DONE) is enough
