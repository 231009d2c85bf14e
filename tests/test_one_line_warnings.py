"""Notices are lines, each time; other warnings are left as they were."""

import subprocess
import sys
import warnings

import pytest

from labelcycle.core.one_line_warnings import Advice, print_notices

TWICE = """
import warnings
from labelcycle.cli import main as cli
from labelcycle.core.one_line_warnings import Advice

@cli.cli.command()
def twice():
    for _ in range(2):
        warnings.warn("half of them", Advice)

import sys
sys.argv = ["labelcycle", "twice"]
cli.main()
"""


def test_a_command_tells_each_time_in_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=True)
    assert done.stderr == "labelcycle: half of them\n" * 2


def test_other_warnings_are_shown_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: shown.append(str(message))
        print_notices()
        warnings.simplefilter("always", UserWarning)
        warnings.warn("of another", UserWarning, stacklevel=1)
        warnings.warn("of ours", Advice, stacklevel=1)
    assert shown == ["of another"]
    assert capsys.readouterr().err == "labelcycle: of ours\n"
    assert warnings.showwarning.__module__ != "labelcycle.core.one_line_warnings"
