import os
import unicodedata
from pathlib import Path

import pytest

from labelcycle.core.one_line_warnings import Advice
from labelcycle.errors import DataError
from labelcycle.ingest.paths import find


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


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with links within it, and three that lead out."""
    touch(tmp_path, "far/a.png", "in/b.png", "in/sub/c.png")
    (tmp_path / "in" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self").symlink_to("self")
    (tmp_path / "in" / "broken").symlink_to("sub/nowhere")
    (tmp_path / "in" / "link.png").symlink_to("b.png")
    (tmp_path / "in" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "in" / "gone").symlink_to("../nowhere")
    (tmp_path / "in" / "sub" / "a.png").symlink_to("../../far/a.png")
    return tmp_path


WITHIN = ["in/b.png", "in/broken", "in/link.png", "in/self", "in/sub/c.png"]
OUT = ["in/far/a.png", "in/gone", "in/sub/a.png"]


def test_links_within_a_folder_are_followed_and_others_told(linked: Path) -> None:
    with pytest.warns(Advice, match=r"^left out: 3 links lead out of the folder given, "):
        assert names(find(["in"], linked), linked) == WITHIN
    assert names(find(["in"], linked, follow_links=True), linked) == sorted(WITHIN + OUT)


def test_a_link_that_is_named_is_meant(linked: Path) -> None:
    assert names(find(["in/far", "in/sub/a.png"], linked), linked) == ["in/far/a.png", OUT[2]]
    (linked / "here").symlink_to("in/sub")
    with pytest.warns(Advice, match=r"a link leads out of the folder given, such as .*here/a\.png"):
        assert names(find(["here"], linked), linked) == ["here/c.png"]
    with pytest.warns(Advice, match="2 links lead"):  # the third was named, too
        find(["in", "in/sub/a.png"], linked)


def test_a_folder_of_links_alone_says_how_they_are_taken(tmp_path: Path) -> None:
    touch(tmp_path, "far/a.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").symlink_to("../far/a.png")
    with pytest.raises(DataError, match=r"no images: a link leads out .* --follow-links takes"):
        find(["in"], tmp_path)


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_an_empty_text_is_not_this_folder(tmp_path: Path, text: str) -> None:
    touch(tmp_path, "a.png")
    with pytest.raises(DataError, match=r"got an empty text: a variable of the shell"):
        find(["a.png", text], tmp_path)


def test_an_address_of_a_file_is_its_path(tmp_path: Path) -> None:
    touch(tmp_path, "in/a b#%é.png", "in/c.png")
    here = (tmp_path / "in").as_uri()
    (tmp_path / "list.txt").write_text(f"{here}/c.png\n")
    whole = (tmp_path / "in" / "a b#%é.png").as_uri()
    assert names(find([whole], tmp_path), tmp_path) == ["in/a b#%é.png"]
    assert len(find([here.replace("file:///", "FILE://localhost/")], tmp_path)) == 2
    assert names(find(["@list.txt"], tmp_path), tmp_path) == ["in/c.png"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "gs://bucket/a",
            r"or file://, got gs://; a bucket of Google is read as S3",
        ),
        ("az://box/a", "got az://; copy the images to a folder"),
        ("hdfs://host/a", "got hdfs://; copy"),
        ("abfss://c@a.example/x", "got abfss://; copy"),
        ("FTP://host/a", "got ftp://; fetch the images"),
        ("file://other/a.png", "on this computer, got 'file://other/a.png'"),
        ("file://", "on this computer, got 'file://'"),
        ("file:///no/such.png", "there is no /no/such.png"),
    ],
)
def test_addresses_that_are_not_read_say_what_is_possible(
    tmp_path: Path, text: str, error: str
) -> None:
    (tmp_path / "list.txt").write_text(f"{text}\n")
    for given in (text, "@list.txt"):
        with pytest.raises(DataError, match=error):
            find([given], tmp_path)


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
