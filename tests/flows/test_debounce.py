"""Knocks and calls: a virtual clock for the rule, threads for the waker."""

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.errors import ServiceDown
from labelcycle_flows.debounce import Debounce, Waker

gaps = st.lists(st.floats(0, 200), min_size=1, max_size=60)


def played(knocks: list[float], debounce: Debounce) -> list[float]:
    """When calls begin if knocks come at these times; a call takes no time."""
    calls = []
    for at in [*knocks, float("inf")]:
        while (due := debounce.due()) is not None and due < at:
            debounce.call(due)
            calls.append(due)
        if at < float("inf"):
            debounce.knock(at)
    return calls


@given(gaps)
def test_calls_are_few_and_the_last_knock_is_answered(gaps: list[float]) -> None:
    knocks = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    debounce = Debounce(quiet_s=10, every_s=60)
    calls = played(knocks, debounce)
    assert knocks[-1] < calls[-1] <= knocks[-1] + 60
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in pairwise(calls))
    assert len(calls) <= 1 + (calls[-1] - knocks[0]) / 60
    for call, before in zip(calls, [-1.0, *calls], strict=False):
        assert any(before <= knock < call for knock in knocks)  # no call without a knock
    assert debounce.due() is None


def test_one_knock_is_answered_after_the_quiet_time() -> None:
    assert played([100.0], Debounce(10, 60)) == [110.0]


def test_a_storm_without_a_pause_is_answered_while_it_lasts() -> None:
    storm = [float(second) for second in range(200)]
    assert played(storm, Debounce(10, 60)) == [60.0, 121.0, 182.0, 242.0]


def test_a_knock_during_a_call_is_answered_by_another_one() -> None:
    calls = []
    done = threading.Event()

    def act() -> None:
        calls.append(1)
        if len(calls) == 1:
            waker.knock()
        else:
            done.set()

    with Waker(act, Debounce(0.0, 0.01)) as waker:
        waker.knock()
        assert done.wait(10)
    assert len(calls) == 2


def test_a_failed_call_is_told_and_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    tries = []
    done = threading.Event()

    def act() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ServiceDown("Prefect is away")
        done.set()

    with Waker(act, Debounce(0.0, 0.01)) as waker:
        waker.knock()
        assert done.wait(10)
    assert len(tries) == 3
    assert capsys.readouterr().out == "no look was started: Prefect is away\n" * 2


def test_without_a_knock_nothing_is_called() -> None:
    called = threading.Event()
    with Waker(called.set, Debounce(0.0, 0.0)):
        assert not called.wait(0.1)
    assert not called.is_set()
