"""`make claims`: what is measured again is compared with what is stored."""

import json
from pathlib import Path
from typing import Any

import claims
import claims_file
import pytest
import results_file
from claims_file import Number

INTERVAL = {"gain": 0.1, "gain_low": 0.05, "gain_high": 0.15}
ERROR = {"gain": 0.1, "gain_se": 0.02}
COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[sys.argv.index('--into') + 1])\n"
"""A program whose table lies there already."""


def table(path: Path, **row: Any) -> Path:
    value = {"title": "t", "command": ["make"], "commit": "abc", "machine": "m"}
    value |= {"down": ["name"], "figures": [{"key": "gain"}], "rows": [{"name": "a"} | row]}
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("stored", "new", "verdict"),
    [
        (INTERVAL, 0.1, claims.SAME),
        (INTERVAL, 0.1004, claims.SAME),
        (INTERVAL, 0.149, claims.WITHIN),
        (INTERVAL, 0.151, claims.OUTSIDE),
        (INTERVAL, 0.04, claims.OUTSIDE),
        (ERROR, 0.139, claims.WITHIN),
        (ERROR, 0.141, claims.OUTSIDE),
        ({"gain": 0.1}, 0.101, claims.OUTSIDE),
    ],
)
def test_a_number_is_compared_with_its_spread(
    stored: dict[str, float],
    new: float,
    verdict: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(results_file, "FOLDER", tmp_path)
    table(tmp_path / "t.json", **stored)
    found = claims.compared("n", Number("t", {"name": "a"}, "gain"), {"gain": new})
    assert (found.verdict, found.now) == (verdict, f"{100 * new:.1f}")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `make claims` on one claim, whose stored gain is 10 points."""
    monkeypatch.setattr(results_file, "FOLDER", tmp_path)
    monkeypatch.setattr(claims_file, "FILE", tmp_path / "claims.json")
    monkeypatch.setattr(claims, "PROGRAMS", tmp_path)
    table(tmp_path / "t.json", **INTERVAL)
    (tmp_path / "copy.py").write_text(COPY, encoding="utf-8")
    (tmp_path / "broken.py").write_text("raise SystemExit('out of disk')", encoding="utf-8")

    def run(again: dict[str, Any]) -> None:
        number = {"table": "t", "where": {"name": "a"}, "figure": "gain"}
        claim = {"claim": "It gains", "measured": "{g}", "numbers": {"g": number}, "page": "p"}
        text = json.dumps([claim | {"again": again}])
        (tmp_path / "claims.json").write_text(text, encoding="utf-8")
        claims.main(["--shared", str(tmp_path)])

    return run


def test_a_claim_that_holds(ran: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = table(tmp_path / "new.json", gain=0.12)
    ran({"commands": {"t": [f"copy.py {new}"]}, "needs": ["new.json"]})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "holds: It gains"
    assert "g: then 10.0 [5.0, 15.0], now 12.0: within" in lines[1]
    assert lines[-1] == "1 holds, 0 NO LONGER HOLDS, 0 not run here"


def test_a_claim_that_holds_no_longer_is_the_exit_code(
    ran: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = table(tmp_path / "new.json", gain=0.04)
    with pytest.raises(SystemExit) as end:
        ran({"commands": {"t": [f"copy.py {new}"]}})
    assert end.value.code == 1
    assert "NO LONGER HOLDS: It gains" in capsys.readouterr().out


def test_a_program_that_fails_is_no_claim_that_holds(
    ran: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ran({"commands": {"t": ["broken.py"]}})
    assert "broken.py: out of disk" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("again", "said"),
    [
        ({"why_not": "it takes hours"}, "it takes hours"),
        ({"commands": {"t": ["broken.py"]}, "needs": ["a.npz"]}, "no a.npz in"),
    ],
)
def test_a_claim_that_is_not_run_says_why(
    again: dict[str, Any], said: str, ran: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(again)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "not run here: It gains"
    assert said in lines[1]


def test_the_commands_of_the_claims_are_programs() -> None:
    commands = [c for claim in claims_file.read() for c in claim.again.commands.values()]
    programs = {command.split()[0] for some in commands for command in some}
    assert programs
    assert all((claims.PROGRAMS / name).is_file() for name in programs)
