"""How much memory decoders may use at a time."""

import threading

from labelcycle.decoding.memory_limit import Room


def test_whoever_finds_too_little_room_waits() -> None:
    room, order = Room(100), []

    def second() -> None:
        with room.taken(60):
            order.append("second")

    with room.taken(60), room.taken(40):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.05)
        assert other.is_alive()
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_what_needs_more_than_there_is_runs_alone() -> None:
    room = Room(100)
    for _ in range(2):
        with room.taken(10_000):
            pass
