"""What is left of each kind of file without a sample, and what a rebuild may then differ in."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_records
import numpy as np
import pytest
import yaml
from made_records import metrics, selection

from labelcycle.adapters import git
from labelcycle.adapters.dvc import object_digests, recorded_outputs, replaced_outputs
from labelcycle.campaign import layout
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json, read_jsonl, write_jsonl
from labelcycle.campaign.records.withdrawn_record import GONE, Tombstone, WithdrawnRecord
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import redacted_files, withdraw_samples, withdrawn_differences
from labelcycle.cycle.redacted_files import Redaction
from labelcycle.cycle.withdrawn_objects import ObjectRewriter
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import snapshots

A, B, C, D = (letter * 16 for letter in "abcd")
SPLITS = [{"pool": [A, B, C], "holdout": [D]}]
STONE = Tombstone(B, "p", made_records.AT, "consent revoked", "pool", 0, 1, False)


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array))
    return buffer.getvalue()


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def read(content: bytes | None):
    assert content is not None
    return np.load(io.BytesIO(content))


def lines(*records: object) -> bytes:
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("data/samples/000.jsonl", "id"),
        ("data/labels/000.jsonl", "sample"),
        ("data/labels/owned.jsonl", "sample"),
        ("data/holdout.jsonl", "sample"),
        ("rounds/000/annotations.jsonl", "key"),
        ("rounds/000/corrections.jsonl", "key"),
        ("rounds/decisions.jsonl", "key"),
        (".labelcycle/answers/000.jsonl", "key"),
    ],
)
def test_lines_about_the_sample_go_and_others_stay_as_they_are(path: str, field: str) -> None:
    before = "k/000/" if field == "key" else ""
    other = lines({field: f"{before}{A}", "group": B}).replace(b": ", b":  ")
    given = other + lines({field: f"{before}{B}"})
    assert Redaction(frozenset({B})).without(path, given, SPLITS) == other
    half = b'{"key": "k/000/' + B.encode()
    assert Redaction(frozenset({B})).without(path, given + half, SPLITS) == other


def test_entries_of_a_selection_and_of_tasks_go() -> None:
    redaction = Redaction(frozenset({B}))
    record = selection([A, B, C])
    text = dump_json(record.to_json()).encode()
    without = redaction.without("work/selection.json", text, SPLITS)
    left = replace(record, samples=(record.samples[0], record.samples[2]))
    assert without == dump_json(left.to_json()).encode()
    tasks = dump_json({"tasks": [{"sample": B}, {"sample": A}]}).encode()
    assert json.loads(redaction.without("rounds/001/pushed.json", tasks, ()) or b"") == {
        "tasks": [{"sample": A}]
    }
    assert redaction.without("rounds/001/plan.json", tasks, ()) == tasks


def test_rows_of_the_sample_go_once() -> None:
    redaction = Redaction(frozenset({B, D}))
    array = np.arange(6, dtype="f4").reshape(3, 2)
    pool = redaction.without("work/features/pool.npy", npy(array), SPLITS)
    assert read(pool).tolist() == [[0, 1], [4, 5]]
    assert redaction.without("work/features/pool.npy", pool or b"", SPLITS) == pool
    holdout = redaction.without("work/features/holdout.npy", npy(array[:1]), SPLITS)
    assert read(holdout).shape == (0, 2)
    assert [row.tolist() for row in redaction.rows] == [[2, 3], [0, 1]]
    chances = redaction.without(layout.PROBABILITIES, npy(array), SPLITS)
    assert read(chances).tolist() == [[0, 1], [4, 5]]
    assert len(redaction.rows) == 2
    none = npy(np.empty((0, 0), "f4"))
    assert redaction.without(layout.OWN_FEATURES, none, SPLITS) == none
    assert redaction.without(layout.OWN_FEATURES, npy(np.zeros((9, 2))), SPLITS) is None
    assert redaction.holds(b"x" + np.array([2, 3], "f4").tobytes())
    assert not redaction.holds(b"x" + np.array([4, 5], "f4").tobytes())


def test_rows_that_may_be_of_fewer_cohorts_are_not_taken_for_those_of_a_redacted_file() -> None:
    """Three samples less one, or the first cohort's two: nobody can tell by the length."""
    two = npy(np.arange(4, dtype="f4").reshape(2, 2))
    splits = [{"pool": [A, B, C], "holdout": []}, {"pool": [A, B], "holdout": []}]
    file = layout.PROBABILITIES
    assert Redaction(frozenset({B})).without(file, two, splits) is None
    assert Redaction(frozenset({C})).without(file, two, splits) == two  # the same rows either way
    assert read(Redaction(frozenset({B})).without(file, two, splits[1:])).tolist() == [[0, 1]]


