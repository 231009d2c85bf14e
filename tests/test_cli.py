"""The command: help for everything, one line and a code for what goes wrong."""

import errno
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from labelcycle.cli import main as main_module
from labelcycle.cli.campaign_option import GivenPath
from labelcycle.cli.main import cli, main

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself_and_stands_on_a_page(name):
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 4
    pages = [ROOT / "README.md", *(ROOT / "docs" / "guides").glob("*.md")]
    assert any(is_shown(name, page.read_text(encoding="utf-8")) for page in pages)


def typed_paths() -> list[tuple[str, click.Parameter]]:
    """Every argument and option that is a path, with its command's name."""
    found: list[tuple[str, click.Parameter]] = []
    groups: list[tuple[str, click.Command]] = [("", cli)]
    while groups:
        name, command = groups.pop()
        found += [(name, each) for each in command.params if isinstance(each.type, click.Path)]
        if isinstance(command, click.Group):
            groups += [(f"{name} {key}".strip(), one) for key, one in command.commands.items()]
    return found


def test_every_path_is_of_the_type_that_refuses_an_empty_text():
    paths = typed_paths()
    assert {(name, each.name) for name, each in paths} >= {
        ("", "folder"),
        ("init", "directory"),
        ("export", "file"),
        ("simulate", "place"),
        ("simulate", "into"),
    }
    assert [(name, each.name) for name, each in paths if type(each.type) is not GivenPath] == []


@pytest.mark.parametrize("text", ["", "  "])
@pytest.mark.parametrize(
    "words",
    [
        ["init"],
        ["export"],
        ["import-labels"],
        ["demo"],
        ["simulate"],
        ["simulate", "x.yaml", "--data"],
        ["simulate", "x.yaml", "--into"],
        ["annotate", "--truth"],
        ["-C"],
    ],
)
def test_an_empty_path_is_not_this_folder(words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, [*words, text, *(["status"] if words == ["-C"] else [])])
    assert result.exit_code == 2
    assert f"wanted a path, got {text!r}; write . for this folder" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["up", "--host"], ["serve", "--webhook"], ["serve", "--listen"]])
def test_an_empty_text_is_not_an_option_left_out(words, tmp_path):
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), *words, ""])
    assert result.exit_code == 2
    assert "wanted a text, got ''; leave the option out" in result.output


def is_shown(name: str, page: str) -> bool:
    """True if the page shows the command as one types it, or names it between code marks."""
    typed = rf"\blabelcycle (-C \S+ |--campaign \S+ )?{re.escape(name)}(?![\w-])"
    return bool(re.search(typed, page) or re.search(rf"`{re.escape(name)}( [^`]*)?`", page))


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("    labelcycle open     # the next round", True),
        ("`.venv/bin/labelcycle -C demo open`", True),
        ("then `open` it", True),
        ("`open --now`", True),
        ("if the next round opens by itself, open the project", False),
        ("labelcycle opens", False),
        ("labelcycle open-round", False),
        ("in `campaign.open_next` of `open_next`", False),
    ],
)
def test_prose_shows_no_command(page: str, shown: bool):
    assert is_shown("open", page) == shown


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["status"], r"is not a campaign: wanted a git repository with params.yaml; .*init"),
        (["ingest", "x"], r"is not a campaign"),
        (["export", "-"], r"is not a campaign|is missing"),
        (["up"], r"is not a campaign"),
    ],
)
def test_outside_a_campaign_the_remedy_is_named(words, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["labelcycle", *words])
    with pytest.raises(SystemExit, match=r"^1$"):
        main()
    assert re.fullmatch(rf"labelcycle: .*({text}).*\n", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_nothing_slow_is_imported_before_a_command_runs():
    program = (
        "import sys, labelcycle.cli.main\n"
        "slow = {'numpy', 'pydantic', 'torch', 'yaml', 'labelcycle.campaign.sample_files'}\n"
        "print(slow & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_wrong_usage_ends_with_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", "runn"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "No such command 'runn'" in done.stderr


def test_a_full_disk_is_told_in_one_line(monkeypatch, capsys):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device", "x/y")

    monkeypatch.setattr(main_module, "cli", full)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("labelcycle: the disk refused: x/y: No space left on device; free some")
    assert told.count("\n") == 1


def test_another_error_of_the_system_keeps_its_traceback(monkeypatch):
    def mistaken(**_):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x/y")

    monkeypatch.setattr(main_module, "cli", mistaken)
    with pytest.raises(FileNotFoundError):
        main()
