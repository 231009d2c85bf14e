"""Run chosen tests on a copy of the repository in which one file may be changed.

What other packages bring (torch, MLflow) is imported once, here. Each run is a fork that imports
labelcycle anew, from the copy: a changed constant is changed everywhere, and so it is in the
programs that tests start, which find the copy by `PYTHONPATH`.
"""

import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".mutants"
QUICK = "not service and not slow"
HEAVY = (
    "faiss hypothesis httpx label_studio_sdk matplotlib.pyplot mlflow mlflow.pyfunc moto pandas "
    "prefect scipy.optimize scipy.stats sklearn.cluster sklearn.linear_model torch torchvision "
    "fastapi boto3 pydantic"
)
SETTINGS = """[run]
source = {source}
data_file = {data}
parallel = true
context = ${{MUTANTS_CONTEXT}}
patch = _exit
disable_warnings = no-data-collected, module-not-imported, module-not-measured, couldnt-parse,
    no-ctracer, no-sysmon, already-imported
"""
Work = TypeVar("Work")
KILLED, SURVIVED, TIMEOUT, UNTESTED = "killed", "survived", "timeout", "no tests"


@dataclass(frozen=True)
class Tests:
    """What a run of one test file showed.

    seconds : how long each test took, by its name
    lines : the tests that ran a line, by file below `src/labelcycle` and line
    failed : tests that fail without any change
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]
    failed: list[str]


class Copy:
    """A copy of what git knows, and what it does not ignore."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.source = folder / "src" / "labelcycle"
        self.log = folder.with_suffix(".log")
        self._clock = 0
        self._before: tuple[Path, bytes, float] | None = None

    def fill(self) -> None:
        """Begin anew, with the files as they are now."""
        shutil.rmtree(self.root, ignore_errors=True)
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)

    def change(self, path: str, content: bytes) -> None:
        """Change one file.

        A compiled module is good for a file of the same size and second, so each change has a
        time of its own.
        """
        file = self.source / path
        self._before = file, file.read_bytes(), file.stat().st_mtime
        self._clock += 1
        file.write_bytes(content)
        os.utime(file, (self._before[2] + self._clock,) * 2)

    def restore(self) -> None:
        """Take the change back."""
        if self._before:
            file, content, written = self._before
            file.write_bytes(content)
            os.utime(file, (written, written))
            self._before = None


def import_heavy() -> None:
    """Import what the forks share. Whoever lacks one of them imports it later, or skips."""
    for name in HEAVY.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def fork(copy: Copy, log: Path, work: Callable[[], int]) -> int:
    """Start `work` in a child that stands in the copy; the child's id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.setsid()
        os.chdir(copy.root)
        with log.open("wb") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        paths = [str(copy.root / "src"), str(copy.root / "flows")]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        os.environ["OMP_NUM_THREADS"] = "1"
        sys.path[:0] = paths
        sys.path = [each for each in sys.path if Path(each) not in (ROOT / "src", ROOT / "flows")]
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def ended(child: int) -> int | None:
    """The exit code of a child, None while it runs; what it left running ends with it."""
    done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        return None
    _kill(child)
    return os.waitstatus_to_exitcode(status)


def end(child: int) -> None:
    """End a child and what it started."""
    _kill(child)
    os.waitpid(child, 0)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def in_turns(
    copies: Sequence[Copy],
    todo: Sequence[Work],
    start: Callable[[Copy, Work, Path], tuple[int, float]],
    done: Callable[[Work, int | None, Path], None],
) -> None:
    """Do pieces of work, one a copy at a time.

    start : begins one in a copy, with a file for its output: the child's id, its limit in seconds
    done : gets the piece, the exit code (None after the limit), and the output
    """
    waiting = list(reversed(todo))
    free = list(copies)
    running: list[tuple[int, float, Copy, Work]] = []
    ready = 0
    try:
        while waiting or running:
            while waiting and free:
                copy, work = free.pop(), waiting.pop()
                child, limit = start(copy, work, copy.log)
                running.append((child, time.monotonic() + limit, copy, work))
            for each in list(running):
                child, until, copy, work = each
                status = ended(child)
                if status is None and time.monotonic() < until:
                    continue
                if status is None:
                    end(child)
                running.remove(each)
                copy.restore()
                free.append(copy)
                done(work, status, copy.log)
                ready += 1
                if ready % 20 == 0:
                    print(f"    {ready} of {len(todo)}", flush=True)
            time.sleep(0.05)
    finally:
        for child, *_ in running:
            end(child)


def run_tests(tests: Sequence[str], plugins: Sequence[Any] = (), stop: bool = True) -> int:
    """Run tests in this process, in this order; pytest's exit code."""
    options = ["-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=short", "-m", QUICK]
    options += ["-x"] if stop else []
    files = list(dict.fromkeys(test.split("::")[0] for test in tests))
    return int(pytest.main([*options, *files], plugins=[*plugins, Chosen(tests)]))


