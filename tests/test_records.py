"""Records of rounds: what is written is read, and what is odd is named."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from made_records import AT, answer, metrics, people, plan, pushed, selection

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records import record_files
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.cohorts_record import Cohort, CohortsRecord, Source
from labelcycle.campaign.records.correction_record import Correction, DecidedCorrection
from labelcycle.campaign.records.drift_record import Drift
from labelcycle.campaign.records.ending_record import Ending
from labelcycle.campaign.records.identity_record import Identity
from labelcycle.campaign.records.journal_record import AlteredTask, SeenTask, read_journal
from labelcycle.campaign.records.lease_record import Holder, Lease
from labelcycle.campaign.records.metrics_record import (
    ClassFigures,
    CohortFigures,
    CorrectionFigures,
    Evaluation,
    Metrics,
    WaitingChanges,
)
from labelcycle.campaign.records.people_record import GoldAnswers, GoldFigures, Reliability
from labelcycle.campaign.records.plan_record import Plan
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import Pushed, PushedTask
from labelcycle.campaign.records.read_back_record import ReadBack
from labelcycle.campaign.records.record_files import Record, read_lines, write_lines
from labelcycle.campaign.records.rollback_record import Rollback, RoundsApart
from labelcycle.campaign.records.round_records import Memory, RoundRecords
from labelcycle.campaign.records.selection_record import RoundSelection
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.core.digests import digest
from labelcycle.core.metrics import Estimate
from labelcycle.core.skip_reasons import Skip
from labelcycle.errors import DataError

SHARE = Estimate(0.5, 0.25, 0.75)
ANSWER = answer("k/000/s", 1, "ann", "dark", raw={"any": [1, {"thing": None}]}, editor=None)
SKIPPED = answer("k/000/s", 2, "bob", Skip("none of these"), lead_time_s=None)
TASK = PushedTask("k/000/s", "s", 0, 7, "gold", 2, "dark", True, {"image": "/x.png"})
RECORDS: tuple[Record, ...] = (
    plan(files={"data/features.npz": "abc"}),
    selection("st", stood_in="typiclust", options={"k": [1, 2]}),
    pushed([TASK], model="round-000"),
    Ending(how="deadline", reason="", abandon=False, at=AT),
    ANSWER,
    SKIPPED,
    Correction(0, "k/000/s", 1, "edited", ANSWER, SKIPPED, "mallory", "waits", misled=True),
    Correction(0, "k/000/s", None, "task deleted"),
    DecidedCorrection("abcd", "accept", AT, 0, "k/000/s", 1, "edited", "mallory", "ann"),
    SeenTask(7, "k/000/s", "2", (ANSWER, SKIPPED)),
    AlteredTask("k/000/s", ("image",), AT),
    Identity("0123456789ab"),
    Drift(0.001, True),
    ReadBack({"cache": {"0f": AT}}, {"remote": ("0f12",)}),
    PoolRecord({"000": "a", "001": "b"}, {"000": "a"}),
    WithdrawnRecord((Tombstone("s", "p", AT, "why", "pool", 0, 1, True),), {"a": "b", "c": ""}),
    CohortsRecord((Source("../in"),), (Cohort(0, AT, ("../in",), 3, 1),)),
    Evaluation(labels=0, reason="nothing was measured"),
    metrics(
        accuracy=SHARE,
        per_class={"dark": ClassFigures(None, 1, 0.5, 3)},
        confusion=((1, 0), (2, 3)),
        cohorts={"000": CohortFigures(3, SHARE), "001": CohortFigures(0, None)},
        corrections=CorrectionFigures(
            1, 0, 0, 0, 1, {"ann": 1}, (WaitingChanges("a", "b", "c", 1),)
        ),
        people=people(
            gold=GoldFigures(("ann",), {"ann": GoldAnswers(5, 0, SHARE, None)}),
            annotators={"ann": Reliability(1, 0, None, SHARE, {"dark": None, "light": SHARE})},
        ),
    ),
)


def as_json(record: Record) -> dict[str, Any]:
    """What is in its file."""
    value: dict[str, Any] = json.loads(json.dumps(record.to_json()))
    return value


def kind(record: Record) -> str:
    return type(record).__name__


@pytest.mark.parametrize("record", RECORDS, ids=kind)
def test_what_is_written_is_read(record: Record, tmp_path: Path) -> None:
    record.write(tmp_path / "record.json")
    assert type(record).read(tmp_path / "record.json") == record
    write_lines(tmp_path / "records.jsonl", [record, record])
    assert read_lines(type(record), tmp_path / "records.jsonl") == [record, record]


@pytest.mark.parametrize("record", RECORDS, ids=kind)
def test_a_field_that_is_missing_is_named(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    whole = as_json(record)
    for name in whole:
        path.write_text(json.dumps({key: whole[key] for key in whole if key != name}))
        with pytest.raises(DataError, match=rf"^{path}: {name}: wanted .*, got none; .*restore"):
            type(record).read(path)


def changed(value: Any, names: list[str], new: Any) -> Any:
    """A JSON value with another one at a path in it."""
    if not names:
        return new
    name, *rest = names
    if isinstance(value, list):
        entries = list(value)
        entries[int(name)] = changed(entries[int(name)], rest, new)
        return entries
    return {**value, name: changed(value.get(name), rest, new)}


@pytest.mark.parametrize(
    ("record", "field", "value", "told"),
    [
        (plan(), "budget", "4", 'budget: wanted a whole number, got "4"'),
        (plan(), "budget", True, "budget: wanted a whole number, got true"),
        (plan(), "budget", 4.5, "budget: wanted a whole number, got 4.5"),
        (plan(), "strategy", None, "strategy: wanted a text, got null"),
        (plan(), "classes", "dark", 'classes: wanted a list, got "dark"'),
        (plan(), "classes.1", 2, "classes.1: wanted a text, got 2"),
        (plan(), "files", [], "files: wanted an object, got []"),
        (plan(), "digests.pool", 1, "digests.pool: wanted a text, got 1"),
        (plan(), "digests.params_", "", 'digests.params_: wanted no such field, got ""'),
        (plan(), "owner", "me", 'owner: wanted no such field, got "me"'),
        (selection("s"), "samples.0.score", "1", 'samples.0.score: wanted a number, got "1"'),
        (pushed([TASK]), "tasks.0.shown", 1, "tasks.0.shown: wanted true or false, got 1"),
        (
            pushed([TASK]),
            "tasks.0.kind",
            "silver",
            "tasks.0.kind: wanted one of 'selected', 'holdout', 'gold', 'adjudication',"
            ' got "silver"',
        ),
        (pushed([TASK]), "tasks.0", 7, "tasks.0: wanted an object, got 7"),
        (pushed([TASK]), "tasks.0.display.image", 7, "tasks.0.display.image: wanted a text, got 7"),
        (SKIPPED, "editor", 3, "editor: wanted a text, got 3"),
        (ANSWER, "raw", "x" * 100, f'raw: wanted an object, got "{"x" * 59}...'),
        (metrics(accuracy=SHARE), "accuracy.low", "0", 'accuracy.low: wanted a number, got "0"'),
        (metrics(), "people.cost.all.answers", {}, "people.cost.all.answers: wanted a whole numbe"),
        (metrics(), "version", 1, "version: wanted 2, got 1; another version of labelcycle"),
        (metrics(), "version", "2", 'version: wanted 2, got "2"'),
    ],
)
def test_an_odd_field_is_named_with_what_was_wanted_and_what_came(
    record: Record, field: str, value: object, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(changed(as_json(record), field.split("."), value)))
    with pytest.raises(DataError) as failed:
        type(record).read(path)
    assert str(failed.value).startswith(f"{path}: {told}")
    assert "restore it with" in str(failed.value)


def test_a_field_of_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    whole = as_json(pushed([TASK]))
    del whole["tasks"][0]["rank"]
    with pytest.raises(DataError, match=r"^pushed: tasks\.0\.rank: wanted this field, got none;"):
        type(pushed()).from_json(whole, "pushed")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"version": 1', r"wanted JSON, got "),
        ("[1]", r"wanted an object, got \[1\]"),
        (json.dumps({**ANSWER.to_json(), "key": 5}), r"key: wanted a text, got 5"),
        ("", r"wanted JSON, got "),
    ],
)
def test_a_line_that_is_no_record_is_named(line: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "annotations.jsonl"
    good = json.dumps(ANSWER.to_json())
    path.write_text(f"{good}\n{line}\n{good}\n")
    with pytest.raises(DataError, match=rf"^{path}, line 2: {told}.*; restore it with"):
        read_lines(Answer, path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"answers\.jsonl is missing; wanted one JSON object"):
        read_lines(Answer, tmp_path / "answers.jsonl")
    with pytest.raises(DataError, match=r"plan\.json is missing"):
        RoundRecords(Campaign(tmp_path), Memory()).plan(3)


def test_the_journal_leaves_out_half_a_line_and_names_an_odd_one(tmp_path: Path) -> None:
    path = tmp_path / "000.jsonl"
    seen, altered = SeenTask(7, "k", "1", (ANSWER,)), AlteredTask("k", ("image",), AT)
    lines = [json.dumps(record.to_json()) for record in (seen, altered, seen)]
    path.write_text(f"{lines[0]}\n{lines[1]}\n{lines[2][:20]}\n{lines[2]}\n")
    assert list(read_journal(path)) == [seen, altered, seen]
    path.write_text(f'{lines[0]}\n{{"version": 7, "altered": []}}\n')
    with pytest.raises(DataError, match=rf"^{path}, line 2: version: wanted 1, got 7"):
        list(read_journal(path))


# --- versions ------------------------------------------------------------------------------


def shape(hint: Any) -> str:
    """All names and types of a record, and of what is in it."""
    text = str(hint)
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        fields = [f for f in dataclasses.fields(hint) if "sparse" not in f.metadata]
        names = [field.name for field in fields]  # older files lack a sparse one, and are read
        text += "".join(f"\n{name} {shape(hints[name])}" for name in names)
    return text + "".join(shape(part) for part in get_args(hint))


SHAPES = {
    Drift: (1, "e8f6e78658462d73"),
    ReadBack: (1, "5eb654b373c50be2"),
    Identity: (1, "4d95958c3f302826"),
    CohortsRecord: (1, "cdf40cec245bce87"),
    Lease: (1, "afd15919fe524f63"),
    Holder: (1, "f11294d30cb2ebfa"),
    Rollback: (1, "113b68758129af58"),
    RoundsApart: (1, "f2ed0828c68b7846"),
    PoolRecord: (1, "267fda48dba6c954"),
    WithdrawnRecord: (1, "8e7e54b46ffbc2e9"),
    Plan: (2, "e80df41524fe7a16"),
    RoundSelection: (1, "210fd09a83b2d4b5"),
    Pushed: (1, "96fb8dd295dec783"),
    Ending: (1, "c54de0a2ddcbead9"),
    Answer: (1, "763d5c0e5920c49f"),
    Correction: (1, "cc9d1071c08bd14f"),
    DecidedCorrection: (1, "0ee1d48da60d85f7"),
    SeenTask: (1, "d3884776505e8446"),
    AlteredTask: (1, "b51b93a5ded2f15e"),
    Evaluation: (2, "d96fe68efa1ecd5f"),
    Metrics: (2, "3e9c8bcc18b43c66"),
}
"""Version and digest of the shape of each kind of record."""


@pytest.mark.parametrize("kind", SHAPES)
def test_another_shape_is_another_version(kind: type[Record]) -> None:
    """Files of closed rounds stay: who changes a field raises the version of its record."""
    assert (kind.version, digest(shape(kind).encode())) == SHAPES[kind]


def test_a_sparse_field_is_left_out_where_it_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    plain = Evaluation(labels=3)
    plain.write(path)
    assert not {"interval", "groups"} & json.loads(path.read_text()).keys()
    assert Evaluation.read(path) == plain
    grouped = Evaluation(labels=3, interval="groups", groups=4)
    grouped.write(path)
    assert json.loads(path.read_text())["groups"] == 4
    assert Evaluation.read(path) == grouped


def test_every_kind_of_record_has_its_shape_here() -> None:
    kinds = {Record, *Record.__subclasses__(), *Evaluation.__subclasses__()} - {Record}
    of_rounds = {kind for kind in kinds if ".records." in kind.__module__}
    assert of_rounds == SHAPES.keys()


# --- each file once ------------------------------------------------------------------------


@pytest.fixture
def read_paths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose lines are read."""
    paths: list[str] = []
    lines: Callable[[Path], Any] = record_files.json_lines
    monkeypatch.setattr(
        record_files, "json_lines", lambda path: paths.append(path.name) or lines(path)
    )
    return paths


def test_a_file_is_read_once_until_another_takes_its_place(
    tmp_path: Path, read_paths: list[str]
) -> None:
    campaign, memory = Campaign(tmp_path), Memory()
    path = campaign.round(0) / "annotations.jsonl"
    write_lines(path, [ANSWER])
    for _ in range(3):
        assert RoundRecords(campaign, memory).answers(0) == [ANSWER]
    assert read_paths == ["annotations.jsonl"]
    write_lines(path, [SKIPPED])
    assert RoundRecords(campaign, memory).answers(0) == [SKIPPED]
    assert RoundRecords(campaign, Memory()).answers(0) == [SKIPPED]
    assert len(read_paths) == 3
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        RoundRecords(campaign, memory).answers(0)
