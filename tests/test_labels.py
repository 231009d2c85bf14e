"""Labels as they count now: read through the changes of the classes."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.campaign import json_files, label_files, labels
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.json_files import RESTORE
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.core.class_migrations import Migration
from labelcycle.errors import DataError

TABLE = {"calf": "cow", "ox": "cow", "gnu": None}
MIGRATION = Migration(
    "merge",
    TABLE,
    ("calf", "ox", "gnu", "cat"),
    ("cow", "cat"),
    round=4,
    at="2026-01-01T00:00:00+00:00",
)
FILES = {
    OWNED: [Label("s1", "calf", source=OWNED), Label("s2", "cat", source=OWNED)],
    0: [Label("s3", "gnu", votes={"gnu": 2}), Label("s4", None, "skipped")],
    3: [Label("s2", "ox", votes={"cat": 1, "calf": 1, "ox": 2})],
}


@pytest.fixture
def campaign(tmp_path) -> Campaign:
    made = Campaign(tmp_path)
    labels.write_migrations(made, ())
    for name, found in FILES.items():
        write_labels(made.label_file(name), found)
    write_labels(made.holdout, [Label("h", "ox"), Label("i", "gnu")])
    return made


def test_the_latest_word_on_a_sample_counts(tmp_path) -> None:
    campaign = Campaign(tmp_path)
    labels.write_migrations(campaign, ())
    assert labels.read_all_labels(campaign) == {}
    for name, label in (("owned", "cat"), (0, "dog"), (10, "cow"), (9, "hen")):
        write_labels(campaign.label_file(name), [Label("a", label), Label(str(name), label)])
    found = labels.read_all_labels(campaign)
    assert {key: label.label for key, label in found.items()} == {
        "a": "cow", "owned": "cat", "0": "dog", "9": "hen", "10": "cow",
    }  # fmt: skip


def migrate(campaign: Campaign) -> None:
    labels.write_migrations(campaign, [MIGRATION])


def test_without_changes_labels_are_as_they_were_written(campaign) -> None:
    assert labels.read_migrations(campaign) == ()
    found = labels.read_all_labels(campaign)
    assert found["s2"] == FILES[3][0]
    assert sorted(found) == ["s1", "s2", "s3", "s4"]
    assert labels.read_holdout(campaign) == label_files.read_labels(campaign.holdout)


def test_old_names_count_as_what_became_of_them_and_files_stay(campaign) -> None:
    files = {path: path.read_bytes() for path in campaign.data.rglob("*.jsonl")}
    migrate(campaign)
    found = labels.read_all_labels(campaign)
    assert found["s1"] == Label("s1", "cow", source=OWNED)
    assert found["s2"] == Label("s2", "cow", votes={"cat": 1, "cow": 3})
    assert found["s3"] == Label("s3", None, "class 'gnu' was removed")
    assert found["s4"] == FILES[0][1]
    assert labels.read_holdout(campaign) == [
        Label("h", "cow"), Label("i", None, "class 'gnu' was removed"),
    ]  # fmt: skip
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        ({"calf": 1, "ox": 1}, "cow"),  # they meant one class, as it turned out
        ({"calf": 1, "cow": 1, "ox": 1}, "cow"),
        ({"calf": 1, "cat": 1}, None),
        ({"calf": 1, "gnu": 1}, None),  # one of them saw what is no class any more
        ({"cow": 1}, None),  # rejected for another reason than disagreement
        ({}, None),
    ],
)
def test_a_disagreement_that_a_merge_ends_is_an_agreement(votes, label) -> None:
    rejected = Label("s", None, "tie between calf, ox", votes)
    found = labels.as_now(rejected, TABLE)
    assert found.label == label
    assert (found.reason is None) == (label is not None)


@given(st.dictionaries(st.sampled_from(["calf", "ox", "gnu", "cat", "cow"]), st.integers(1, 5)))
def test_no_vote_is_lost_but_those_for_removed_classes(votes) -> None:
    found = labels.as_now(Label("s", "cat", votes=votes), TABLE)
    assert sum(found.votes.values()) == sum(votes.values()) - votes.get("gnu", 0)
    assert not found.votes.keys() & TABLE.keys()
    assert labels.as_now(found, TABLE) == found


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"migrations": [{"kind": "add"}]},
        {"migrations": 3},
        {"migrations": [asdict(MIGRATION) | {"round": "4"}]},
        {"migrations": [asdict(MIGRATION) | {"table": {"calf": 1}}]},
    ],
)
def test_a_broken_record_is_named(campaign, record) -> None:
    json_files.write_json(campaign.schema, record)
    with pytest.raises(DataError, match=r"schema.json is no record of migrations .* with git"):
        labels.read_all_labels(campaign)


def test_a_missing_record_is_named(campaign) -> None:
    campaign.schema.unlink()
    with pytest.raises(DataError, match=r"schema.json is missing; wanted the record .* with git"):
        labels.read_all_labels(campaign)


def test_the_record_is_read_as_it_was_written(campaign) -> None:
    migrate(campaign)
    (found,) = labels.read_migrations(campaign)
    assert asdict(found)["table"] == TABLE
    assert found.before == ("calf", "ox", "gnu", "cat")


@pytest.mark.parametrize(
    ("change", "odd"),
    [
        ({"confidence": 0.5}, "adjudicate: wanted this field, got none"),
        ({"adjudicate": False, "x": 1}, "x: wanted no such field, got 1"),
    ],
)
def test_a_label_with_other_fields_is_refused(tmp_path: Path, change: dict, odd: str) -> None:
    path = tmp_path / "000.jsonl"
    record = {"label": "cat", "reason": None, "sample": "s", "source": "", "votes": {}}
    path.write_text(json.dumps({**record, "confidence": None, **change}) + "\n")
    told = rf"^{path}, line 1: {odd}; restore"
    with pytest.raises(DataError, match=told):
        label_files.read_labels(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"votes": "x"}, 'votes: wanted an object, got "x"'),
        ({"votes": {"cat": "1"}}, 'votes.cat: wanted a whole number, got "1"'),
        ({"confidence": "high"}, 'confidence: wanted a number, got "high"'),
        ({"adjudicate": 1}, "adjudicate: wanted true or false, got 1"),
        ({"label": 3}, "label: wanted a text, got 3"),
    ],
)
def test_a_label_of_other_types_is_refused(tmp_path: Path, change: dict, told: str) -> None:
    path = tmp_path / "000.jsonl"
    path.write_text(json.dumps(asdict(Label("s", "cat")) | change) + "\n")
    with pytest.raises(DataError) as error:
        label_files.read_labels(path)
    assert str(error.value) == f"{path}, line 1: {told}; {RESTORE}"