def test_of_clusters_the_row_goes_and_the_centre_that_is_the_sample() -> None:
    redaction = Redaction(frozenset({B}), rows=[np.array([3, 4], "f4")])
    given = npz(assignment=np.array([0, 1, 0], "i4"), centres=np.array([[1, 0], [0.6, 0.8]], "f4"))
    left = read(redaction.without(layout.CLUSTERS, given, SPLITS))
    assert left["assignment"].tolist() == [0, 0]
    assert left["centres"].tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("rows", [[], [np.array([3, 4, 5], "f4")]])
def test_without_features_of_the_sample_all_centres_stay(rows: list[np.ndarray]) -> None:
    given = npz(assignment=np.array([0, 1, 0], "i4"), centres=np.array([[1, 0], [0.6, 0.8]], "f4"))
    left = read(Redaction(frozenset({B}), rows=rows).without(layout.CLUSTERS, given, SPLITS))
    assert left["assignment"].tolist() == [0, 0]
    assert np.array_equal(left["centres"], read(given)["centres"])


def test_looks_and_digests_follow() -> None:
    redaction = Redaction(frozenset({B}), digests={"0" * 16: "1" * 16})
    looks = npz(ids=np.array([A, B], "S"), small=np.array([[1], [2]], "u1"))
    assert read(redaction.without("data/samples/000.npz", looks, SPLITS))["small"].tolist() == [[1]]
    made = json.dumps({"files": {"pool": "0" * 16}}).encode()
    assert redaction.without("work/features/made.json", made, ()) == made.replace(b"0", b"1")


def test_rows_are_those_of_the_cohorts_that_count_or_of_the_first_ones() -> None:
    manifests = [
        lines({"id": B, "split": "pool"}, {"id": A, "split": "pool"}),
        lines({"id": D, "split": "holdout"}, {"id": C, "split": "pool"}),
    ]
    found = redacted_files.splits(manifests, [0])
    assert [each["pool"] for each in found] == [[A, B], [A, B, C], [A, B]]
    assert found[1]["holdout"] == [D]
    with pytest.raises(DataError, match=r"^a manifest of data/samples cannot be read"):
        redacted_files.splits([b"{}\n"], [0])


def test_the_record_leads_to_what_is_there_now(tmp_path: Path) -> None:
    record = WithdrawnRecord((STONE,), {"a": "b", "x": ""}).with_replaced({"b": "c"})
    assert [record.now(name) for name in "abcx?"] == ["c", "c", "c", "", "?"]
    assert record.unfinished == (STONE,)
    assert record.with_samples([replace(STONE, done=True)]).unfinished == ()
    assert [record.of_round(n, 1) != () for n in (0, 1)] == [True, False]
    assert record.of_round(0, 0) == ()
    opened = WithdrawnRecord((replace(STONE, is_open=True),))
    assert [opened.of_round(n, 1) != () for n in (0, 1, 2)] == [True, True, False]
    now = made_records.snapshot(tmp_path)
    record.write(now.campaign.withdrawn)
    with pytest.raises(StateError, match=r"withdrawal of 1 sample.*run `labelcycle withdraw`"):
        snapshots.check_withdrawn(now)


def test_dvcs_records_name_what_stands_for_an_object(tmp_path: Path) -> None:
    git.init(tmp_path)
    out = {"md5": "a" * 32 + ".dir", "size": 9, "nfiles": 3, "hash": "md5", "path": "000"}
    (tmp_path / "000.dvc").write_text(yaml.safe_dump({"outs": [out]}))
    stages = {
        "embed": {
            "deps": [{"path": "x", "md5": "b" * 32}],
            "outs": [{"path": "y", "md5": "b" * 32}],
        },
        "query": {"outs": [{"path": "z", "md5": "c" * 32}]},
    }
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    objects = {"a" * 32 + ".dir": "d" * 32 + ".dir", "b" * 32: "e" * 32, "c" * 32: ""}
    replaced_outputs.replace(tmp_path, objects, lambda oid: 2)
    (now,) = yaml.safe_load((tmp_path / "000.dvc").read_text())["outs"]
    assert now == {"md5": "d" * 32 + ".dir", "nfiles": 2, "hash": "md5", "path": "000"}
    lock = yaml.safe_load((tmp_path / "dvc.lock").read_text())["stages"]
    assert list(lock) == ["embed"]
    assert lock["embed"]["deps"] == stages["embed"]["deps"]
    assert lock["embed"]["outs"] == [{"path": "y", "md5": "e" * 32}]


