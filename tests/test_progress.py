"""What somebody who waits sees of long work."""

import pytest

from labelcycle.cli import progress_bar
from labelcycle.nn.progress import Progress


def test_a_note_is_told_at_once_and_the_last_loss_with_the_next_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_bar, "EVERY_S", 0.0)
    with progress_bar.shown("pretrain") as show:
        show(Progress(1, 3, 0.5, note="the images stay in the machine's memory"))
        show(Progress(2, 3))
    assert capsys.readouterr().err.splitlines() == [
        "pretrain: the images stay in the machine's memory",
        "pretrain: 1 of 3, loss 0.500",
        "pretrain: 2 of 3, loss 0.500",
    ]