class Chosen:
    """A plugin that keeps the chosen tests, in the order in which they were chosen."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.place = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Whole files stay."""
        kept = [each for each in items if {each.nodeid, _file(each.nodeid)} & self.place.keys()]
        items[:] = sorted(kept, key=lambda each: self.place.get(each.nodeid, 0))


class Watch:
    """A plugin that notes which lines each test runs.

    What a fixture runs belongs to every test of the file that asks for it: some fixtures are kept
    for several tests, by their scope or by themselves.
    """

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        self.fixtures: dict[str, list[str]] = defaultdict(list)
        self.context = ""

    def _enter(self, context: str) -> None:
        self.context = context
        self.coverage.switch_context(context)
        os.environ["MUTANTS_CONTEXT"] = context

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Which tests ask for which fixture."""
        for item in session.items:
            for name in getattr(item, "fixturenames", ()):
                self.fixtures[name].append(item.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test, with its own fixtures."""
        self._enter(item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """A fixture, which may ask for another one."""
        before = self.context
        self._enter(f"fixture {fixturedef.argname}")
        try:
            return (yield)
        finally:
            self._enter(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How long it took, and whether it failed."""
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


def watch(copy: Copy, file: str, result: Path) -> int:
    """Run a test file and write what its tests ran. To be called in a fork."""
    import coverage

    folder = result.with_suffix(".work")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = folder / "settings"
    settings.write_text(SETTINGS.format(source=copy.source, data=folder / "data"))
    os.environ["COVERAGE_PROCESS_START"] = str(settings)
    os.environ["MUTANTS_CONTEXT"] = "import"
    measured = coverage.Coverage(config_file=str(settings))
    measured.set_option("run:context", "")
    plugin = Watch(measured)
    measured.start()
    status = run_tests([file], [plugin], stop=False)
    measured.stop()
    measured.save()
    if status not in (0, 1, 5):  # passed, failed, nothing to run
        return status
    measured.combine()
    data = measured.get_data()
    lines: dict[str, dict[int, list[str]]] = {}
    for path in data.measured_files():
        of_file = {
            line: sorted(tests)
            for line, contexts in data.contexts_by_lineno(path).items()
            if (tests := _tests(contexts, plugin))
        }
        if of_file:
            lines[Path(path).relative_to(copy.source).as_posix()] = of_file
    found = {
        "state": state(copy.root, file, lines),
        "seconds": plugin.seconds,
        "lines": lines,
        "failed": sorted(plugin.failed),
    }
    result.write_text(json.dumps(found))
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _tests(contexts: list[str], plugin: Watch) -> set[str]:
    tests: set[str] = set()
    for context in contexts:
        if context.startswith("fixture "):
            tests.update(plugin.fixtures[context.removeprefix("fixture ")])
        elif context in plugin.seconds:
            tests.add(context)
    return tests


def state(root: Path, test_file: str, sources: Iterable[str]) -> dict[str, str]:
    """Digests of what a result of `watch` hangs on: the test's files and the code that it runs."""
    names = [test_file, *(f"src/labelcycle/{each}" for each in sources)]
    files = [root / each for each in names]
    files += [*(root / "tests" / "support").rglob("*.py"), *(root / "tests").rglob("conftest.py")]
    return {
        each.relative_to(root).as_posix(): sha256(each.read_bytes()).hexdigest()[:16]
        for each in files
        if each.is_file()
    }


def read_tests(root: Path, test_file: str, result: Path) -> Tests | None:
    """What `watch` wrote, None if it is of other code than that below `root`."""
    if not result.exists():
        return None
    found = json.loads(result.read_text())
    if found["state"] != state(root, test_file, found["lines"]):
        return None
    lines = {
        path: {int(line): tests for line, tests in of_file.items()}
        for path, of_file in found["lines"].items()
    }
    return Tests(found["seconds"], lines, found["failed"])


def _file(test: str) -> str:
    return test.split("::")[0]
