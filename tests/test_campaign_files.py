"""Where each file of a campaign is, and every error about one in its whole text."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raised import told

from labelcycle.campaign import (
    atomic_files,
    json_files,
    label_csv,
    label_files,
    labels,
    numpy_files,
    params_file,
    round_states,
    sample_files,
)
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_csv import ImportReport, Rejected
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.round_records import Memory, RoundRecords
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample
from labelcycle.campaign.sample_lookup import Finder
from labelcycle.errors import DataError, SettingsError, StateError

RESTORE = "restore it with `git checkout` or `dvc checkout`"


def test_where_the_files_are(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    places = {
        name: path.relative_to(tmp_path).as_posix()
        for name, path in vars(campaign).items()
        if name != "root"
    }
    assert places == {
        "params": "params.yaml",
        "dvc_yaml": "dvc.yaml",
        "code": "code.json",
        "schema": "schema.json",
        "again": "again.json",
        "identity": "campaign.json",
        "data": "data",
        "images": "data/images",
        "samples": "data/samples",
        "cohorts": "data/cohorts.json",
        "pool": "data/pool.json",
        "quarantine": "data/quarantine.jsonl",
        "withdrawn": "data/withdrawn.json",
        "labels": "data/labels",
        "labels_apart": "data/labels/apart.json",
        "holdout": "data/holdout.jsonl",
        "rounds": "rounds",
        "decisions": "rounds/decisions.jsonl",
        "rollbacks": "rounds/rollbacks.jsonl",
        "work": "work",
        "encoder": "work/encoder",
        "features": "work/features",
        "model": "work/model",
        "probabilities": "work/model/probabilities.npy",
        "own_features": "work/own.npy",
        "clusters": "work/clusters.npz",
        "selection": "work/selection.json",
        "metrics": "work/metrics.json",
        "figures": "work/figures",
        "private": ".labelcycle",
        "lock": ".labelcycle/campaign.lock",
        "lease": ".labelcycle/lease.json",
        "stage_lock": ".labelcycle/stage.lock",
        "services": ".labelcycle/services.json",
        "services_lock": ".labelcycle/services.lock",
        "notices": ".labelcycle/notices.json",
        "trusted": ".labelcycle/trusted.json",
        "checked_options": ".labelcycle/options.json",
        "curves": ".labelcycle/curves.json",
        "demo_mark": ".labelcycle/demo",
        "answers": ".labelcycle/answers",
        "tasks": ".labelcycle/annotation.sqlite3",
        "media": ".labelcycle/media",
        "checkpoints": ".labelcycle/checkpoints",
        "processes": ".labelcycle/processes",
        "fetched": ".labelcycle/fetched",
        "seen": ".labelcycle/seen.json",
        "unusual": ".labelcycle/unusual",
        "label_studio": ".labelcycle/label-studio",
        "mlflow": ".labelcycle/mlflow",
        "prefect": ".labelcycle/prefect",
        "read_back": ".labelcycle/read-back.json",
        "damaged": ".labelcycle/damaged",
    }
    assert campaign.round(7) == tmp_path / "rounds" / "007"
    assert campaign.label_file(7) == tmp_path / "data" / "labels" / "007.jsonl"
    assert campaign.label_file("owned").name == "owned.jsonl"


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    assert told(DataError, lambda: read_json(file)) == f"{file} is missing; wanted a JSON file"
    text = told(DataError, lambda: list(json_files.read_jsonl(file)))
    assert text == f"{file} is missing; wanted one JSON object a line; {RESTORE}"
    file.write_text("{}\nx\n")
    text = told(DataError, lambda: list(json_files.read_jsonl(file)))
    assert text == (
        f"{file}, line 2: wanted JSON, got Expecting value: line 1 column 1 (char 0); {RESTORE}"
    )
    file.write_text("{}\n[3]\n")
    text = told(DataError, lambda: list(json_files.read_jsonl(file)))
    assert text == f"{file}, line 2: wanted an object, got '[3]'; {RESTORE}"
    file.write_text('"Bär"\n', encoding="utf-8")
    text = told(DataError, lambda: list(json_files.read_jsonl(file)))
    assert text == f"{file}, line 1: wanted an object, got '\"Bär\"'; {RESTORE}"
    file.write_text("x")
    text = told(DataError, lambda: read_json(file))
    assert text == (
        f"{file} is not JSON: Expecting value: line 1 column 1 (char 0); restore it with git"
    )
    file = tmp_path / "001.jsonl"
    for record in (
        '{"id": "0", "file": "0.png"}',
        '{"id": "a", "file": "0123456789abcdef.png"}',
        '{"id": "0123456789abcdef", "file": "000/0123456789abcdef.png"}',
    ):
        file.write_text(f"{record}\n")
        values = (record.split('"')[3], record.split('"')[7])
        assert told(DataError, lambda: sample_files.read_manifest(file)) == (
            f"{file}, line 1: wanted an id of 16 hex digits and a file of that name, got"
            f" {values[0]!r} and {values[1]!r}; {RESTORE}"
        )


def test_arrays_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    for read, what in ((numpy_files.read_array, "an array"), (numpy_files.read_arrays, "arrays")):
        text = told(DataError, lambda read=read: read(file))
        assert text.startswith(f"cannot read {file}: wanted {what}, got [Errno 2] No such file")
        assert text.endswith("; run `labelcycle run`")
    numpy_files.write_arrays(file, a=np.arange(3), b=np.eye(2)[::-1])
    found = numpy_files.read_arrays(file)
    assert (found["a"].tolist(), found["b"].tolist()) == ([0, 1, 2], [[0, 1], [1, 0]])


def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below"
    assert told(DataError, lambda: atomic_files.write_bytes(place, b"abc")) == (
        f"cannot write {place}: wanted 3 bytes on disk, got File exists; free some space or mend"
        " the folder, then run the same command again"
    )
    atomic_files.write_bytes(tmp_path / "own", b"x", mode=0o600)
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o600


def test_a_disk_that_takes_no_more_lines(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    places = {tmp_path / "file" / "a": "File exists", tmp_path / "folder": "Is a directory"}
    for place, reason in places.items():
        assert told(DataError, lambda place=place: json_files.append_jsonl(place, [{"a": 1}])) == (
            f"cannot write {place}: wanted 9 bytes more, got {reason}; free some space or mend the"
            " folder, then run the same command again"
        )
        json_files.append_jsonl(place, [])  # nothing is to be written


def test_a_json_text_is_canonical(tmp_path: Path) -> None:
    assert json_files.dump_json({"b": ["ä"], "a": 1}) == '{\n  "a": 1,\n  "b": [\n    "ä"\n  ]\n}\n'
    json_files.write_jsonl(tmp_path / "r", [{"b": "ä", "a": 1}, {}])
    assert (tmp_path / "r").read_text() == '{"a": 1, "b": "ä"}\n{}\n'
    for write in (
        lambda: json_files.dump_json(np.nan),
        lambda: json_files.write_jsonl(tmp_path, [{"a": np.nan}]),
    ):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write()


def sample(number: int, source: str, split: Any = "pool", **more: Any) -> Sample:
    name = f"{number:016x}"
    return Sample(name, f"{name}.png", source, split, 2, 3, **more)


def test_samples_are_read_as_they_were(tmp_path: Path) -> None:
    made = [
        sample(2, "b", "holdout", notes=("turned",), also=("c", "d")),
        sample(1, "a", values=("u16", 0.0, 9.0), group="g"),
    ]
    sample_files.write_samples(tmp_path / "s", made)
    assert sample_files.read_samples(tmp_path / "s") == made[::-1]
    assert sample_files.read_samples(tmp_path / "s", "holdout") == made[:1]
    assert made[1].ranges == {"u16": (0.0, 9.0)}
    assert made[0].ranges == {}


def of_cohort(number: int, cohort: int, split: Any = "pool") -> Sample:
    name = f"{number:016x}"
    return Sample(name, f"{cohort:03d}/{name}.png", str(number), split, 2, 3)


def test_the_samples_of_a_round_are_those_of_its_cohorts(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    made = [of_cohort(3, 0), of_cohort(1, 1, "holdout"), of_cohort(2, 1), of_cohort(0, 2)]
    sample_files.write_samples(folder, made)
    assert sorted(path.name for path in folder.iterdir()) == [
        "000.jsonl",
        "001.jsonl",
        "002.jsonl",
    ]
    in_order = sorted(made, key=lambda each: each.id)
    assert sample_files.read_samples(folder) == in_order  # no round was planned yet
    PoolRecord({"000": "", "001": ""}, {"000": ""}).write(tmp_path / "pool.json")
    assert [each.cohort for each in sample_files.read_samples(folder)] == [1, 1, 0]
    assert sample_files.read_samples(folder, "pool") == [made[2], made[0]]
    assert sample_files.read_samples(folder, which="encoder") == made[:1]
    assert sample_files.read_samples(folder, which="all") == in_order
    records = RoundRecords(Campaign(tmp_path), Memory())
    records.campaign.samples = folder
    for which in ("counting", "encoder", "all"):
        assert records.samples(None, which) == sample_files.read_samples(folder, None, which)


def test_a_cohort_whose_manifest_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"000\.jsonl is missing; wanted one JSON object a line"):
        sample_files.read_samples(tmp_path)
    sample_files.write_samples(tmp_path, [of_cohort(n, n) for n in range(3)])
    (tmp_path / "001.jsonl").unlink()
    with pytest.raises(DataError, match=r"001\.jsonl is missing; wanted the manifest of each"):
        sample_files.read_samples(tmp_path)


# --- labels from and to tables --------------------------------------------------------------


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = Campaign(tmp_path)
    some = [
        sample(1, "in/cat 1.png"),
        sample(2, "in/deep/x.png", also=("other/y.png",)),
        sample(3, "in/z.png", "holdout"),
        sample(4, "b/x.png"),
    ]
    sample_files.write_samples(made.samples, some)
    made.labels.mkdir()
    return made


CLASSES = ("cat", "dog")


def take(campaign: Campaign, text: str) -> ImportReport:
    file = campaign.root / "t.csv"
    file.write_text(text)
    return label_csv.import_labels(campaign, file, CLASSES)


def test_why_a_row_is_not_taken(campaign: Campaign) -> None:
    report = take(
        campaign,
        "sample,file,label\n"
        ",in/cat 1.png,cat\n"  # 2
        ",x.png,cat\n"  # 3
        ",in/z.png,cat\n"  # 4
        ",,cat\n"  # 5
        "77,,cat\n"  # 6
        ",in/deep/x.png,\n"  # 7
        ",in/deep/x.png,cta\n"  # 8
        ",in/deep/x.png,zebra\n"  # 9
        ",in/cat 2.png,cat\n"  # 10
        ",q/cat 1.png,cat\n"  # 11
        ",other/y.png,cat\n"  # 12
        ",in/deep/x.png,dog\n",  # 13
    )
    assert [str(each) for each in report.rejected] == [
        "line 3: 'x.png' is ambiguous: 'in/deep/x.png' or 'b/x.png'; give more of the path",
        "line 4: 'in/z.png' is in the hold-out, which is never trained on",
        "line 5: names no sample",
        "line 6: unknown sample '77'",
        "line 7: no label",
        "line 8: unknown class 'cta'; did you mean 'cat'?",
        "line 9: unknown class 'zebra'",
        "line 10: no sample was ingested from 'in/cat 2.png'",
        "line 11: no sample was ingested from 'q/cat 1.png'; did you mean 'in/cat 1.png'?",
        f"line 12: contradiction on sample {2:016x}: 'cat' in line 12 and 'dog' in line 13",
        f"line 13: contradiction on sample {2:016x}: 'cat' in line 12 and 'dog' in line 13",
    ]
    assert [each.kind for each in report.rejected] == [
        "have an ambiguous name",
        "name samples of the hold-out, which is never trained on",
        "name no sample",
        "name a sample that is not there",
        "have no label",
        "have a class that the campaign does not know",
        "have a class that the campaign does not know",
        "name a sample that is not there",
        "name a sample that is not there",
        "contradict each other",
        "contradict each other",
    ]
    assert (report.accepted, report.replaced, report.total) == (1, (), 1)
    assert label_files.read_labels(campaign.label_file("owned")) == [
        Label(f"{1:016x}", "cat", source="owned")
    ]


def test_a_later_word_replaces_an_owned_label(campaign: Campaign) -> None:
    take(campaign, "file,label\nin/cat 1.png,cat\nother/y.png,cat\n")
    report = take(campaign, "file,label\nin/cat 1.png,cat\nin/deep/x.png,dog\nb/x.png,dog\n")
    assert (report.accepted, report.total, report.rejected) == (3, 3, ())
    assert report.replaced == ("'in/deep/x.png' = 'other/y.png' was 'cat', is 'dog'",)
    assert list(report.summary_lines()) == [
        "1 of them had another label before: 'in/deep/x.png' = 'other/y.png' was 'cat', is 'dog'"
    ]


def test_rows_alike_are_told_in_one_line() -> None:
    many = tuple(Rejected(n, "have no label", "no label") for n in range(2, 6))
    few = tuple(Rejected(n, "name no sample", "names no sample") for n in range(7, 10))
    report = ImportReport(0, ("a", "b", "c", "d"), (*many, *few), 4)
    assert list(report.summary_lines()) == [
        "4 of them had another label before: a; b; c, ...",
        "4 rows have no label, as line 2: no label; line 3: no label; line 4: no label",
        "line 7: names no sample",
        "line 8: names no sample",
        "line 9: names no sample",
    ]


def test_tables_that_cannot_be_taken(campaign: Campaign, tmp_path: Path) -> None:
    file = campaign.root / "t.csv"
    assert told(DataError, lambda: take(campaign, "file,label\nno,cat\nno,dog\n")) == (
        f"{file}: none of 2 rows can be used; line 2: no sample was ingested from 'no'; wanted a"
        " label of cat, dog and a sample of the pool in each row"
    )
    assert told(DataError, lambda: take(campaign, "file,label\n")) == (
        f"{file} has no rows; wanted a label and a sample in each row below the header"
    )
    json_files.write_json(campaign.round(0) / "plan.json", {})
    assert told(StateError, lambda: take(campaign, "file,label\nb/x.png,cat\n")) == (
        "cannot import labels: wanted a campaign before round 0, got one with rounds, whose"
        " selections were made without these labels; make a new campaign with `labelcycle init`"
    )
    empty = Campaign(tmp_path / "empty")
    assert told(StateError, lambda: label_csv.export(empty)) == (
        f"{empty.samples} is missing: wanted a campaign with images; run"
        " `labelcycle ingest PATH...` first, or `dvc checkout` if that was done"
    )


def test_what_goes_out(campaign: Campaign) -> None:
    write_migrations(campaign, ())
    ids = [f"{n:016x}" for n in range(5)]
    label_files.write_labels(campaign.label_file("owned"), [Label(ids[1], "=cat", source="owned")])
    label_files.write_labels(
        campaign.label_file(0),
        [
            Label(ids[2], "dog", votes={"dog": 2, "cat": 1}, source="round 0, late"),
            Label(ids[4], None, reason="skipped", source="round 0"),
        ],
    )
    label_files.write_labels(campaign.holdout, [Label(ids[3], "cat", source="round 0")])
    head = "sample,split,file,source,label,round,status,reason,votes\n"
    one = f"{ids[1]},pool,{ids[1]}.png,in/cat 1.png,'=cat,owned,accepted,,{{}}\n"
    two = f'{ids[2]},pool,{ids[2]}.png,in/deep/x.png,dog,0,accepted,,"{{""cat"": 1, ""dog"": 2}}"\n'
    held = f"{ids[3]},holdout,{ids[3]}.png,in/z.png,cat,0,accepted,,{{}}\n"
    out = f"{ids[4]},pool,{ids[4]}.png,b/x.png,,0,rejected,skipped,{{}}\n"
    assert label_csv.export(campaign) == label_csv.Export(head + one + two, 2, 1)
    raw = label_csv.export(campaign, raw=True)
    assert (raw.text, raw.guarded) == (head + one.replace("'=", "=") + two, 0)
    whole = label_csv.export(campaign, holdout=True, rejected=True)
    assert (whole.text, whole.rows) == (head + one + two + held + out, 4)


def test_a_sample_is_found_by_what_people_call_it(campaign: Campaign) -> None:
    finder = Finder(campaign, sample_files.read_samples(campaign.samples))
    for name, number in (
        ("in/cat 1.png", 1),
        ("cat 1.png", 1),
        ("../../in/deep/x.png", 2),
        ("y.png", 2),
        ("C:\\in\\deep\\x.png", 2),
        ("/in/z.png", 3),
    ):
        found = finder.by_file(name)
        assert found is not None, name
        assert found.id == f"{number:016x}"
    assert finder.by_file("at 1.png") is None
    assert finder.like("q/z.png") == "; did you mean 'in/z.png'?"
    assert finder.like("q.png") == ""


# --- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value", "kind"),
    [
        ("no", False, "true or false"),
        ("3", 3, "a number"),
        ("1.5", 1.5, "a number"),
        ("2026-01-02", datetime.date(2026, 1, 2), "a date"),
        ("2026-01-02 03:04:05", datetime.datetime(2026, 1, 2, 3, 4, 5), "a time"),
        ("null", None, "nothing"),
        ("x", b"x", "something else than a text"),
    ],
)
def test_what_yaml_takes_a_text_for(written: str, value: object, kind: str) -> None:
    problem = {"type": "string_type", "input": value, "loc": ("campaign", "classes", 1)}
    text = f"campaign:\n  classes: [cat, {written}]\n"
    wanted = f"; YAML reads {written} without quotes as {kind}: write '{written}'"
    assert params_file.unquoted(text, problem) == wanted
    assert params_file.unquoted(None, problem) == ""
    assert params_file.unquoted(text, {**problem, "type": "int_type"}) == ""
    assert params_file.unquoted(text, {**problem, "input": [value]}) == ""
    assert params_file.unquoted(text, {**problem, "loc": ("campaign", "name")}) == ""


def test_classes_that_cannot_be_rewritten() -> None:
    for text in ("a: 1", "campaign: [x]", "campaign: {classes: cat}", "campaign: {classes: *x}"):
        assert told(SettingsError, lambda text=text: params_file.with_classes(text, CLASSES)) == (
            "params.yaml: campaign.classes cannot be rewritten there: wanted a plain list, as in"
            " `classes: [cat, dog]`; write the classes in this way and run the same command again"
        )
    assert (
        params_file.with_classes("campaign: {classes: [a, b], name: x} # c\n", ("no", "ä"))
        == "campaign: {classes: ['no', ä], name: x} # c\n"
    )


def test_a_broken_record_of_changes(campaign: Campaign) -> None:
    json_files.write_json(campaign.schema, {"migrations": [{"before": 3}]})
    text = told(DataError, lambda: labels.read_migrations(campaign))
    assert text.startswith(f"{campaign.schema} is no record of migrations (")
    assert text.endswith("); restore it with git")
    assert labels.removed_class("cat") == "class 'cat' was removed"


# --- rounds ---------------------------------------------------------------------------------

FILES = ["plan.json", "selection.json", "pushed.json"]


@pytest.mark.parametrize(
    ("files", "tags", "state"),
    [
        ([], [], "due"),
        (FILES[:1], [], "planned"),
        (FILES[:2], [], "selected"),
        (FILES, [], "pushed"),
        (FILES, ["open/003"], "open"),
        ([*FILES, "ending.json"], ["open/003"], "ending"),
        ([*FILES, "annotations.jsonl"], ["open/003"], "pulled"),
        ([*FILES, "annotations.jsonl", "labels"], ["open/003"], "labeled"),
        ([*FILES, "annotations.jsonl", "labels", "metrics.json"], ["open/003"], "measured"),
        (FILES, ["open/003", "round/003"], "closed"),
        (FILES, ["open/002", "round/002"], "pushed"),
    ],
)
def test_the_state_of_a_round(files: list[str], tags: list[str], state: str) -> None:
    assert round_states.state(3, files, tags) == state
    assert str(State(state)) == state


def test_the_round_at_work_and_tags_that_lack() -> None:
    tags = ["round/000", "round/001", "open/002"]
    assert round_states.current(tags) == 2
    assert round_states.current([]) == 0
    assert round_states.missing_tag(2, [], tags) is None
    assert round_states.missing_tag(1, [], ["round/000", "round/002"]) == "round/001"
    for name in ("annotations.jsonl", "labels", "metrics.json"):
        assert round_states.missing_tag(2, [name], ["round/001"]) == "open/002"
        assert round_states.missing_tag(2, [name], tags) is None
    assert round_states.missing_tag(2, ["pushed.json"], []) is None
    assert round_states.NEXT[State.OPEN] == "when the annotators are done, `labelcycle run`"
    assert round_states.NEXT[State.DUE] == "open it with `labelcycle open`"
    assert round_states.NEXT[State.PULLED] == "go on with `labelcycle run`"
