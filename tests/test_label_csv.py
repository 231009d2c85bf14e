import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from labelcycle.campaign import label_csv, label_files
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample, read_samples, write_samples
from labelcycle.errors import DataError, StateError
from labelcycle.ingest import ingest_images, sources

CLASSES = ("cat", "dog", "great ape")
SOURCES = {
    "../in/a.png": "aaaaaaaaaaaaaaa1",
    "../in/b.png": "bbbbbbbbbbbbbbb1",
    "../in/sub/b.png": "bbbbbbbbbbbbbbb2",
    "../in/held.png": "ccccccccccccccc1",
    "../in/x, y.png": "ddddddddddddddd1",
    unicodedata.normalize("NFD", "../in/é.png"): "eeeeeeeeeeeeeee1",
    "../in/.hidden.png": "fffffffffffffff1",
}
A, B1, B2, HELD, COMMA, ACCENT, HIDDEN = SOURCES.values()

Write = Callable[[str], Path]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    campaign = Campaign(tmp_path / "campaign")
    write_migrations(campaign, ())
    samples = [
        Sample(key, f"{key}.png", source, "holdout" if key == HELD else "pool", 4, 3)
        for source, key in SOURCES.items()
    ]
    write_samples(campaign.samples, samples)
    return campaign


@pytest.fixture
def table(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
        return tmp_path / "labels.csv"

    return write


def labels(campaign: Campaign) -> dict[str, str | None]:
    return {x.sample: x.label for x in label_files.read_labels(campaign.label_file(OWNED))}


def test_labels_come_in_by_id(campaign: Campaign, table: Write) -> None:
    report = label_csv.import_labels(campaign, table(f"sample,label\n{A},cat\n{B1},dog\n"), CLASSES)
    assert report == label_csv.ImportReport(2, (), (), 2)
    assert label_files.read_labels(campaign.label_file(OWNED)) == [
        Label(A, "cat", None, {}, "owned"),
        Label(B1, "dog", None, {}, "owned"),
    ]


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("../in/a.png", A),
        ("in/a.png", A),
        ("a.png", A),
        ("./a.png", A),
        ("sub/b.png", B2),
        ("in/b.png", B1),
        ("../in/b.png", B1),
        ('"x, y.png"', COMMA),
        (unicodedata.normalize("NFC", "é.png"), ACCENT),
        (unicodedata.normalize("NFD", "é.png"), ACCENT),
        (".hidden.png", HIDDEN),
    ],
)
def test_labels_come_in_by_path_or_its_end(
    campaign: Campaign, table: Write, name: str, sample: str
) -> None:
    label_csv.import_labels(campaign, table(f"file,label\n{name},cat\n"), CLASSES)
    assert labels(campaign) == {sample: "cat"}


def test_the_whole_path_on_this_computer_is_known(campaign: Campaign, table: Write) -> None:
    path = campaign.root.parent / "in" / "a.png"
    label_csv.import_labels(campaign, table(f"file,label\n{path},cat\n"), CLASSES)
    assert labels(campaign) == {A: "cat"}


def test_of_two_names_that_differ_in_accents_alone_the_exact_one_is_meant(
    campaign: Campaign, table: Write
) -> None:
    twin = Sample(
        "9" * 16, f"{'9' * 16}.png", unicodedata.normalize("NFC", "../in/é.png"), "pool", 1, 1
    )
    write_samples(campaign.samples, [*read_samples(campaign.samples), twin])
    name = unicodedata.normalize("NFC", "é.png")
    label_csv.import_labels(campaign, table(f"file,label\n{name},cat\n"), CLASSES)
    assert labels(campaign) == {"9" * 16: "cat"}


