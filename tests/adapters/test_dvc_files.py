"""What a repository may hold for DVC beside the campaign's own pipeline."""

import subprocess
from pathlib import Path

import pytest

from labelcycle.adapters.dvc import tracked_files
from labelcycle.errors import StateError
from labelcycle.stages import declaration

PLAIN = "outs:\n- md5: 0123\n  size: 3\n  hash: md5\n  path: {}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name, text in {
        "dvc.yaml": declaration.print_dvc_yaml(),
        **dict.fromkeys(("dvc.lock", ".dvc/config", ".gitignore"), ""),
        "params.yaml": "pretrain: {options: {file: mine.npz}}",
        "data/images.dvc": PLAIN.format("images"),
        "data/mine/features.npz.dvc": PLAIN.format("features.npz") + "desc: mine\n",
    }.items():
        put(tmp_path, name, text, tracked=False)
    subprocess.run(["git", "add", "--force", "."], cwd=tmp_path, check=True)
    return tmp_path


def put(root: Path, name: str, text: str, tracked: bool = True) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    if tracked:
        subprocess.run(["git", "add", "--force", name], cwd=root, check=True)


def test_plain_data_of_ours_and_of_others_are_no_harm(root: Path) -> None:
    put(root, "docs/notes.md", "")
    put(root, "mine.npz.dvc", PLAIN.format("mine.npz"))  # named in params.yaml
    tracked_files.check(root)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("docs/dvc.yaml", "stages: {}", "it may declare commands"),
        ("data/ü b/dvc.lock", "", "it may declare commands"),
        ("data/x.dvc", PLAIN.format("x") + "deps:\n- path: y\n", "it has deps"),
        ("data/x.dvc", PLAIN.format("x") + "frozen: true\nwdir: ..\n", "it has frozen, wdir"),
        ("data/x.dvc", PLAIN.format("x") + "  remote: away\n", "an out has remote"),
        ("data/x.dvc", PLAIN.format("../../x"), "an out is not beside it"),
        ("data/x.dvc", PLAIN.format("/etc/x"), "an out is not beside it"),
        ("data/x.dvc", PLAIN.format("s3://bucket/x"), "an out is not beside it"),
        ("data/x.dvc", PLAIN.format(".."), "an out is not beside it"),
        ("x.dvc", PLAIN.format(".labelcycle"), "not below data/"),
        ("x.dvc", PLAIN.format("params.yaml"), "not below data/"),
        ("x.dvc", PLAIN.format("other.npz"), "not below data/"),
        ("x.dvc", PLAIN.format("data"), "not below data/"),
        ("docs/x.dvc", PLAIN.format("x"), "not below data/"),
        ("rounds/000/x.dvc", PLAIN.format("plan.json"), "not below data/"),
        ("DATA/x.dvc", PLAIN.format("x"), "not below data/"),
        ("data/x.dvc", PLAIN.format(".gitattributes"), "the campaign's own files"),
        ("data/.x/x.dvc", PLAIN.format("x"), "the campaign's own files"),
        ("data/x.dvc", PLAIN.format("y.dvc"), "what DVC would obey"),
        ("data/x.dvc", PLAIN.format("DVC.yaml"), "what DVC would obey"),
        ("data/x.dvc", "outs: x", "its outs are not as DVC writes them"),
        ("data/x.dvc", "- 1", "it holds no mapping"),
        ("data/x.dvc", "a: [", "it cannot be read"),
    ],
)
@pytest.mark.parametrize("tracked", [False, True])
def test_what_does_more_is_refused(
    name: str, text: str, reason: str, tracked: bool, root: Path
) -> None:
    put(root, name, text, tracked)
    with pytest.raises(StateError) as caught:
        tracked_files.check(root)
    assert name in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "file", [".labelcycle/x", ".dvc/tmp", "params.yaml", "Params.yaml", "work/x"]
)
def test_settings_that_name_a_file_of_the_campaign_give_it_to_no_data(
    root: Path, file: str
) -> None:
    put(root, "params.yaml", f"pretrain: {{options: {{file: {file}}}}}")
    put(root, f"{file}.dvc", PLAIN.format(Path(file).name))
    with pytest.raises(StateError, match=r"is no part of the campaign"):
        tracked_files.check(root)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stages: {embed: {cmd: labelcycle stage embed, outs: [.labelcycle]}}", "writes"),
        ("stages: {embed: {cmd: labelcycle stage embed, outs: [../x]}}", "writes"),
        ("stages: {embed: {cmd: labelcycle stage embed, outs: [work/../x]}}", "writes"),
        ("stages: {embed: {cmd: labelcycle stage embed, outs: [work/.x]}}", "writes"),
        ("stages: {embed: {cmd: labelcycle stage embed, outs: ['${x}']}}", "writes"),
        ("stages: {embed: {cmd: labelcycle stage embed, outs: params.yaml}}", "writes"),
        ("stages: {x: {cmd: labelcycle stage embed, metrics: [params.yaml]}}", "writes"),
        ("stages: {x: {cmd: labelcycle stage embed, outs: [work/x: {remote: y}]}}", "writes"),
        ("stages: {x: {cmd: labelcycle stage embed, outs: [{work/x: null, y: 1}]}}", "writes"),
        ("stages: {embed: {cmd: labelcycle stage embed; id}}", "runs another command"),
        ("stages: {embed: {outs: [work/x]}}", "runs another command"),
        ("stages: {embed: {cmd: labelcycle stage embed, wdir: ..}}", "of other kinds"),
        ("stages: {embed: {foreach: [1], do: {cmd: id}}}", "of other kinds"),
        ("stages: [1]", "of other kinds"),
        ("vars: [x.yaml]\nstages: {}", "something else than stages"),
        ("", "something else than stages"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_pipeline_that_writes_or_runs_something_else_is_refused(
    text: str, reason: str, root: Path
) -> None:
    put(root, "dvc.yaml", text)
    with pytest.raises(StateError, match=rf"dvc.yaml is not as labelcycle prints it: .*{reason}"):
        tracked_files.check(root)
    tracked_files.check_data(root)  # `init` may print it anew


@pytest.mark.parametrize("name", sorted((*tracked_files.FOLDERS, *tracked_files.FILES)))
def test_a_link_is_refused_whether_git_keeps_it_or_not(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to("/tmp")
    with pytest.raises(StateError, match=f"{name} is a symbolic link"):
        tracked_files.check_links(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["data", "rounds/000", "work", "params.yaml", ".dvc/tmp", ".gitignore", "PARAMS.yaml"],
)
def test_a_link_in_place_of_a_campaigns_own_is_refused(name: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).symlink_to("/tmp")
    subprocess.run(["git", "add", "--force", name], cwd=tmp_path, check=True)
    with pytest.raises(StateError, match=f"{name}"):
        tracked_files.check(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        ".dvc/config.local",
        ".dvc/tmp/btime",
        ".dvc/cache/files/md5/00/11",
        ".dvc/CONFIG.local",
        ".DVC/Tmp/btime",
    ],
)
def test_what_a_folder_makes_itself_does_not_come_by_git(name: str, root: Path) -> None:
    put(root, name, "", tracked=False)
    tracked_files.check_local(root)
    put(root, name, "")
    with pytest.raises(StateError, match=r"git keeps .*; remove it with `git rm -r -q \.[A-Za-z]"):
        tracked_files.check_local(root)
