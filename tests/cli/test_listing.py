"""The lists of strategies, encoders, learners, clusterers, and of their options."""

import pytest
from click.testing import CliRunner

from labelcycle.cli.main import cli
from labelcycle.core import strategies


def test_the_strategies_are_listed_with_their_paper():
    text = CliRunner().invoke(cli, ["strategies"], env={"COLUMNS": "120"}).output
    text, _, directions = text.rpartition("\n\n")
    assert "Strategies compare the directions of features: each row is brought to" in directions
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    names = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert names == strategies.names()
    at = next(i for i, line in enumerate(lines) if line.startswith("supclust "))
    assert "for the first labels" in lines[at]
    assert "Ono, Aczel, Estermann, Wattenhofer" in lines[at + 1]
    assert "arXiv 2403.03741" in lines[at + 2]


def test_the_options_of_a_strategy_are_listed():
    text = CliRunner().invoke(cli, ["strategies", "maxherding"]).output
    assert "Bae, Noh, Sutherland" in text
    assert "\nsigma: 1.0\n    width of the kernel" in text
    assert "probcover" not in text
    missing = CliRunner().invoke(cli, ["strategies", "maxherdin"])
    assert missing.exit_code == 1
    assert "did you mean 'maxherding'" in str(missing.exception) + missing.output


@pytest.mark.parametrize(
    ("command", "name", "option"),
    [
        ("encoders", "patches", "centres"),
        ("learners", "finetune", "epochs: 200"),
        ("clusterers", "kmeans", "starts: 1"),
    ],
)
def test_the_other_parts_are_listed_likewise(command: str, name: str, option: str) -> None:
    lines = CliRunner().invoke(cli, [command], env={"COLUMNS": "120"}).output.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    assert len(line.split()) > 4
    text = CliRunner().invoke(cli, [command, name]).output
    assert f"\n{option}" in text


def test_auto_is_explained_beside_the_encoders() -> None:
    text, alone = (CliRunner().invoke(cli, ["encoders", *names]).output for names in ([], ["auto"]))
    assert alone.startswith("`auto` is a setting of a campaign and no encoder.")
    assert text.endswith(f"\n\n{alone}")