def test_a_whole_source_is_not_taken_for_the_end_of_another(
    campaign: Campaign, table: Write
) -> None:
    twins = {"b.png": "1" * 16, "sub/b.png": "2" * 16}
    write_samples(
        campaign.samples,
        [Sample(key, f"{key}.png", source, "pool", 1, 1) for source, key in twins.items()],
    )
    label_csv.import_labels(campaign, table("file,label\nb.png,cat\n"), CLASSES)
    assert labels(campaign) == {"1" * 16: "cat"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",cat", "names no sample"),
        ("nowhere.png,cat", "no sample was ingested from 'nowhere.png'"),
        ("ng.png,cat", "no sample was ingested from 'ng.png'"),
        ("other/a.png,cat", "no sample was ingested from 'other/a.png'"),
        ("b.png,cat", "'b.png' is ambiguous: '../in/b.png' or '../in/sub/b.png'; give more"),
        ("held.png,cat", "'../in/held.png' is in the hold-out, which is never trained on"),
        ("a.png,", "no label"),
        ("a.png", "no label"),
        ("a.png,Cat", "unknown class 'Cat'; did you mean 'cat'?"),
        ("a.png,zebra", "unknown class 'zebra'"),
    ],
)
def test_a_row_that_cannot_be_used_is_listed(
    campaign: Campaign, table: Write, row: str, reason: str
) -> None:
    file = table(f"file,label\nx\n{row}\nsub/b.png,dog\n")
    report = label_csv.import_labels(campaign, file, CLASSES)
    assert str(report.rejected[0]) == "line 2: no sample was ingested from 'x'"
    assert str(report.rejected[1]).startswith(f"line 3: {reason}")
    assert len(report.rejected) == 2
    assert labels(campaign) == {B2: "dog"}


def test_an_unknown_id_is_listed(campaign: Campaign, table: Write) -> None:
    report = label_csv.import_labels(campaign, table(f"sample,label\nabc,cat\n{A},cat\n"), CLASSES)
    assert [*report.summary_lines()] == ["line 2: unknown sample 'abc'"]


def test_rows_that_contradict_each_other_are_all_rejected(campaign: Campaign, table: Write) -> None:
    file = table(f"sample,file,label\n{A},,cat\n,a.png,dog\n{B1},,dog\n{B1},,dog\n{A},,cat\n")
    report = label_csv.import_labels(campaign, file, CLASSES)
    assert labels(campaign) == {B1: "dog"}
    assert report.accepted == 1
    reason = f"contradiction on sample {A}: 'cat' in line 2 and 'dog' in line 3"
    assert tuple(map(str, report.rejected)) == tuple(f"line {line}: {reason}" for line in (2, 3, 6))


def test_the_later_word_holds(campaign: Campaign, table: Write) -> None:
    label_csv.import_labels(campaign, table(f"sample,label\n{A},cat\n{B1},dog\n"), CLASSES)
    file = table(f"sample,label\n{A},dog\n{B2},great ape\n{B1},dog\n")
    report = label_csv.import_labels(campaign, file, CLASSES)
    changed = "'../in/a.png' was 'cat', is 'dog'"
    assert report == label_csv.ImportReport(accepted=3, replaced=(changed,), rejected=(), total=3)
    assert list(report.summary_lines()) == [f"1 of them had another label before: {changed}"]
    assert labels(campaign) == {A: "dog", B1: "dog", B2: "great ape"}


@pytest.fixture
def two_classes_of_equal_bytes(tmp_path: Path) -> Campaign:
    """Folders cat and dog: their 1.png have the same bytes, their 2.png have not."""
    campaign = Campaign(tmp_path / "campaign")
    write_migrations(campaign, ())
    for place, shade in (("cat/1", 1), ("cat/2", 2), ("dog/1", 1), ("dog/2", 3)):
        path = tmp_path / "in" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (shade, 0, 0)).save(path)
    options = ingest_images.Options(holdout=0)
    found = sources.given(campaign, [str(tmp_path / "in")])
    report = ingest_images.ingest(campaign, found, options, 0, lambda step: None)
    assert (report.added, report.duplicates) == (3, 1)
    assert "the very picture of another, such as '../in/dog/1.png'" in report.remarks[0]
    return campaign


