import os
import unicodedata
from pathlib import Path

import pytest

from labelcycle.errors import DataError
from labelcycle.finding import find


def touch(base: Path, *names: str) -> None:
    for name in names:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(found: list[Path], base: Path) -> list[str]:
    return [os.path.relpath(path, base.resolve()) for path in found]


def test_a_folder_is_taken_with_all_below_it_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "in/b.png", "in/a/z.png", "in/a/deep/y", "out.png")
    assert names(find(["in"], tmp_path), tmp_path) == ["in/a/deep/y", "in/a/z.png", "in/b.png"]


def test_the_same_file_named_twice_is_found_once(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.png")
    paths = ["in/a.png", "in", "./in/../in/a.png", str(tmp_path / "in")]
    assert names(find(paths, tmp_path), tmp_path) == ["in/a.png"]


def test_patterns_are_matched(tmp_path: Path) -> None:
    touch(tmp_path, "a1.png", "a2.jpg", "sub/a3.png", "sub/.a4.png")
    assert names(find(["*.png"], tmp_path), tmp_path) == ["a1.png"]
    assert names(find(["**/*.png"], tmp_path), tmp_path) == ["a1.png", "sub/a3.png"]
    assert names(find(["su?"], tmp_path), tmp_path) == ["sub/a3.png"]
    assert names(find([str(tmp_path / "a[2-9]*")], tmp_path), tmp_path) == ["a2.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].png", "a1.png", "b*", "bb")
    assert names(find(["a[1].png", "b*"], tmp_path), tmp_path) == ["a[1].png", "b*"]


def test_a_list_names_files_and_folders_relative_to_itself(tmp_path: Path) -> None:
    touch(tmp_path, "lists/x.png", "lists/in/y.png", "lists/# no comment.png", "z.png")
    text = "\ufeffx.png\r\n\n  \nin\n../z.png\n# no comment.png\ngone.png\n"
    (tmp_path / "lists" / "all.txt").write_bytes(text.encode())
    assert names(find(["@lists/all.txt"], tmp_path), tmp_path) == [
        "lists/# no comment.png",
        "lists/gone.png",
        "lists/in/y.png",
        "lists/x.png",
        "z.png",
    ]


def test_a_missing_or_garbled_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"cannot read the list .*none\.txt.*a file or folder a line"
    ):
        find(["@none.txt"], tmp_path)
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"cannot read the list .*bad\.txt"):
        find(["@bad.txt"], tmp_path)


def test_odd_names_are_found(tmp_path: Path) -> None:
    odd = [
        "a b.png",
        "#1.png",
        "100%.png",
        "x&y+z.png",
        "größe.png",
        "写真.png",
        unicodedata.normalize("NFC", "é.png"),
        unicodedata.normalize("NFD", "é.png"),
        "n" * 251 + ".png",
        "line\nbreak.png",
        "-rf",
        "@at.png",
    ]
    touch(tmp_path, *(f"in/{name}" for name in odd))
    assert {path.name for path in find(["in"], tmp_path)} == set(odd)


def test_a_name_that_is_not_utf_8_is_found(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    assert [os.fsencode(path.name) for path in find(["."], tmp_path)] == [b"\xff.png"]


def test_hidden_files_are_left_out_unless_they_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "in/.a.png", "in/.git/b.png", "in/c.png")
    assert names(find(["in"], tmp_path), tmp_path) == ["in/c.png"]
    assert names(find(["in/.a.png"], tmp_path), tmp_path) == ["in/.a.png"]
    assert names(find(["in/.git"], tmp_path), tmp_path) == ["in/.git/b.png"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "far/a.png", "in/b.png")
    (tmp_path / "in" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "in" / "self").symlink_to("self")
    (tmp_path / "in" / "broken").symlink_to("nowhere")
    (tmp_path / "in" / "link.png").symlink_to("b.png")
    assert names(find(["in"], tmp_path), tmp_path) == [
        "in/b.png",
        "in/broken",
        "in/far/a.png",
        "in/link.png",
        "in/self",
    ]


def test_a_folder_that_cannot_be_read_is_in_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "in/a.png", "in/locked/b.png")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(find(["in"], tmp_path), tmp_path) == ["in/a.png", "in/locked"]


def test_a_path_that_means_nothing_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    for path in ("pics", "*.jpg"):
        with pytest.raises(
            DataError, match=r"no images: '.*' is no file, no folder and no pattern"
        ):
            find(["a.png", path], tmp_path)


def test_no_file_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    touch(tmp_path, "in/.hidden.png")
    with pytest.raises(DataError, match=r"no images: 'in' holds no file; wanted image files"):
        find(["in"], tmp_path)
    with pytest.raises(DataError, match=r"no images: an empty list of paths"):
        find([], tmp_path)
