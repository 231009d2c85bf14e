"""`labelcycle simulate`: what it prints, and what it refuses before anything slow."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tiny_sets import blobs_in, settings

from labelcycle.cli.main import cli
from labelcycle.errors import DataError, SettingsError, ToolFailed
from labelcycle.simulate import run_experiment
from labelcycle.simulate.figures import drawing


def written(folder: Path, **more: Any) -> Path:
    path = folder / "e.yaml"
    path.write_text(yaml.safe_dump(settings(Path("nowhere.npz"), **more)))
    return path


@pytest.mark.slow
def test_a_wrong_file_is_refused_without_torch(tmp_path: Path) -> None:
    sees = {"strategies": ["random", "typiclust"], "learners": "finetune"}
    for change, said in (
        ({"learners": "finetun"}, "unknown learner 'finetun'"),
        (sees, "no file .*nowhere.npz"),
        ({**sees, "data": {"name": "npz", "path": str(blobs_in(tmp_path))}}, "sees images"),
        ({"encoder": "resnet"}, "unknown encoder 'resnet'"),
    ):
        path = written(tmp_path, **change)
        program = (
            "import sys; from labelcycle.cli.main import main\n"
            f"sys.argv = ['labelcycle', 'simulate', {str(path)!r}]\n"
            "try: main()\n"
            "finally: print({'torch', 'faiss', 'sklearn'} & set(sys.modules))"
        )
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert re.search(said, found.stderr), found.stderr
        assert found.stdout == "set()\n"


def test_a_wrong_option_is_told_before_all_images_are_read(tmp_path: Path) -> None:
    wrong = {"learners": {"name": "finetune", "options": {"epoch": 3}}}
    nowhere = {"data": {"name": "folder", "path": "nowhere"}}
    result = CliRunner().invoke(cli, ["simulate", str(written(tmp_path, **wrong, **nowhere))])
    with pytest.raises(SettingsError, match="options of finetune: epoch: unknown key"):
        raise result.exception or AssertionError(result.output)


@pytest.mark.slow
def test_a_pool_beyond_the_set_is_told(tmp_path: Path) -> None:
    words = ["simulate", str(written(tmp_path, pool=500, seeds=1, rounds=1))]
    words += ["--data", str(blobs_in(tmp_path)), "--jobs", "1", "--into", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, words, env={"MLFLOW_TRACKING_URI": ""})
    assert result.exit_code == 0, result.output
    assert "npz: pool is 500, and there are 100 training samples: all of them" in result.stderr
    assert "pools of 100" in result.stdout


@pytest.mark.slow
def test_the_command_prints_the_table_and_the_place(tmp_path: Path) -> None:
    words = ["simulate", str(written(tmp_path)), "--data", str(blobs_in(tmp_path)), "--jobs", "1"]
    result = CliRunner().invoke(
        cli, [*words, "--into", str(tmp_path / "out")], env={"MLFLOW_TRACKING_URI": ""}
    )
    assert result.exit_code == 0, result.output
    assert "| strategy | 3 | 6 labels |" in result.output
    assert f"results in {tmp_path / 'out'}" in result.output


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    words = ["simulate", str(written(tmp_path)), "--data", str(blobs_in(tmp_path))]
    monkeypatch.setattr(run_experiment, "run", lambda *given: pytest.fail("it was played"))
    result = CliRunner().invoke(cli, [*words, "--into", str(tmp_path / "file" / "out")])
    with pytest.raises(DataError, match=r"cannot write results to .*file/out: .*--into"):
        raise result.exception or AssertionError(result.output)


@pytest.mark.slow
def test_a_figure_that_fails_leaves_table_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> None:
        raise IndexError("tuple index\nout of range")

    monkeypatch.setattr(drawing.gain, "picture", broken)
    words = ["simulate", str(written(tmp_path)), "--data", str(blobs_in(tmp_path)), "--jobs", "1"]
    result = CliRunner().invoke(
        cli, [*words, "--into", str(tmp_path / "out")], env={"MLFLOW_TRACKING_URI": ""}
    )
    assert "| strategy | 3 | 6 labels |" in result.output
    assert (tmp_path / "out" / "accuracy-npz.png").is_file()
    said = r"complete in .*out, .*gain-npz-linear.png \(IndexError: tuple index out of range\); `py"
    with pytest.raises(ToolFailed, match=said):
        raise result.exception or AssertionError(result.output)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "no file .*nowhere.npz: wanted train and test"),
        ({"data": "npz"}, "wanted the path of npz; write data.path"),
        ({"data": {"name": "npz", "path": "$NO_SUCH_PLACE/x"}}, "names a variable that the env"),
    ],
)
def test_data_that_is_not_there(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    words = ["simulate", str(written(tmp_path, **change)), "--into", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, words)
    with pytest.raises(Exception, match=said):
        raise result.exception or AssertionError(result.output)


@pytest.mark.slow  # imports MLflow
@pytest.mark.filterwarnings("ignore")  # MLflow's own, of libraries it uses
def test_where_mlflow_is_away_the_results_stand(tmp_path: Path) -> None:
    words = ["simulate", str(written(tmp_path, seeds=1)), "--data", str(blobs_in(tmp_path))]
    words += ["--jobs", "1", "--into", str(tmp_path / "out")]
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), *words], env=away)
    assert result.exit_code == 0, result.output
    assert "not logged: MLflow at http://127.0.0.1:9 does not answer" in result.stderr
    assert "| strategy | 3 | 6 labels |" in result.stdout
    assert (tmp_path / "out" / "results.json").is_file()
