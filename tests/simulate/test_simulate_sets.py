"""Sets by name: what is read from where, and what is said where it is not."""

import gzip
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiny_sets import blobs_in, done, settings, silent

from labelcycle.core.one_line_warnings import Advice
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn.progress import Progress
from labelcycle.simulate import experiment, load_sets
from labelcycle.simulate.comparison import Data
from labelcycle.simulate.features import Workspace, problems
from labelcycle.simulate.pixel_cache import squares
from labelcycle.simulate.sets import SETS
from labelcycle.simulate.sets.chosen_set import drawn, long_tail, of_array


def rgb(path: Path, colour: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), (colour, 0, 0)).save(path)


def idx(path: Path, array: np.ndarray, packed: bool) -> None:
    data = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    if packed:
        path.with_suffix(".gz").write_bytes(gzip.compress(data))
    else:
        path.write_bytes(data)


@pytest.mark.parametrize("packed", [False, True])
def test_fashion_mnist_is_read_from_its_idx_files(packed: bool, tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images = {
        n: rng.integers(0, 256, (k, 28, 28), np.uint8) for n, k in (("train", 5), ("t10k", 3))
    }
    for name, array in images.items():
        idx(raw / f"{name}-images-idx3-ubyte", array, packed)
        idx(raw / f"{name}-labels-idx1-ubyte", np.arange(len(array), dtype=np.uint8), packed)
    found = SETS["fashion-mnist"](tmp_path, 0.5)
    assert found.train.labels.tolist() == [0, 1, 2, 3, 4]
    assert found.side == 28
    np.testing.assert_array_equal(
        found.test.pixels(2, 28), images["t10k"][2][:, :, None].repeat(3, 2)
    )
    (raw / "train-images-idx3-ubyte").unlink(missing_ok=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte\.gz: wanted an idx file of bytes"
    ):
        SETS["fashion-mnist"](tmp_path, 0.5)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "cifar10",
            "no CIFAR10 in .*: wanted the folder cifar-10-batches-py .*nothing is downloaded",
        ),
        ("cifar100", "no CIFAR100 in .*: wanted the folder cifar-100-python"),
        ("fashion-mnist", "no Fashion-MNIST in .*: wanted train-images-idx3-ubyte"),
        ("isic2019", r"no file .*ISIC_2019_Training_GroundTruth\.csv"),
        ("ham10000", r"no file .*HAM10000_metadata\.csv: wanted the table as it is published"),
        ("folder", r"wanted a folder of images for each of at least two classes.*\(got \[\]\)"),
        ("npz", "wanted train and test, features"),
    ],
)
def test_a_set_that_is_not_there_says_what_was_wanted_where(
    name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        SETS[name](tmp_path, 0.2)


@pytest.mark.parametrize("name", [*(name for name in SETS if name != "npz")])
def test_a_folder_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder; .*mend data.path, or --data"):
        SETS[name](tmp_path / "nowhere", 0.2)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: wanted a folder, got a file"):
        SETS[name](tmp_path / "file", 0.2)


def test_cifar_as_torchvision_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for i, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        data = np.full((2, 3072), i, np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": data, "labels": [i % 10, 9]}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(datasets.cifar, "check_integrity", lambda path, md5: True)
    found = SETS["cifar10"](tmp_path, 0.2)
    assert found.train.labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert found.test.pixels(0, 32).max() == 5


def test_a_folder_with_and_without_a_test_set(tmp_path: Path) -> None:
    for split, count, start in (("train", 4, 0), ("test", 2, 50)):
        for c, name in enumerate(("cat", "dog")):
            for i in range(count):
                rgb(tmp_path / "two" / split / name / f"{i}.png", 100 * c + i + start)
    found = SETS["folder"](tmp_path / "two", 0.5)
    assert found.train.labels.tolist() == [0] * 4 + [1] * 4
    assert found.test.pixels(3, 10)[0, 0].tolist() == [151, 0, 0]
    rgb(tmp_path / "two" / "test" / "bird" / "0.png", 0)
    with pytest.raises(DataError, match="bird: no such class in train; wanted cat, dog"):
        SETS["folder"](tmp_path / "two", 0.5)
    one = SETS["folder"](tmp_path / "two" / "train", 0.25)
    assert (len(one.train.labels), len(one.test.labels)) == (6, 2)


def test_a_folder_is_read_as_ingest_reads_it(tmp_path: Path) -> None:
    for place, name in enumerate(("cat", "dog")):
        for i in range(5):
            rgb(tmp_path / "set" / name / "deep" / f"{i}.png", 40 * place + i)
    for file in (tmp_path / "set" / "cat" / "deep").iterdir():
        file.rename(file.with_suffix(".jfif"))
    (tmp_path / "set" / "__MACOSX").mkdir()
    (tmp_path / "set" / "__MACOSX" / "._0.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "set" / "notes").mkdir()
    (tmp_path / "set" / "notes" / "a.txt").write_text("text")
    with pytest.warns(Advice, match=r"set: 1 file is no image and left out, such as .*a\.txt"):
        found = SETS["folder"](tmp_path / "set", 0.4)
    assert found.names == ("cat", "dog")
    assert sorted([*found.train.labels, *found.test.labels]) == [0] * 5 + [1] * 5


def test_the_same_picture_stays_on_one_side_and_contradictions_are_told(tmp_path: Path) -> None:
    for name, ending in (("cat", "png"), ("dog", "bmp")):
        for i in range(6):
            rgb(tmp_path / "set" / name / f"{i}.{ending}", i)
    told = (
        r"set: 12 images in 6 groups show the same or nearly the same picture, such as .*cat/0\.png"
        r" and .*dog/0\.bmp: .*; 6 groups lie in several classes, such as .*0\.png and .*0\.bmp"
    )
    with pytest.warns(Advice, match=told):
        found = SETS["folder"](tmp_path / "set", 0.5)
    seen = [
        {each.pixels(row, 10)[0, 0, 0] for row in range(6)} for each in (found.train, found.test)
    ]
    assert not seen[0] & seen[1]


def photographs(folder: Path, count: int, ending: str) -> None:
    """Smooth pictures, no two alike, the same for every ending."""
    for c, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            rng = np.random.default_rng([c, i])
            grid = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
            grid.resize((60, 50), Image.Resampling.BICUBIC).save(folder / name / f"{i}.{ending}")


def test_one_photograph_in_two_formats_stays_on_one_side(tmp_path: Path) -> None:
    for ending in ("png", "jpg"):
        photographs(tmp_path / "set", 10, ending)
    with pytest.warns(Advice, match=r"set: 40 images in 20 groups show .* all in the test set$"):
        found = SETS["folder"](tmp_path / "set", 0.25)
    train, test = (
        np.stack([side.pixels(row, 8).astype(float) for row in range(len(side.labels))])
        for side in (found.train, found.test)
    )
    assert len(test) == 10
    gaps = np.abs(test[:, None] - train).mean(axis=(2, 3, 4)).min(axis=1)
    assert gaps.min() > 10  # those of one photograph differ by 2 at most


def test_a_test_set_that_shows_training_images_is_told(tmp_path: Path) -> None:
    photographs(tmp_path / "set" / "train", 5, "png")
    photographs(tmp_path / "set" / "test", 8, "jpg")
    told = (
        r"set: 10 of 16 test images show .* such as .*test/cat/0\.jpg and .*train/cat/0\.png: what"
    )
    with pytest.warns(Advice, match=told):
        found = SETS["folder"](tmp_path / "set", 0.25)
    assert (len(found.train.labels), len(found.test.labels)) == (10, 16)


def test_a_folder_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photographs(tmp_path / "set", 3, "png")
    monkeypatch.chdir(tmp_path)
    assert len(SETS["folder"](Path("set"), 0.5).train.labels) == 3


def test_deep_images_of_a_folder_share_black_and_white(tmp_path: Path) -> None:
    for place, name in enumerate(("cold", "warm")):
        for i in range(2):
            low = 29_300 + 900 * place + i
            values = np.linspace(low, low + 800, 100).astype(np.uint16).reshape(10, 10)
            values = values[:, :: 1 - 2 * i]  # one rises, one falls: no twins
            values = values.T if place else values  # nor is a brighter one with the same pattern
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(tmp_path / "set" / name / f"{i}.png")
    found = SETS["folder"](tmp_path / "set", 0.5)
    by_label = {
        int(label): each.pixels(row, 10).mean()
        for each in (found.train, found.test)
        for row, label in enumerate(each.labels)
    }
    assert by_label[0] < 90 < 160 < by_label[1]


def test_skin_lesions_are_split_by_lesion(tmp_path: Path) -> None:
    names = [f"ISIC_{i:07d}" for i in range(20)]
    lesions = [f"HAM_{i // 2}" for i in range(20)]
    kinds = ["nv", "mel"] * 10
    rows = [f"{b},{a},{c},x,1,m,y" for a, b, c in zip(names, lesions, kinds, strict=True)]
    head = "lesion_id,image_id,dx,dx_type,age,sex,localization"
    (tmp_path / "HAM10000_metadata.csv").write_text("\n".join([head, *rows]))
    for i, name in enumerate(names):
        rgb(tmp_path / f"HAM10000_images_part_{1 + i % 2}" / f"{name}.jpg", i)
    found = SETS["ham10000"](tmp_path, 0.3)
    assert (len(found.train.labels), len(found.test.labels)) == (14, 6)
    assert sorted(found.test.labels.tolist()) == [0, 0, 0, 1, 1, 1]  # both images of a lesion
    (tmp_path / "HAM10000_images_part_1" / f"{names[0]}.jpg").unlink()
    with pytest.raises(DataError, match=r"1 are missing, the first is ISIC_0000000\.jpg"):
        SETS["ham10000"](tmp_path, 0.3)


def test_isic_goes_by_its_table(tmp_path: Path) -> None:
    names = [f"ISIC_{i}" for i in range(6)]
    rows = [f"{name},{float(i % 2 == 0)},{float(i % 2)},0.0" for i, name in enumerate(names)]
    table = tmp_path / "ISIC_2019_Training_GroundTruth.csv"
    table.write_text("\n".join(["image,MEL,NV,UNK", *rows]))
    lesions = [f"{name},{'' if i < 2 else f'L{i // 2}'}" for i, name in enumerate(names)]
    (tmp_path / "ISIC_2019_Training_Metadata.csv").write_text(
        "\n".join(["image,lesion_id", *lesions])
    )
    for name in names:
        rgb(tmp_path / "ISIC_2019_Training_Input" / f"{name}.jpg", 0)
    found = SETS["isic2019"](tmp_path, 0.5)
    assert sorted([*found.train.labels, *found.test.labels]) == [0, 0, 0, 1, 1, 1]


def three_in(path: Path, **change: np.ndarray) -> Path:
    """Three rows of features in each split; `change` : other arrays, None: none."""
    features, labels = np.zeros((3, 2), np.float32), np.arange(3)
    good = {"train": features, "test": features, "train_labels": labels, "test_labels": labels}
    arrays = {key: value for key, value in {**good, **change}.items() if value is not None}
    np.savez(path, **arrays)
    return path


NOT_FINITE = np.array([[0, 0], [0, np.nan], [np.inf, 0]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": np.zeros((3, 2), int)}, r"npz: train: wanted features .*, got \(3, 2\) int64"),
        ({"train_labels": np.zeros(2, int)}, r"npz: train_labels has 2 entries, train 3 rows"),
        ({"test_labels": np.zeros((3, 1), int)}, r"test_labels has the shape \(3, 1\), test 3"),
        ({"test_labels": np.array([0, -1, 1])}, r"npz: test_labels: .*, got -1 in row 1"),
        ({"train_labels": np.array(list("abc"))}, r"npz: train_labels: .* places, got text \(<U1"),
        ({"train_labels": np.zeros(3)}, r"npz: train_labels: .*, got decimal numbers \(float64"),
        ({"train_labels": np.array(list("abc"), object)}, r"train_labels holds Python objects"),
        ({"test": None}, r"no array test in it, but train, train_labels, test_labels; wanted"),
        ({"test": np.zeros((3, 5), np.float32)}, "differ in more than their number of rows"),
        ({"train": NOT_FINITE}, r"finite numbers .*got others in row 1 and 1 more of train \("),
        ({"test": NOT_FINITE.astype(np.float16)}, r"got others in row 1 and 1 more of test \("),
        ({"test": np.array([[0, 0], [0, 0], [1e39, 0]])}, r"got others in row 2 of test \("),
    ],
)
def test_arrays_that_do_not_fit(change: dict[str, np.ndarray], said: str, tmp_path: Path) -> None:
    path = three_in(tmp_path / "x.npz", **change)
    with pytest.raises(DataError, match=said):
        SETS["npz"](path, 0.2)


def test_an_empty_file_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "x.npz").touch()
    with pytest.raises(DataError, match=r"x.npz: wanted an .npz file .* cut off; wanted train and"):
        SETS["npz"](tmp_path / "x.npz", 0.2)


def test_wide_floats_become_float32(tmp_path: Path) -> None:
    wide = np.array([[0.1, 2], [3, 4], [5, 6]])
    found = SETS["npz"](three_in(tmp_path / "x.npz", train=wide), 0.2).features
    assert found is not None
    assert found[0].dtype == found[1].dtype == np.float32
    np.testing.assert_array_equal(found[0], wide.astype(np.float32))


@given(counts=st.lists(st.integers(1, 40), min_size=2, max_size=6), factor=st.floats(1.1, 60))
def test_a_long_tail_follows_the_profile(counts: list[int], factor: float) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = long_tail(labels, factor)
    assert rows.tolist() == sorted(set(rows.tolist()))
    for c, count in enumerate(counts):
        wanted = int(max(counts) * factor ** (-c / (len(counts) - 1)))
        assert np.count_nonzero(labels[rows] == c) == min(wanted, count)


def test_cifar_lt_has_the_papers_number_of_rows() -> None:
    assert len(long_tail(np.repeat(np.arange(10), 5000), 50.0)) == 13_996


@given(n=st.integers(2, 60), share=st.floats(0.1, 0.9), seed=st.integers(0, 9))
def test_a_random_split_keeps_groups_together(n: int, share: float, seed: int) -> None:
    groups = np.random.default_rng(seed).integers(0, n, n)
    groups = np.unique(groups, return_inverse=True)[1]
    whole = of_array(np.zeros((n, 2, 2, 3), np.uint8), groups)
    train, test = drawn(whole, share, groups)
    assert not set(train.labels) & set(test.labels)
    assert len(train.labels) + len(test.labels) == n
    assert len(test.labels) <= max(share * n, np.bincount(groups).max())


@pytest.mark.slow
def test_images_are_written_once_and_become_features(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = (rng.integers(0, 100, (60, 8, 8, 3)) + 100 * labels[:, None, None, None]).astype(
        np.uint8
    )
    np.savez(
        tmp_path / "images.npz", train=images, test=images, train_labels=labels, test_labels=labels
    )
    data = {"name": "npz", "path": str(tmp_path / "images.npz"), "size": 8}
    folder = tmp_path / "out"
    found = done(folder, tmp_path / "x", data=data, encoder="pixels", pool=40)
    features = list((folder / "cache" / "features").iterdir())
    assert len(features) == 1
    assert found["rows"][-1]["accuracy"] > 0.9
    done(folder, tmp_path / "x", data=data, encoder={"name": "pixels", "each_seed": True}, pool=40)
    assert len(list((folder / "cache" / "features").iterdir())) == 3  # one more for each seed
    assert len(list((folder / "cache" / "images").iterdir())) == 1


def test_images_want_an_encoder(tmp_path: Path) -> None:
    with np.load(both_in(tmp_path / "both.npz")) as arrays:
        images = {key: arrays[key] for key in arrays if "features" not in key}
    np.savez(tmp_path / "images.npz", **images)
    path = tmp_path / "images.npz"
    reads = "got none; its features are what clusters and strategies read"
    with pytest.raises(SettingsError, match=f"wanted one for the images of npz, {reads}: write"):
        done(tmp_path / "out", path)
    with pytest.raises(SettingsError, match=f"{reads}, while the model knows no two classes: wri"):
        done(tmp_path / "out", path, features="model", learners="finetune")


def test_changed_images_are_another_set(tmp_path: Path) -> None:
    for start, c in enumerate("ab"):
        for i in range(5):
            rgb(tmp_path / "set" / c / f"{i}.png", 10 * i + start)
    changed = tmp_path / "set" / "a" / "0.png"
    before, times = SETS["folder"](tmp_path / "set", 0.4), changed.stat()
    data = changed.read_bytes()
    changed.write_bytes(data[:-1] + b"x")
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))  # neither size nor time tells
    after = SETS["folder"](tmp_path / "set", 0.4)
    assert before.train.stamp != after.train.stamp


def test_the_images_beside_features_count(tmp_path: Path) -> None:
    features = np.zeros((2, 1), np.float32)
    labels = np.arange(2)
    one, same, other = (
        Data(features, labels, features, labels, pixels=each).fingerprint() for each in "aab"
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("first", "step", "names"), [(1, 1, ("1", "2", "3")), (10**9, 7, None), (0, 1, ())]
)
def test_classes_are_numbered_as_they_occur(
    first: int, step: int, names: tuple[str, ...] | None, tmp_path: Path
) -> None:
    train, test = first + step * np.array([0, 2, 0]), first + step * np.array([1, 1, 2])
    path = three_in(tmp_path / "x.npz", train_labels=train, test_labels=test)
    found = SETS["npz"](path, 0.2)
    assert (found.train.labels.tolist(), found.test.labels.tolist()) == ([0, 2, 0], [1, 1, 2])
    expected = tuple(str(first + step * i) for i in range(3)) if names is None else names
    assert found.names == expected


def test_names_go_by_the_numbers_in_the_file(tmp_path: Path) -> None:
    labels, texts = np.array([1, 3, 1]), np.array(["none", "cat", "cow", "dog"])
    path = three_in(tmp_path / "x.npz", train_labels=labels, test_labels=labels, classes=texts)
    assert SETS["npz"](path, 0.2).names == ("cat", "dog")
    path = three_in(tmp_path / "x.npz", train_labels=labels, test_labels=labels, classes=texts[1:])
    with pytest.raises(DataError, match=r"wanted classes, 4 texts or more, of class 0 to class 3"):
        SETS["npz"](path, 0.2)


def test_names_of_the_classes(tmp_path: Path) -> None:
    for colour, c in enumerate(("dog", "cat")):
        rgb(tmp_path / "set" / c / "0.png", colour)
    assert SETS["folder"](tmp_path / "set", 0.5).names == ("cat", "dog")
    path = both_in(tmp_path / "both.npz", classes=np.array(["a", "b"]))
    assert SETS["npz"](path, 0.2).names == ("a", "b")
    path = both_in(tmp_path / "both.npz", classes=np.array(["a"]))
    with pytest.raises(
        DataError, match=r"wanted classes, 2 texts or more,.* \(got \(1,\) .*; name every"
    ):
        SETS["npz"](path, 0.2)


def both_in(path: Path, **change: np.ndarray) -> Path:
    """Images with their features beside them."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = np.full((40, 8, 8, 3), 200 * labels[:, None, None, None], np.uint8)
    features = (rng.standard_normal((40, 3)) + 4 * labels[:, None]).astype(np.float32)
    arrays = {"train": images, "test": images, "train_labels": labels, "test_labels": labels}
    arrays |= {"train_features": features, "test_features": features}
    np.savez(path, **{**arrays, **change})
    return path


@pytest.mark.slow
def test_learners_see_the_images_and_strategies_the_features_beside_them(tmp_path: Path) -> None:
    path = both_in(tmp_path / "both.npz")
    options = {"network": "cnn", "epochs": 30, "threads": 1, "shift": 0}
    options |= {"optimizer": "adam", "learning_rate": 0.01}
    learner = {"name": "finetune", "options": options}
    found = done(tmp_path / "out", path, pool=30, budget="small", learners=learner)
    assert found["rows"][-1]["accuracy"] > 0.9
    assert not (tmp_path / "out" / "cache" / "features").exists()


def test_features_beside_images_must_be_theirs(tmp_path: Path) -> None:
    path = both_in(tmp_path / "both.npz", test_features=np.zeros((39, 3), np.float32))
    with pytest.raises(DataError, match=r"wanted test_features \(40, d\).*got \(39, 3\) float32"):
        SETS["npz"](path, 0.2)
    path = both_in(tmp_path / "both.npz", test_features=np.full((40, 3), np.nan))
    with pytest.raises(DataError, match="got others in row 0 and 39 more of test_features"):
        SETS["npz"](path, 0.2)
    for split, other in (("train", "test"), ("test", "train")):
        with np.load(path) as arrays:
            kept = {key: arrays[key] for key in arrays if key != f"{split}_features"}
        np.savez(tmp_path / "one.npz", **kept)
        said = f"got {other}_features alone; add {split}_features, or leave both out"
        with pytest.raises(DataError, match=said):
            SETS["npz"](tmp_path / "one.npz", 0.2)
    path = both_in(tmp_path / "both.npz", test_features=np.zeros((40, 4), np.float32))
    with pytest.raises(DataError, match=r"train_features .* and test_features .* differ in more"):
        SETS["npz"](path, 0.2)


def test_features_take_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="npz has features already"):
        done(tmp_path / "out", blobs_in(tmp_path), encoder="pixels")
    with pytest.raises(
        SettingsError, match=r"npz has features only: .*got finetune, which sees images"
    ):
        done(tmp_path / "out", blobs_in(tmp_path), learners="finetune")


def test_squares_are_the_images_resized(tmp_path: Path) -> None:
    rgb(tmp_path / "set" / "a" / "0.png", 7)
    rgb(tmp_path / "set" / "b" / "0.png", 9)
    rgb(tmp_path / "set" / "b" / "1.png", 11)
    found = SETS["folder"](tmp_path / "set", 0.4)
    made = squares(found, 6, tmp_path / "cache", silent)
    assert made.train.shape[1:] == made.test.shape[1:] == (6, 6, 3)
    assert sorted([*made.train[:, 0, 0, 0], *made.test[:, 0, 0, 0]]) == [7, 9, 11]
    again = squares(found, 6, tmp_path / "cache", silent)
    assert again.digest == made.digest
    whole = (tmp_path / "set" / "b" / "1.png").read_bytes()
    (tmp_path / "set" / "b" / "2.png").write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"2\.png: wanted an image, got"):
        SETS["folder"](tmp_path / "set", 0.4)
    (tmp_path / "set" / "b" / "1.png").write_bytes(whole[:-30])  # after it was looked at
    with pytest.raises(DataError, match=r"1\.png: wanted an image, got"):
        squares(found, 6, tmp_path / "other", silent)


def test_the_training_of_an_encoder_is_watched_with_the_labels_of_its_images(
    tmp_path: Path,
) -> None:
    with np.load(both_in(tmp_path / "both.npz")) as arrays:
        np.savez(tmp_path / "images.npz", **{k: arrays[k] for k in arrays if "features" not in k})
    encoder = {"name": "smallconv", "each_seed": True, "options": {"epochs": 2}}
    given = settings(tmp_path / "images.npz", encoder=encoder, pool=20, seeds=1, rounds=1)
    found = experiment.parse(given, "e.yaml")
    seen: list[Any] = []

    def watching(labels: np.ndarray) -> Callable[[Progress], None]:
        seen.append(labels)
        return seen.append

    reads = load_sets.opened(found, tmp_path)
    workspace = Workspace(tmp_path, tmp_path / "cache", silent, watching)
    problem, _ = next(problems(found, found.data[0], reads[0], workspace))
    rows = problem.rows(0)
    np.testing.assert_array_equal(seen[0], problem.source.data.train_labels[rows])
    assert [step.epoch for step in seen[1:]] == [1, 2]


# --- named groups --------------------------------------------------------------------------


def patients(folder: Path, count: int) -> None:
    """Each patient has images of both classes."""
    for patient in range(count):
        for place, name in enumerate(("sick", "well")):
            for n in range(3):
                rgb(folder / name / f"p{patient}" / f"{n}.png", 20 * patient + 4 * n + place)


def grouped(data: dict[str, Any]) -> experiment.Experiment:
    given = settings(Path(), data=data, pool=None)
    images = {"encoder": "pixels"} if data["name"] == "folder" else {}
    return experiment.parse({**given, **images}, "x")


def patients_of(folder: Path, found: Any) -> tuple[set[int], set[int]]:
    """Patients in the training and in the test set, by the colour of their images."""
    return tuple(
        {int(part.pixels(row, 8)[0, 0, 0]) // 20 for row in range(len(part.labels))}
        for part in (found.train, found.test)
    )


@pytest.mark.parametrize("group", [{"folder": 1}, {"path": r"/(p\d+)/"}])
def test_a_folder_is_split_by_its_groups(tmp_path: Path, group: dict[str, Any]) -> None:
    patients(tmp_path / "set", 10)
    data = {"name": "folder", "path": "set", "test": 0.2, "group": group}
    found = load_sets.opened(grouped(data), tmp_path)
    train, test = patients_of(tmp_path / "set", found[0])
    assert train | test == set(range(10))
    assert not train & test
    assert len(test) == 2


def test_groups_that_a_given_split_tears_are_told(tmp_path: Path) -> None:
    patients(tmp_path / "set" / "train", 3)
    for n in range(2):
        rgb(tmp_path / "set" / "test" / "sick" / "p1" / f"{n}.png", 200 + 4 * n)
        rgb(tmp_path / "set" / "test" / "well" / "p9" / f"{n}.png", 230 + 4 * n)
    data = {"name": "folder", "path": "set", "group": {"folder": 1}}
    with pytest.warns(Advice, match=r"set: 1 group is in train and in test, such as 'p1': what is"):
        load_sets.opened(grouped(data), tmp_path)


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ({"folder": 2}, r"sick/p0/0.png has no group: data.group: \{folder: 2\}: .*, got 1; lower"),
        ({"path": "x(y)"}, r"has no group: .* the expression matches, .* \(data.group\)"),
    ],
)
def test_a_folder_without_such_groups_is_named(
    tmp_path: Path, group: dict[str, Any], text: str
) -> None:
    patients(tmp_path / "set", 2)
    data = {"name": "folder", "path": "set", "group": group}
    parsed = grouped(data)
    with pytest.raises(DataError, match=text):
        load_sets.opened(parsed, tmp_path)


def test_one_group_cannot_be_split_and_other_sets_have_none(tmp_path: Path) -> None:
    patients(tmp_path / "set", 1)
    data = {"name": "folder", "path": "set", "group": {"folder": 1}}
    with pytest.raises(DataError, match=r"all images are of one group, .*; wanted two groups at"):
        load_sets.opened(grouped(data), tmp_path)
    for other in ({**data, "name": "npz"}, {**data, "group": {"column": "x"}}):
        with pytest.raises(SettingsError, match=r"data\.group: wanted \{folder: 1\} or \{path: "):
            load_sets.opened(grouped(other), tmp_path)
