"""Commands do not look for garbage among what they import, neither at work nor at their end."""

import subprocess
import sys

import pytest

from labelcycle.core import garbage_collection

CODE = """
import atexit, gc
atexit.register(lambda: print("frozen", gc.get_freeze_count() > 0))  # the first is called last
{imported}
print("threshold", gc.get_threshold()[0])
"""
COMMAND = """
import sys
from labelcycle.cli.main import main
sys.argv = ["labelcycle", "--version"]
main()
"""
NOTHING = "import labelcycle.cli.main"


@pytest.mark.parametrize(("code", "spared"), [(COMMAND, True), (NOTHING, False)])
def test_a_command_collects_seldom_and_not_at_its_end(code: str, spared: bool) -> None:
    words = [sys.executable, "-c", CODE.format(imported=code)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[-1] == f"frozen {spared}"
    assert (said[-2] == f"threshold {garbage_collection.THRESHOLD}") == spared
