"""What stages make is left out by git before they run."""

from pathlib import Path

from labelcycle.adapters.dvc import commands
from labelcycle.stages import declaration


def test_git_leaves_out_what_stages_make_and_keeps_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text(declaration.print_dvc_yaml())
    for _ in range(2):
        commands._ignore_outs(tmp_path)
    lines = (tmp_path / "work" / ".gitignore").read_text().splitlines()
    assert lines == [
        "/encoder", "/features", "/model", "/own.npy", "/clusters.npz", "/selection.json",
        "/figures",
    ]  # fmt: skip