def by_source(campaign: Campaign) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(label_csv.export(campaign).text))
    return {row["source"]: row["label"] for row in rows}


def test_equal_bytes_in_two_classes_contradict_each_other_in_one_table(
    two_classes_of_equal_bytes: Campaign, table: Write
) -> None:
    rows = "".join(f"{name}/{k}.png,{name}\n" for name in ("cat", "dog") for k in (1, 2))
    report = label_csv.import_labels(
        two_classes_of_equal_bytes, table(f"file,label\n{rows}"), CLASSES
    )
    assert (report.accepted, len(report.rejected)) == (2, 2)
    assert all("'cat' in line 2 and 'dog' in line 4" in line for line in report.summary_lines())
    assert by_source(two_classes_of_equal_bytes) == {
        "../in/cat/2.png": "cat",
        "../in/dog/2.png": "dog",
    }


def test_equal_bytes_in_two_classes_are_told_in_two_tables(
    two_classes_of_equal_bytes: Campaign, table: Write
) -> None:
    first, second = (
        label_csv.import_labels(
            two_classes_of_equal_bytes,
            table(f"file,label\n{name}/1.png,{name}\n{name}/2.png,{name}\n"),
            CLASSES,
        )
        for name in ("cat", "dog")
    )
    assert list(first.summary_lines()) == []
    assert list(second.summary_lines()) == [
        "1 of them had another label before: '../in/cat/1.png' = '../in/dog/1.png' was 'cat', is"
        " 'dog'"
    ]
    assert by_source(two_classes_of_equal_bytes)["../in/cat/1.png"] == "dog"


def test_other_columns_spaces_and_a_mark_of_byte_order_do_no_harm(
    campaign: Campaign, table: Write
) -> None:
    file = table(f"\ufefflabel, sample ,who\n cat ,{A},me,,\ndog,{B1},you\n")
    label_csv.import_labels(campaign, file, CLASSES)
    assert labels(campaign) == {A: "cat", B1: "dog"}


def test_spaces_around_a_file_s_name_may_be_its_own(campaign: Campaign, table: Write) -> None:
    spaced = "9999999999999991"
    known = read_samples(campaign.samples)
    own = Sample(spaced, f"{spaced}.png", "../in/ a.png", "pool", 4, 3)
    write_samples(campaign.samples, [*known, own])
    label_csv.import_labels(campaign, table("file,label\n a.png,cat\n"), CLASSES)
    assert labels(campaign) == {spaced: "cat"}
    label_csv.import_labels(campaign, table("file,label\na.png,dog\n in/sub/b.png ,dog\n"), CLASSES)
    assert labels(campaign) == {spaced: "cat", A: "dog", B2: "dog"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", r"wanted a header with `label` and `sample` or `file`, got an empty file"),
        ("a;b\n", r"wanted a header with `label` and .*, got a, b; name the columns"),
        ("label,name\ncat,a.png\n", r"got label, name; name the columns in line 1"),
        ("sample,label\n", r"labels\.csv has no rows; wanted a label and a sample"),
        (
            "file,label\nq,cat\nr,cat\n",
            r"none of 2 rows can be used; line 2: no sample .*'q'; wanted",
        ),
        ('file,label\n"a.png,cat\n', r"labels\.csv: line 2 is no CSV: .*; look at its quotes"),
        ("file,label\na.png,cat\nb.png,cat,extra\n", r"line 3 has 3 cells: wanted 2, as in line 1"),
        ("file,label,label\na.png,cat,dog\n", r"line 1 has the column `label` 2 times"),
        ("file,Label,label\na.png,cat,dog\n", r"line 1 has the column `label` 2 times"),
    ],
)
def test_a_table_of_no_use_is_an_error_and_changes_nothing(
    campaign: Campaign, table: Write, text: str, error: str
) -> None:
    with pytest.raises(DataError, match=error):
        label_csv.import_labels(campaign, table(text), CLASSES)
    assert not campaign.label_file(OWNED).exists()


