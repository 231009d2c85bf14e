"""Tests' files lie in memory only where it has room."""

from pathlib import Path

from memory_folder import memory_folder


def test_a_folder_with_room_is_taken(tmp_path: Path) -> None:
    assert memory_folder(tmp_path, room=1, memory=1) == str(tmp_path)


def test_without_room_or_memory_the_disk_is_used(tmp_path: Path) -> None:
    assert memory_folder(tmp_path, room=2**62, memory=1) == ""
    assert memory_folder(tmp_path, room=1, memory=2**62) == ""


def test_a_system_without_such_a_folder_uses_the_disk(tmp_path: Path) -> None:
    assert memory_folder(tmp_path / "missing", room=1, memory=1) == ""
