"""Answers of closed rounds that people change later: found, counted, told once; files as closed."""

import json

import pytest
import yaml
from fakes import FakeBackend

from labelcycle.cycle import answers, closing, report, revising, standing
from labelcycle.errors import ServiceDown
from labelcycle.rounds import State
from labelcycle.store import Campaign, read_all_labels, read_json, read_jsonl, read_labels

OTHER = {"dark": "light", "light": "dark"}
NOTHING = {"edited": 0, "added": 0, "deleted": 0, "tasks": 0, "labels": 0}


class Played:
    """A campaign whose round 0 is closed, and what happens to it next."""

    def __init__(self, campaign: Campaign, flows, backend: FakeBackend, truth) -> None:
        self.campaign, self.flows, self.backend, self.truth = campaign, flows, backend, truth
        settings = yaml.safe_load(campaign.params.read_text())
        settings["push"]["adjudicate"] = 0
        campaign.params.write_text(yaml.safe_dump(settings))
        flows.run(str(campaign.root))
        self.sample = {key: task.sample for key, task in backend.tasks.items()}
        self.right = {key: truth[sample] for key, sample in self.sample.items()}
        self.wrong = {key: OTHER[name] for key, name in self.right.items()}
        kinds = {key: task.kind for key, task in backend.tasks.items()}
        self.own = sorted(key for key, kind in kinds.items() if kind == "selected")
        self.held = sorted(key for key, kind in kinds.items() if kind == "holdout")
        backend.answer(self.own[3], self.wrong[self.own[3]], annotator="bob")  # a tie
        self.close()

    def close(self) -> dict[str, int]:
        """Answer the tasks of the open round alone, and close it; what it says of corrections."""
        number = standing.read(self.campaign.root).number
        for key, task in sorted(self.backend.tasks.items()):
            if task.round == number:
                self.backend.answer(key, self.truth[task.sample])
        self.flows.run(str(self.campaign.root))
        return read_json(self.campaign.round(number) / "metrics.json")["corrections"]

    def open(self) -> None:
        self.flows.open_now(str(self.campaign.root))

    def found(self, number: int) -> list[tuple[str, str, object, object]]:
        """Of each correction: what, key, and the classes said before and after."""
        records = read_jsonl(self.campaign.round(number) / "corrections.jsonl")
        return [
            (
                c["what"],
                c["key"],
                *(c[side] and c[side]["labels"][0] for side in ("before", "after")),
            )
            for c in records
        ]

    def files(self, number: int) -> dict[str, bytes]:
        paths = [*self.campaign.round(number).iterdir(), self.campaign.label_file(number)]
        return {path.name: path.read_bytes() for path in paths}


@pytest.fixture
def played(campaign: Campaign, flows, backend: FakeBackend, truth) -> Played:
    return Played(campaign, flows, backend, truth)


def test_changes_after_the_close_come_into_the_next_round_and_are_told_once(played, capsys) -> None:
    campaign, backend, right, wrong = played.campaign, played.backend, played.right, played.wrong
    edited, deleted, housekept, tied = played.own
    false, withdrawn, confirmed = played.held[:3]
    closed, before = played.files(0), read_all_labels(campaign)
    assert (before[played.sample[tied]].label, played.found(0)) == (None, [])
    for key in (edited, false):
        backend.edit(key, wrong[key])
    for key in (deleted, withdrawn):
        backend.delete_answers(key)
    backend.delete_task(housekept)
    for key in (tied, confirmed):
        backend.answer(key, right[key], annotator="cy")
    played.open()
    assert read_all_labels(campaign) == before
    capsys.readouterr()
    counts = played.close()
    assert counts == {"edited": 2, "added": 2, "deleted": 2, "tasks": 1, "labels": 5}
    told = "corrections of closed rounds: edited 2, added 2, deleted 2, tasks deleted 1"
    assert f"{told}; labels changed 5" in capsys.readouterr().out
    assert sorted(played.found(1)) == sorted(
        [
            *(("edited", key, right[key], wrong[key]) for key in (edited, false)),
            *(("deleted", key, right[key], None) for key in (deleted, withdrawn)),
            *(("added", key, None, right[key]) for key in (tied, confirmed)),
            ("task deleted", housekept, None, None),
        ]
    )
    assert played.files(0) == closed
    status = report.status(standing.ready(campaign.root))
    assert told in report.as_text(status)
    json.dumps(status)

    written = {x.sample: x for x in read_labels(campaign.label_file(1)) if "corr" in x.source}
    assert {name: (x.label, x.reason) for name, x in written.items()} == {
        played.sample[edited]: (wrong[edited], None),
        played.sample[deleted]: (None, revising.WITHDRAWN),
        played.sample[tied]: (right[tied], None),
    }
    assert {x.source for x in written.values()} == {"round 1, correction of round 0"}
    assert written[played.sample[tied]].votes == {"dark": 1, "light": 1} | {right[tied]: 2}
    holdout = {x.sample: (x.label, x.reason) for x in read_labels(campaign.holdout)}
    assert holdout[played.sample[false]] == (wrong[false], None)
    assert holdout[played.sample[withdrawn]] == (None, revising.WITHDRAWN)
    assert holdout[played.sample[confirmed]] == (right[confirmed], None)
    now = read_all_labels(campaign)
    assert now[played.sample[housekept]] == before[played.sample[housekept]]
    metrics = read_json(campaign.round(1) / "metrics.json")
    assert metrics["labels"] == sum(x.label is not None for x in now.values()) == 7
    assert (metrics["accepted"], metrics["rejected"], metrics["returned"]) == (4, 0, 0)
    strategies = metrics["people"]["cost"]["by_strategy"]
    assert {name: cost["answers"] for name, cost in strategies.items()} == {
        "typiclust": 5, "holdout": 1,
    }  # fmt: skip

    played.open()  # the third round finds nothing again, and asks nobody anew
    asked = {task.sample for task in backend.tasks.values() if task.round == 2}
    assert not asked & now.keys()
    assert played.close() == NOTHING
    assert played.found(2) == []
    assert told not in report.as_text(report.status(standing.ready(campaign.root)))
    assert "round 1, correction" in read_all_labels(campaign)[played.sample[deleted]].source


