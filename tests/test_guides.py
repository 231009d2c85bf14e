"""README and guides: what they tell people to write and to type is what labelcycle takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import yaml

from labelcycle import config
from labelcycle.cli.main import cli
from labelcycle.simulate import experiment

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md")))
}
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(labelcycle [^`\n]+)`")


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of one language in the text of a page, in its order."""
    return [found[3] for found in BLOCK.finditer(page) if found[2] == kind]


def typed(page: str) -> Iterator[str]:
    """What a page tells people to type to labelcycle, in blocks and in the text."""
    yield from SPAN.findall(page)
    for block in blocks(page, "bash"):
        for line in block.splitlines():
            for part in re.split(r"&&|\|", line.partition(" #")[0]):
                if found := re.search(r"(?:^|[ /])(labelcycle .*)", part.strip()):
                    yield found[1]


def problem(line: str) -> str:
    """What labelcycle would not take of a line: a command or an option it does not know; or ''."""
    words = shlex.split(line)[1:]
    command: click.Command = cli
    known: set[str] = set()
    while words:
        word = words.pop(0)
        known |= {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        if word.startswith("-") and word != "-":
            if word not in known | {"--help", "-h", "--version"}:
                return f"{line}: no option {word}"
            if word in ("-C", "--campaign"):
                words.pop(0)
        elif isinstance(command, click.Group):
            if word not in command.commands:
                return f"{line}: no command {word}"
            command, known = command.commands[word], set()
    return ""


@pytest.mark.parametrize("name", PAGES)
def test_every_command_and_option_of_a_page_is_known(name):
    assert [said for line in typed(PAGES[name]) if (said := problem(line))] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("labelcycle serve --every 300", ""),
        ("labelcycle -C demo schema add lynx --after cat", ""),
        ("labelcycle export - --raw", ""),
        ("labelcycle colect", "no command colect"),
        ("labelcycle serve --often 3", "no option --often"),
        ("labelcycle schema ad lynx", "no command ad"),
        ("labelcycle corrections accept --every", "no option --every"),
    ],
)
def test_the_check_of_commands_finds_what_is_wrong(line, said):
    assert problem(line).endswith(said)
    assert bool(problem(line)) == bool(said)


PRINTED = {
    "annotators work at": r"round \d+: \d+ of \d+ tasks? done(, \d+ wait.*)?; .*",
    "selection: the same": r"selection: the same \d+ samples? in the same order, .*",
    "Skips: ": r"Skips: \d+ of \d+ answers? \(.*\).*",
    "simulated people gave": r".* gave \d+ answers?, \d+ of them wrong, and \d+ skips?",
    "is due: open it": "(no longer printed: commands end with what is next)",
}
"""What a line of a block has in it, and how commands print such a line."""


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_is_printed_so_today(name):
    lines = [line for block in blocks(PAGES[name], "text") for line in block.splitlines()]
    wrong = [
        line
        for line in lines
        for part, wanted in PRINTED.items()
        if part in line and not re.search(f"(^|- ){wanted}$", line)
    ]
    assert wrong == []


def excerpts() -> list[tuple[str, str]]:
    """Every YAML on the pages, with the page's name."""
    return [(name, text) for name, page in PAGES.items() for text in blocks(page, "yaml")]


@pytest.mark.parametrize(("name", "text"), excerpts())
def test_every_excerpt_of_yaml_is_taken(name, text):
    if "strategies" in yaml.safe_load(text):
        experiment.parse(yaml.safe_load(text), name)
    else:
        config.parse(yaml.safe_load(text), name, text=text)


def test_the_python_of_the_readme_runs():
    features = np.random.default_rng(0).normal(size=(60, 8))
    names = {"features": features, "labels": np.full(60, -1)}
    exec(compile("\n".join(blocks(PAGES["README.md"], "python")), "README.md", "exec"), names)
    assert len(names["picks"].rows) == 20
