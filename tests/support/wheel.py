"""labelcycle as a user has it: installed from its wheel, run as a command."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SERVICES = (
    "LABEL_STUDIO_URL",
    "LABEL_STUDIO_API_KEY",
    "MLFLOW_TRACKING_URI",
    "PREFECT_API_URL",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_SERVER_API_AUTH_STRING",
)


@dataclass(frozen=True)
class Installed:
    """A virtual environment into which the wheel was installed."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if k not in SERVICES}
        label_studio = Path(sys.prefix).parent / ".venv-label-studio" / "bin" / "label-studio"
        return {
            **inherited,
            "LABELCYCLE_LABEL_STUDIO": str(label_studio),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Test",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "test@localhost",
            **more,
        }

    def start(
        self, folder: Path, *words: str, stderr: int = subprocess.STDOUT, **more: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.folder / "bin" / "labelcycle"), *words],
            cwd=folder,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def run(self, folder: Path, *words: str, code: int = 0, **more: str) -> str:
        """What `labelcycle WORDS` prints; fails unless it ends with `code`."""
        process = self.start(folder, *words, **more)
        out, _ = process.communicate(timeout=600)
        print(f"$ labelcycle {' '.join(words)}\n{out}")
        assert process.returncode == code, out
        return out

    def refused(self, folder: Path, *words: str, **more: str) -> str:
        """The one line on standard error with which `labelcycle WORDS` ends with code 1."""
        process = self.start(folder, *words, stderr=subprocess.PIPE, **more)
        out, told = process.communicate(timeout=600)
        print(f"$ labelcycle {' '.join(words)}\n{out}{told}")
        assert process.returncode == 1, out
        assert told.startswith("labelcycle: ")
        assert told.count("\n") == 1, told
        return told


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """labelcycle from its wheel, without true classes; dependencies of the running environment."""
    base = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(base), str(REPOSITORY)]
    subprocess.run(wheel, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(base / "venv")], check=True)
    made = Installed(base / "venv")
    site = made.folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    # A path entry, unlike a site directory, does not bring the editable install along.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    package = next(base.glob("labelcycle-*.whl"))
    with zipfile.ZipFile(package) as archive:  # no name that a package of somebody else may have
        assert all(name.startswith("labelcycle") for name in archive.namelist())
    target = ["--python", str(made.python), "install", "--no-deps", "--no-index", str(package)]
    subprocess.run([*pip, *target], check=True)
    where = subprocess.run(
        [str(made.python), "-c", "import labelcycle, labelcycle_flows; print(labelcycle.__file__)"],
        cwd=base, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert str(site) in where
    # Only who is shown a file of true classes may know them.
    (made.folder / "share" / "labelcycle" / "examples" / "fashion" / "truth.csv").unlink()
    return made
