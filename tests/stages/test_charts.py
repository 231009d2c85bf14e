"""Figures are drawn by no settings of the folder that a stage works in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAWN = """
import hashlib
import numpy as np
from labelcycle.core.metrics import per_class
from labelcycle.stages import charts
matrix = np.array([[5, 1], [2, 7]])
print(hashlib.sha256(charts.confusion(matrix, ["a", "b"])).hexdigest())
print(hashlib.sha256(charts.per_class(per_class(matrix), ["a", "b"])).hexdigest())
"""

SETTINGS = "figure.facecolor: red\nfont.size: 30\ntext.usetex: True\n"


@pytest.mark.slow
def test_a_matplotlibrc_of_the_campaign_changes_no_figure(tmp_path: Path) -> None:
    def drawn() -> list[str]:
        words = [sys.executable, "-P", "-c", DRAWN]
        done = subprocess.run(words, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    before = drawn()
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    assert drawn() == before
    assert len(set(before)) == 2