def test_a_missing_or_garbled_table_is_an_error(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.csv"):
        label_csv.import_labels(campaign, tmp_path / "none.csv", CLASSES)
    (tmp_path / "bad.csv").write_bytes(b"sample,label\n\xff\xfe,cat\n")
    with pytest.raises(DataError, match=r"bad\.csv: line 2 is not UTF-8 .*iconv"):
        label_csv.import_labels(campaign, tmp_path / "bad.csv", CLASSES)


def test_after_round_0_was_opened_it_is_too_late(campaign: Campaign, table: Write) -> None:
    campaign.round(0).mkdir(parents=True)
    (campaign.round(0) / "plan.json").write_text("{}")
    with pytest.raises(StateError, match="cannot import labels: wanted a campaign before round 0"):
        label_csv.import_labels(campaign, table(f"sample,label\n{A},cat\n"), CLASSES)


def test_without_images_both_ways_say_what_to_do(tmp_path: Path, table: Write) -> None:
    empty = Campaign(tmp_path / "empty")
    with pytest.raises(StateError, match="wanted a campaign with images; run `labelcycle ingest"):
        label_csv.import_labels(empty, table(f"sample,label\n{A},cat\n"), CLASSES)
    with pytest.raises(StateError, match="wanted a campaign with images; run `labelcycle ingest"):
        label_csv.export(empty)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write_comes_in(
    campaign: Campaign, tmp_path: Path, encoding: str, separator: str, end: str
) -> None:
    rows = (("File", "LABEL"), ("sub\\b.png", "cat"), ("in\\a.png", "great ape"))
    text = end.join(separator.join(row) for row in rows) + end
    (tmp_path / "win.csv").write_bytes(text.encode(encoding))
    label_csv.import_labels(campaign, tmp_path / "win.csv", CLASSES)
    assert labels(campaign) == {A: "great ape", B2: "cat"}


def test_a_path_of_another_computer_that_ends_otherwise_has_a_hint(
    campaign: Campaign, table: Write
) -> None:
    file = table("file,label\nC:\\photos\\held.png,cat\nsub/b.png,cat\n")
    (line,) = label_csv.import_labels(campaign, file, CLASSES).summary_lines()
    assert line == (
        "line 2: no sample was ingested from 'C:\\\\photos\\\\held.png';"
        " did you mean '../in/held.png'?"
    )


def test_a_class_with_decomposed_accents_is_the_class(campaign: Campaign, table: Write) -> None:
    label_csv.import_labels(
        campaign, table(f"sample,label\n{A},cafe\u0301\n"), ("caf\u00e9", "tea")
    )
    assert labels(campaign) == {A: "caf\u00e9"}


def test_many_rows_with_one_reason_are_one_line(campaign: Campaign, table: Write) -> None:
    held = "in/held.png,cat\n" * 200
    report = label_csv.import_labels(
        campaign, table(f"file,label\n{held}a.png,cat\nx,cat\n"), CLASSES
    )
    assert len(report.rejected) == 201
    many, one = report.summary_lines()
    assert many.startswith(
        "200 rows name samples of the hold-out, which is never trained on, as line 2: '../in/held"
    )
    assert many.count("line") == label_csv.EXAMPLES
    assert one == "line 203: no sample was ingested from 'x'"


# --- export --------------------------------------------------------------------------------


def exported(campaign: Campaign, holdout: bool = False) -> dict[str, dict[str, str]]:
    reader = csv.DictReader(
        io.StringIO(label_csv.export(campaign, holdout=holdout, rejected=True).text)
    )
    assert tuple(reader.fieldnames or ()) == label_csv.COLUMNS
    rows = list(reader)
    assert [row["sample"] for row in rows] == sorted(row["sample"] for row in rows)
    return {row["sample"]: row for row in rows}


@pytest.fixture
def labelled(campaign: Campaign) -> Campaign:
    write_labels(campaign.label_file(OWNED), [Label(A, "cat", source="owned")])
    write_labels(
        campaign.label_file(0),
        [
            Label(B1, None, "skipped", {}, "round 0"),
            Label(COMMA, "great ape", None, {"great ape": 2, "cat": 1}, "round 0"),
        ],
    )
    write_labels(campaign.label_file(11), [Label(B1, "dog", None, {"dog": 1}, "round 11")])
    write_labels(campaign.label_file(2), [Label(B2, None, "empty answer", {}, "round 2")])
    write_labels(campaign.holdout, [Label(HELD, "cat", None, {"cat": 1}, "round 0")])
    return campaign


def test_the_latest_word_on_each_sample_goes_out(labelled: Campaign) -> None:
    rows = exported(labelled)
    assert list(rows) == [A, B1, B2, COMMA]
    assert rows[COMMA] == {
        "sample": COMMA,
        "split": "pool",
        "file": f"{COMMA}.png",
        "source": "../in/x, y.png",
        "label": "great ape",
        "round": "0",
        "status": "accepted",
        "reason": "",
        "votes": '{"cat": 1, "great ape": 2}',
    }
    assert (rows[A]["round"], json.loads(rows[A]["votes"])) == ("owned", {})
    assert (rows[B1]["label"], rows[B1]["round"]) == ("dog", "11")
    assert [rows[B2][k] for k in ("label", "status", "reason")] == ["", "rejected", "empty answer"]


def test_the_holdout_goes_out_only_when_asked(labelled: Campaign) -> None:
    assert HELD not in exported(labelled)
    row = exported(labelled, holdout=True)[HELD]
    assert (row["split"], row["label"], row["round"]) == ("holdout", "cat", "0")


def test_a_campaign_without_labels_gives_the_header_alone(campaign: Campaign) -> None:
    assert label_csv.export(campaign, holdout=True).text == ",".join(label_csv.COLUMNS) + "\n"


def test_what_goes_out_can_come_in(labelled: Campaign, tmp_path: Path) -> None:
    text = label_csv.export(labelled, rejected=True).text
    assert label_csv.export(labelled).text == "".join(
        line for line in text.splitlines(keepends=True) if ",rejected," not in line
    )
    (tmp_path / "out.csv").write_text(text, encoding="utf-8")
    report = label_csv.import_labels(labelled, tmp_path / "out.csv", CLASSES)
    assert labels(labelled) == {A: "cat", B1: "dog", COMMA: "great ape"}
    assert [*report.summary_lines()] == ["line 4: no label"]


NAMES = ("=1+1", "'=1+1", "-1", "+x", "@SUM(A1)", "\rcr", "a\rb", "a\u2028b", "a\nb", "plain", "-")


@pytest.mark.parametrize("raw", [False, True])
def test_hard_names_go_out_and_come_in(campaign: Campaign, tmp_path: Path, raw: bool) -> None:
    classes = ("=cmd", "-1", "@x", *(() if raw else ("'=cmd",)))
    samples = [
        Sample(f"{i:016x}", f"{i:016x}.png", f"../in/{name}", "pool", 4, 3)
        for i, name in enumerate(NAMES)
    ]
    write_samples(campaign.samples, samples)
    given = {s.id: classes[i % len(classes)] for i, s in enumerate(samples)}
    fresh = [Label(name, label, source="owned") for name, label in given.items()]
    write_labels(campaign.label_file(OWNED), fresh)
    made = label_csv.export(campaign, raw=raw)
    assert made.rows == len(NAMES)
    (tmp_path / "out.csv").write_bytes(made.text.encode())
    campaign.label_file(OWNED).unlink()
    report = label_csv.import_labels(campaign, tmp_path / "out.csv", classes)
    assert (report.rejected, labels(campaign)) == ((), given)
