"""Which samples a withdrawal names."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from made_records import snapshot

from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import withdrawn_names
from labelcycle.errors import DataError


def sample(number: int, source: str, *groups: str) -> Sample:
    return Sample(f"{number:016x}", f"000/{number}.png", source, "pool", 4, 3, named_groups=groups)


SAMPLES = (
    sample(1, "one/patient-1/a.png", "patient-1"),
    sample(2, "one/patient-1/b.png", "patient-1", "patient-2"),
    sample(3, "two/patient-1/c.png"),  # it came in before the groups were named
    sample(4, "two/patient-2/d.png"),
)


def named(tmp_path: Any, group: Any, *groups: str, gone: Sequence[int] = ()) -> list[int]:
    real = snapshot(tmp_path, ingest={"group": group})
    records = SimpleNamespace(
        withdrawn=lambda: SimpleNamespace(by_id=dict.fromkeys(f"{n:016x}" for n in gone)),
        samples=lambda which: SAMPLES,
    )
    given: Any = SimpleNamespace(config=real.config, campaign=real.campaign, records=records)
    return [int(each.id, 16) for each in withdrawn_names.samples(given, (), groups)]


@pytest.mark.parametrize(
    ("rule", "groups", "found"),
    [
        (None, ["patient-1"], [1, 2]),
        ({"folder": 1}, ["patient-1"], [1, 2, 3]),
        ({"folder": 1}, ["patient-2"], [2, 4]),
        ({"folder": 1}, ["patient-2", "patient-1"], [2, 4, 1, 3]),
    ],
)
def test_all_samples_of_a_group(tmp_path: Any, rule: Any, groups: Any, found: Any) -> None:
    assert named(tmp_path, rule, *groups) == found


@pytest.mark.parametrize(("gone", "left"), [([1], [2]), ([1, 2], [])])
def test_what_is_being_withdrawn_of_a_group_is_not_begun_again(
    tmp_path: Any, gone: list[int], left: list[int]
) -> None:
    assert named(tmp_path, None, "patient-1", gone=gone) == left


def test_an_unknown_group_is_named_with_those_like_it(tmp_path: Any) -> None:
    with pytest.raises(
        DataError,
        match=r"group 'patient-3'; did you mean 'patient-2' or 'patient-1'\? wanted a group of",
    ):
        named(tmp_path, {"folder": 1}, "patient-3")


def test_a_list_as_windows_writes_it(tmp_path: Any) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(b"\xef\xbb\xbfone/a.png\r\n\r\ntwo/b.png\r\n")
    assert [*withdrawn_names._names([f"@{file}", "three"])] == ["one/a.png", "two/b.png", "three"]
