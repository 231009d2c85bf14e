"""A Prefect whose database is busy is asked again; it has refused nothing."""

import httpx
from prefect_api import TRIES, AsksAgain


def asked_of(answers: list[int]) -> tuple[int, list[float]]:
    """The status in the end, and the pauses, when the server answers with these."""
    pauses: list[float] = []
    server = httpx.MockTransport(lambda _: httpx.Response(answers.pop(0)))
    with httpx.Client(transport=AsksAgain(server, pauses.append)) as client:
        return client.post("http://127.0.0.1/api/deployments/", json={}).status_code, pauses


def test_a_busy_database_is_asked_again() -> None:
    assert asked_of([503, 503, 201]) == (201, [0.5, 0.5])


def test_any_other_answer_stands() -> None:
    assert asked_of([401]) == (401, [])
    assert asked_of([500]) == (500, [])


def test_a_database_that_stays_busy_is_told_in_the_end() -> None:
    status, pauses = asked_of([503] * TRIES)
    assert status == 503
    assert len(pauses) == TRIES - 1
