"""Features that come in a file: every format, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labelcycle.errors import DataError
from labelcycle.nn import features_file
from labelcycle.nn.features_file import read

NAMES = ["a/1.jpg", "a/2.jpg", "0012"]
FEATURES = np.array([[1.0, 2], [3, 4], [5, 6.5]], np.float32)


def written(folder: Path, kind: str) -> Path:
    path = folder / f"features.{kind.split()[0]}"
    if kind == "npz":
        np.savez(path, files=np.array(NAMES), features=FEATURES.astype(np.float16))
    elif kind == "csv":
        frame = pd.DataFrame({"file": NAMES, "x0": FEATURES[:, 0], "x1": FEATURES[:, 1]})
        frame.to_csv(path, index=False)
    elif kind == "parquet lists":
        pd.DataFrame({"file": NAMES, "features": list(FEATURES)}).to_parquet(path)
    else:
        frame = pd.DataFrame({"file": NAMES, "x0": FEATURES[:, 0], "x1": FEATURES[:, 1]})
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet lists", "parquet columns"])
def test_every_format_gives_names_and_features(tmp_path: Path, kind: str) -> None:
    table = read(written(tmp_path, kind))
    assert list(table.names) == NAMES
    assert not table.by_id
    np.testing.assert_array_equal(table.features, FEATURES)


@pytest.mark.parametrize("key", ["ids", "id", "sample"])
def test_names_may_be_ids(tmp_path: Path, key: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, allow_pickle=False, **{key: np.array(NAMES), "features": FEATURES})
    assert read(path).by_id


@pytest.mark.parametrize("key", ["File", " file", "FILES "])
@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
def test_the_names_are_found_however_their_column_is_written(
    tmp_path: Path, kind: str, key: str
) -> None:
    path = tmp_path / f"features.{kind}"
    frame = pd.DataFrame({key: NAMES, "x0": FEATURES[:, 0], "x1": FEATURES[:, 1]})
    if kind == "npz":
        np.savez(path, allow_pickle=False, **{key: np.array(NAMES), "features": FEATURES})
    elif kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    table = read(path)
    assert list(table.names) == NAMES
    assert not table.by_id
    np.testing.assert_array_equal(table.features, FEATURES)


def arrays(**changes: Any) -> dict[str, Any]:
    return {"files": np.array(NAMES), "features": FEATURES} | changes


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (arrays(features=FEATURES[:2]), r"wanted a name a row, got 3 for 2 rows"),
        (arrays(features=FEATURES[:, 0]), r"wanted rows by columns \(n, d\), got the shape \(3,\)"),
        (arrays(features=FEATURES[:, :0]), r"got the shape \(3, 0\)"),
        (arrays(files=np.array([]), features=FEATURES[:0]), r"got the shape \(0, 2\)"),
        (arrays(features=FEATURES.astype(str)), r"wanted numbers in all columns"),
        (arrays(features=FEATURES * np.array([[1], [np.nan], [1]])), r"in row 1 \('a/2.jpg'"),
        (arrays(features=FEATURES.astype(np.float64) * 6e37), r"in row 2 \('0012'"),
        (arrays(features=FEATURES * np.inf), r"got inf in row 0 .* in 2 more; embed these images"),
        (
            arrays(features=FEATURES.astype(np.float64) * [[1], [1e50], [1]]),
            r"below 3.4e38, which float32 holds, got 3e\+50 in row 1 .*; scale all features",
        ),
        (arrays(files=np.array(["x", "y", "x"])), r"'x' stands in rows 0 and 2 \(counted from 0\)"),
        ({"features": FEATURES}, r"wanted one of ids, .*file among its arrays, got features"),
        (arrays(ids=np.array(NAMES)), r"wanted one of ids, .* got files, features, ids"),
        ({"files": np.array(NAMES), "vectors": FEATURES}, r"wanted an array `features`"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, given: dict[str, Any], text: str) -> None:
    path = tmp_path / "features.npz"
    np.savez(path, allow_pickle=False, **given)
    with pytest.raises(DataError, match=text):
        read(path)


def test_lists_of_unequal_length_are_named(tmp_path: Path) -> None:
    path = tmp_path / "features.parquet"
    pd.DataFrame({"id": NAMES, "features": [[1.0, 2], [3.0, 4], [5.0]]}).to_parquet(path)
    with pytest.raises(DataError, match=r"2 numbers in row 0 and 1 in row 2"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("features.pt", b"", r"wanted a file .npz, .csv, .parquet"),
        ("features.npz", b"no zip", r"cannot read features from .*check pretrain.options.file"),
        ("features.parquet", b"no table", r"cannot read features from "),
        ("features.csv", b"", r"cannot read features from .*features.csv"),
        ("features.csv", b"file,x\na,1\nb,red\n", r"column 'x' holds .*leave it out"),
    ],
)
def test_a_file_that_is_something_else(
    tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=text):
        read(tmp_path / name)


@pytest.mark.parametrize("wrong", [2.5, "[1, 2]", None])
def test_a_column_of_features_wants_lists(tmp_path: Path, wrong: object) -> None:
    path = tmp_path / "features.parquet"
    pd.DataFrame({"file": NAMES, "features": [wrong] * 3}).to_parquet(path)
    with pytest.raises(DataError, match=r"column features holds .*: wanted a list of numbers"):
        read(path)


def test_a_cut_off_file_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path, "npz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(
        DataError, match=r"features.npz: wanted an .npz file as numpy.savez .*cut off"
    ):
        read(path)


def test_names_in_bytes_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    np.savez(path, allow_pickle=False, **arrays(files=np.array(NAMES).astype("S")))
    assert list(read(path).names) == NAMES


def test_pickled_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    np.savez(path, files=np.array(NAMES, dtype=object), features=FEATURES)
    with pytest.raises(DataError, match=r"array files holds Python objects, .*astype\(str\)"):
        read(path)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("label", r"column 'label' is no feature by its name: leave it out"),
        ("Class", r"column 'Class' is no feature"),
        ("y", r"column 'y' is no feature"),
        ("split", r"column 'split' is no feature"),
        ("index", r"column 'index' is no feature"),
        ("", r"column .* has no name of its own: an index\?.* index=False"),
        ("Unnamed: 0", r"column 'Unnamed: 0' has no name of its own"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_no_feature_is_not_taken_for_one(
    tmp_path: Path, kind: str, column: str, text: str
) -> None:
    path = tmp_path / f"features.{kind}"
    frame = pd.DataFrame({"file": NAMES, column: [0, 1, 0], "x0": FEATURES[:, 0]})
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    with pytest.raises(DataError, match=text):
        read(path)


def test_the_index_that_pandas_writes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    pd.DataFrame({"file": NAMES, "x0": FEATURES[:, 0]}).to_csv(path)
    with pytest.raises(DataError, match=r"column 'Unnamed: 0' .* index=False"):
        read(path)


@pytest.mark.parametrize(
    "name",
    [
        "label", "Label_id", "cls", "class_id", "classId", "y", "y_true_label", "target_0",
        "true label", "GT", "label_cat", "Species", "split", "fold", "index", "labels.1",
        "y_true", "true_y", "yTrue", "y_pred", "Y_train", "y_hat", "test-y", "ytrue", "gold",
        "gold_standard", "dx", "groundtruth", "ground_truth", "labelled", "is_labeled",
        "prediction",
    ],
)  # fmt: skip
def test_a_column_called_as_a_truth_is_no_feature(name: str) -> None:
    assert not features_file.may_be_feature(name)


@pytest.mark.parametrize(
    "name",
    [
        "f0",
        "cls_0",
        "cls_token_767",
        "0",
        "pos_y",
        "y_pos",
        "y_0",
        "PC1",
        "area",
        "mean_class_distance",
    ],
)
def test_other_columns_may_be_features(name: str) -> None:
    assert features_file.may_be_feature(name)


@pytest.mark.parametrize(("separator", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16")])
def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    path = tmp_path / "features.csv"
    rows = [["file", "f0", "f1"], ["None", "1", "2"], ["0012", "3", "4.5"]]
    path.write_bytes("\r\n".join(separator.join(row) for row in rows).encode(encoding))
    found = read(path)
    assert list(found.names) == ["None", "0012"]
    assert found.features.tolist() == [[1, 2], [3, 4.5]]


def test_a_row_with_a_cell_too_many_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    path.write_text("file,f0,f1\na.png,1,2,3\nb.png,1,2,3\n")
    with pytest.raises(DataError, match="more cells than the header, which has 3"):
        read(path)
    path.write_text("file,f0,f1\na.png,1,2\nb.png,1,2,3\n")
    with pytest.raises(DataError, match="line 3"):
        read(path)


def noise(columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, columns)).astype(np.float32)


def of_few(numbers: list[int]) -> np.ndarray:
    return np.resize(numbers, (40, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("features", "remark"),
    [
        (np.hstack([noise(4), of_few([0, 1, 2])]), "column 4 (counted from 0) holds few whole"),
        (np.hstack([of_few([7, -1]), noise(4)]), "column 0 (counted from 0) holds few whole"),
        (
            np.hstack([noise(9), *(of_few([0, k]) for k in range(1, 6))]),
            "columns 9, 10, 11 and 2 more (counted from 0) hold few whole numbers",
        ),
        (noise(5), ""),
        (np.hstack([noise(4), of_few([0])]), ""),  # a unit that never fires
        (np.hstack([noise(4), of_few(list(range(40)))]), ""),  # a number for every row
        (np.rint(noise(5)), ""),  # quantised
        (np.maximum(np.hstack([noise(4), np.abs(noise(1)) * [[-1]]]), 0), ""),  # sparse
    ],
)
def test_a_column_of_few_whole_numbers_beside_decimals_is_told(
    tmp_path: Path, features: np.ndarray, remark: str
) -> None:
    path = tmp_path / "features.npz"
    np.savez(path, ids=np.arange(40).astype(str), features=features)
    found = read(path).remark
    assert found.startswith(remark)
    assert bool(found) == bool(remark)


def test_such_a_column_of_a_table_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    frame = pd.DataFrame(noise(3), columns=["f0", "f1", "f2"])
    frame["kind"], frame["sample"] = of_few([0, 1, 2])[:, 0].astype(int), range(40)
    frame.to_csv(path, index=False)
    assert read(path).remark == (
        "column 'kind' holds few whole numbers, most hold decimals: leave out what is a truth,"
        " which makes every figure too good"
    )
