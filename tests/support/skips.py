"""Skips: listed at the end of every run; where CI=true only those of a list may happen."""

import os

import pytest

ALLOWED_SKIPS: tuple[str, ...] = ()
"""Reasons for which a test may be skipped where CI=true, where all that tests need is there."""


def _reasons(config: pytest.Config) -> list[str]:
    """Why tests or files were skipped, each with where; none in xdist's workers."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None:
        return []
    found = []
    for report in terminal.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found.append(f"{text.removeprefix('Skipped: ')} ({report.nodeid})")
    return sorted(found)


def _refused(config: pytest.Config) -> list[str]:
    if os.environ.get("CI") != "true":
        return []
    return [reason for reason in _reasons(config) if not reason.startswith(ALLOWED_SKIPS)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _refused(session.config) and session.exitstatus in (
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    allowed = ", ".join(ALLOWED_SKIPS) or "none"
    terminalreporter.write_line(f"skips allowed where CI=true: {allowed}")
    refused = _refused(terminalreporter.config)
    for reason in refused:
        terminalreporter.write_line(f"SKIPPED AGAINST THE LIST: {reason}", red=True)
