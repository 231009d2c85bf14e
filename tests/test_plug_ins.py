"""The examples in docs/plug-ins.md: each alone in a copy of `src`, by the commands of the page."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import plug_in_types
import pytest
from params import set_params

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "plug-ins.md"


@dataclass(frozen=True)
class Example:
    """A section of the page.

    path : of the file to write; code : its text; commands : each with what the page says it prints
    """

    path: str
    code: str
    commands: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return Path(self.path).stem


def examples(text: str) -> list[Example]:
    """The sections of the page that show a file."""
    found = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        (path,) = re.findall(r"`(src/labelcycle/\w[\w/]+\.py)`", section)
        (code,) = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
        commands = re.findall(r"^    \$ (.+)\n((?:    (?!\$).+\n)+)", section, re.MULTILINE)
        found.append(Example(path, code, tuple(commands)))
    return found


EXAMPLES = {each.name: each for each in examples(PAGE.read_text(encoding="utf-8"))}


def written(name: str, folder: Path) -> dict[str, str]:
    """The environment of a copy of `src` that has the example, and no other file that is new."""
    source = folder / "src"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "src" / "labelcycle", source / "labelcycle", ignore=ignored)
    file = folder / EXAMPLES[name].path
    assert file.parent.is_dir()
    assert not file.exists()
    file.write_text(EXAMPLES[name].code, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "120", "OMP_NUM_THREADS": "1"}


def run(command: list[str], environment: dict[str, str], folder: Path, code: int = 0) -> str:
    """What a command prints; code : with which it has to exit."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def words(text: str) -> str:
    """The text with one blank between words: columns are as wide as the longest name."""
    return " ".join(text.split())


def test_the_page_has_an_example_of_each_kind() -> None:
    folders = {
        str(Path(each.path).parent.relative_to("src/labelcycle")) for each in EXAMPLES.values()
    }
    assert folders == {
        "core/strategies", "core/clusterers", "nn/encoders", "nn/learners", "adapters/annotation"
    }  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_written_as_the_rest_is(name: str) -> None:
    for rule in (["check"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *rule, "--stdin-filename", EXAMPLES[name].path, "-"],
            cwd=REPOSITORY, input=EXAMPLES[name].code, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_its_contract_tests(name: str, tmp_path: Path) -> None:
    environment = written(name, tmp_path)
    (command, said), *_ = EXAMPLES[name].commands
    _, *arguments = shlex.split(command)
    assert name in arguments
    got = run(["pytest", *arguments, "-p", "no:cacheprovider"], environment, REPOSITORY)
    assert re.search(rf"^{re.escape(said.strip())}, \d+ deselected in ", got, re.MULTILINE), got


@pytest.mark.slow  # mypy
def test_the_examples_have_what_their_protocols_ask_for(tmp_path: Path) -> None:
    environment = written("unusual", tmp_path)
    for example in EXAMPLES.values():
        (tmp_path / example.path).write_text(example.code, encoding="utf-8")
    command = [sys.executable, str(REPOSITORY / "tools" / "plug_in_types.py")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    count = int(re.findall(r"^(\d+) plug-ins have", done.stdout, re.MULTILINE)[0])
    assert count == len(plug_in_types.protocols()) + len(EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "handoff"])
def test_labelcycle_lists_an_example(name: str, tmp_path: Path) -> None:
    environment = written(name, tmp_path)
    *_, (command, said) = EXAMPLES[name].commands
    got = run(shlex.split(command), environment, tmp_path)
    assert words(got).startswith(words(said))


@pytest.mark.slow
def test_doctor_checks_the_example_of_a_backend(tmp_path: Path) -> None:
    environment = written("handoff", tmp_path)
    run(["labelcycle", "init", "birds", "--classes", "cat,dog"], environment, tmp_path)
    campaign = tmp_path / "birds"
    set_params(campaign, push={"backend": "handoff"})
    got = run(["labelcycle", "doctor"], environment, campaign, 1).splitlines()  # 1: MLflow is off
    said = re.findall(r"^    (ok   .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(said) == 2
    assert {line.replace("/home/ann/birds", str(campaign)) for line in said} <= set(got)


EXCHANGE = """
import json, pathlib, sys
from labelcycle.adapters import annotation
from labelcycle.adapters.ports import Address, LabelSchema, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import ServiceRefused

backend = annotation.of(Campaign(pathlib.Path.cwd()), "handoff")
project = backend.open_project("c", "Cats", LabelSchema(("cat", "dog"), "Choose."))
specs = [TaskSpec(f"c/000/{n}", str(n), Address(f"https://x/{n}.png"), n, 0) for n in range(3)]
ids = backend.push(project, specs)
listed = json.loads((backend.folder / "tasks.json").read_text())
assert listed["classes"] == ["cat", "dog"]
assert [each["key"] for each in listed["tasks"]] == [*ids]
assert listed["tasks"][2]["image"] == "https://x/2.png"

def say(text):
    with (backend.folder / "answers.jsonl").open("a") as stream:
        stream.write(text)

def line(n, *labels):
    return json.dumps({"key": f"c/000/{n}", "annotator": "ann", "labels": labels}) + "\\n"

def pulled():
    return [(each.key[-1], each.labels, each.skipped) for each in backend.pull(project, ids)]

say(line(0, "cat") + line(1) + line(9, "cat") + line(2, "dog")[:20])
assert pulled() == [("0", ("cat",), False), ("1", (), True)]
first = backend.pull(project, ids)
assert backend.pull(project, ids) == first, "a line that was read changes nothing again"
say(line(2, "dog")[20:] + line(0, "dog"))
assert pulled() == [("0", ("dog",), False), ("1", (), True), ("2", ("dog",), False)]
assert backend.progress(project, ids).done
backend.withdraw(project, {"c/000/1": ids["c/000/1"]})
listed = json.loads((backend.folder / "tasks.json").read_text())
assert [(each["key"], each["answered_by"]) for each in listed["tasks"]] == [
    ("c/000/0", ["ann"]), ("c/000/2", ["ann"])
]
say("cat\\n")
try:
    pulled()
except ServiceRefused as error:
    print(error)
"""


@pytest.mark.slow
def test_the_example_of_a_backend_takes_answers_from_another_program(tmp_path: Path) -> None:
    environment = written("handoff", tmp_path)
    (tmp_path / "exchange.py").write_text(EXCHANGE, encoding="utf-8")
    (tmp_path / ".labelcycle").mkdir()
    got = run(["exchange"], environment, tmp_path)
    assert "answers.jsonl, line 6: wanted an object with key" in got
