"""The processes of one training: what each is told, and how they end together."""

import sys
import time
from pathlib import Path

import pytest

from labelcycle.adapters import process_group
from labelcycle.errors import ToolFailed

TELLS = """
import os, sys
from pathlib import Path
from labelcycle.nn import process_rank as ranks
own = ranks.own()
said = [own.number, own.count, os.environ["GLOO_SOCKET_IFNAME"], os.environ["NCCL_SOCKET_IFNAME"]]
said.append(oct(own.store.parent.stat().st_mode & 0o777))
(Path(sys.argv[1]) / str(own.number)).write_text(" ".join(map(str, said)))
"""

ONE_FAILS = """
import sys, time
from pathlib import Path
from labelcycle.nn import process_rank as ranks
if ranks.own().number == 1:
    sys.exit(3)
time.sleep(60)
Path(sys.argv[1], "went on").touch()
"""


def test_each_knows_its_number_and_keeps_to_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth0")
    folder = tmp_path / "processes"
    folder.mkdir()
    (folder / "store").write_text("of a run that was killed")
    process_group.run([sys.executable, "-c", TELLS, str(tmp_path)], 3, tmp_path, folder)
    for number in range(3):
        wanted = f"{number} 3 {process_group.LOOPBACK} {process_group.LOOPBACK} 0o700"
        assert (tmp_path / str(number)).read_text() == wanted
    assert not folder.exists()


def test_one_that_fails_ends_the_others(tmp_path: Path) -> None:
    begun = time.monotonic()
    words = [sys.executable, "-c", ONE_FAILS, str(tmp_path)]
    with pytest.raises(ToolFailed, match=r"process 2 of 3 ended with code 3"):
        process_group.run(words, 3, tmp_path, tmp_path / "processes")
    assert time.monotonic() - begun < 30
    assert not (tmp_path / "went on").exists()