def test_what_a_rebuild_without_a_sample_may_differ_in() -> None:
    held = replace(STONE, split="holdout")
    assert withdrawn_differences.said(3, [STONE]) == (
        f"1 sample of round 3 was withdrawn on 2026-11-01 ({B}); compared without it"
    )
    assert withdrawn_differences.selection_may_differ([held, STONE])
    assert not withdrawn_differences.selection_may_differ([held])
    assert withdrawn_differences.encoder_is_gone([STONE], 1)
    assert not withdrawn_differences.encoder_is_gone([STONE], 0)
    picks = withdrawn_differences.selections(selection([A, C]), selection([A, D]))
    assert "1 of the 2 recorded picks that are left are picked again" in picks
    assert withdrawn_differences.measured_with([STONE], 0) == (STONE,)
    assert withdrawn_differences.measured_with([STONE], 1) == ()
    share = Estimate(0.5, 0.1, 0.9)
    before = metrics(confusion=((3, 1), (0, 4)), accuracy=share)
    after = replace(before, confusion=((3, 0), (0, 4)), accuracy=replace(share, value=1.0))
    line = withdrawn_differences.metrics(before, after, [held])
    assert line == (
        "metrics: the same but for what is gone from the hold-out"
        " (accuracy 0.5000 recorded, 1.0000 without)"
    )
    assert "they may differ" in withdrawn_differences.metrics(before, after, [STONE])
    for confusion in (((2, 0), (0, 4)), ((4, 0), (0, 4))):
        with pytest.raises(DataError, match=r"^the metrics differ in more than the withdrawn"):
            withdrawn_differences.metrics(before, replace(after, confusion=confusion), [held])
    with pytest.raises(DataError, match=r"^the metrics differ in more than the withdrawn"):
        withdrawn_differences.metrics(before, replace(after, labels=99), [held])


def test_a_rebuild_without_the_whole_holdout_measures_nothing() -> None:
    held = replace(STONE, split="holdout")
    before = metrics(confusion=((3, 1), (0, 4)), accuracy=Estimate(0.5, 0.1, 0.9))
    none = replace(before, confusion=None, accuracy=None)
    every = withdrawn_differences.metrics(before, none, [held] * 8)
    assert every.endswith("(accuracy 0.5000 recorded, no sample is left to measure with)")
    with pytest.raises(DataError, match="the metrics differ in more than the withdrawn"):
        withdrawn_differences.metrics(before, none, [held] * 7)
    unmeasured = withdrawn_differences.metrics(none, none, [held])
    assert unmeasured == "metrics: no accuracy to compare"


def test_what_is_told_of_others_does_not_name_its_path(tmp_path: Path) -> None:
    campaign = made_records.snapshot(tmp_path).campaign
    place = "../in/o'hara.png"
    campaign.quarantine.parent.mkdir()
    reason = "shows nearly the same picture as {}, which is in the pool"
    refused = {"source": "../in/b.png", "reason": reason.format(repr(place))}
    other = {"source": "../in/c.png", "reason": reason.format(repr(place + "x"))}
    write_jsonl(campaign.quarantine, [refused, other])
    manifest = json.dumps({"id": A, "source": place, "also": []}).encode()
    withdraw_samples._forget_sources(campaign, [manifest], Redaction(frozenset({A})))
    wanted = [{**refused, "reason": reason.format("an image that was withdrawn")}, other]
    assert list(read_jsonl(campaign.quarantine)) == wanted


class Store:
    """Objects in memory, by digest."""

    folder = "elsewhere"

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def good(self, oid: str) -> bool:
        return oid in self.objects

    def read(self, oid: str) -> bytes:
        return self.objects[oid]

    def put(self, oid: str, file: Path) -> None:
        self.objects[oid] = file.read_bytes()


def test_two_models_of_the_same_weights_lose_them(tmp_path: Path) -> None:
    """As of two rounds whose labels are the same, and whose pools are not."""
    store = Store({"weights": b"w", "kind": b'{"learner": "knn"}'})
    for model, shares in (("one", [1, 2, 3]), ("two", [4, 5, 6])):
        entries = {"model.json": "kind", "model.safetensors": "weights"}
        store.objects[f"{model}.npy"] = npy([[float(share)] for share in shares])
        entries["probabilities.npy"] = f"{model}.npy"
        store.objects[f"{model}.dir"] = object_digests.list_of(entries)
    redaction = Redaction(frozenset({B}))
    stores: list[Any] = [store]
    rewriter = ObjectRewriter(Campaign(tmp_path), WithdrawnRecord(), redaction, stores)
    rewriter._campaign.private.mkdir()
    for model in ("one", "two"):
        rewriter._output(layout.MODEL, f"{model}.dir", SPLITS)
    assert rewriter.replaced["weights"] == GONE
    for model in ("one", "two"):
        left = dict(recorded_outputs.listed(store.objects[rewriter.replaced[f"{model}.dir"]]))
        assert left.keys() == {"model.json", "probabilities.npy"}


def test_after_a_kill_a_file_becomes_what_was_put_in_its_place() -> None:
    old, new, other = b"with", b"without", b"never seen"
    made = object_digests.of_bytes(new)
    gone = b"its samples cannot be told"
    replaced = {object_digests.of_bytes(old): made, object_digests.of_bytes(gone): GONE}
    record, store = WithdrawnRecord(replaced=replaced), Store({made: new})
    found = [withdraw_samples._stands_for(c, record, store) for c in (old, new, other, gone)]  # type: ignore[arg-type]
    assert found == [new, None, None, None]
    assert withdraw_samples._stands_for(old, record, Store({})) is None  # type: ignore[arg-type]