def test_a_correction_can_be_corrected_and_a_withdrawn_answer_given_anew(played) -> None:
    edited, deleted = played.own[:2]
    right, wrong = played.right, played.wrong
    played.open()
    played.backend.edit(edited, wrong[edited])
    played.backend.delete_answers(deleted)
    played.close()
    played.open()
    played.backend.edit(edited, right[edited])
    played.backend.answer(deleted, wrong[deleted])  # its task was open again
    assert played.close() == NOTHING | {"edited": 1, "added": 1, "labels": 2}
    assert sorted(played.found(2)) == sorted(
        [("edited", edited, wrong[edited], right[edited]), ("added", deleted, None, wrong[deleted])]
    )
    now = read_all_labels(played.campaign)
    assert now[played.sample[edited]].label == right[edited]
    assert now[played.sample[deleted]].label == wrong[deleted]
    replies = answers.read(standing.read(played.campaign.root))
    names = [(reply.key, reply.annotation) for reply in replies]
    assert len(names) == len(set(names)) == len(played.backend.answers)


def test_an_edit_that_changes_no_verdict_is_told_and_changes_no_label(played) -> None:
    tied = played.own[3]
    before = played.campaign.label_file(0).read_bytes()
    played.backend.answer(played.own[0], played.right[played.own[0]], annotator="cy")
    played.backend.edit(tied, played.right[tied], annotator="bob")
    played.backend.edit(tied, played.wrong[tied], annotator="ann")  # they changed places
    played.open()
    assert played.close() == NOTHING | {"edited": 2, "added": 1}
    assert {x.source for x in read_labels(played.campaign.label_file(1))} == {"round 1"}
    assert played.campaign.label_file(0).read_bytes() == before


def test_a_pull_that_was_killed_reads_the_changes_anew(played, monkeypatch) -> None:
    class Killed(BaseException):
        pass

    write, key = closing.write_jsonl, played.own[0]

    def dying(path, records) -> None:
        if path.name == "annotations.jsonl":
            raise Killed
        write(path, records)

    played.open()
    played.backend.delete_task(key)
    with monkeypatch.context() as patch, pytest.raises(Killed, match=""):
        patch.setattr(closing, "write_jsonl", dying)
        played.close()
    assert [what for what, *_ in played.found(1)] == ["task deleted"]
    now = standing.read(played.campaign.root)
    assert now.state is State.OPEN
    assert len(answers.read(now)) == 11  # nothing of the killed pull counts
    played.backend.edit(played.own[1], played.wrong[played.own[1]])
    played.flows.run(str(played.campaign.root))
    assert [what for what, *_ in played.found(1)] == ["task deleted", "edited"]


def test_rounds_of_earlier_versions_have_no_such_file(played) -> None:
    (played.campaign.round(0) / "corrections.jsonl").unlink()
    now = standing.read(played.campaign.root)
    assert len(answers.read(now)) == 11
    assert revising.told(None) == ""
    played.backend.down = True
    with pytest.raises(ServiceDown, match="does not answer"):
        played.open()
