"""Groups that `ingest.group` names: whole in the hold-out or in the pool, in every cohort."""

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle import config, decoding
from labelcycle.campaign import holdout_split, json_files, sample_groups
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.sample_files import Sample, read_samples
from labelcycle.core import digests, whole_groups
from labelcycle.errors import DataError, SettingsError
from labelcycle.ingest import group_sides, ingest_images, ingest_report, near_duplicates, sources
from labelcycle.ingest.group_names import GroupNames, GroupRule

AT = "2026-12-01T08:00:00+00:00"
FOLDER = GroupRule(folder=1)


def png(shade: int) -> bytes:
    from PIL import Image

    return decoding.png_bytes(Image.new("RGB", (4, 3), (shade % 256, shade // 256, 0)))


def fill(folder: Path, shades: range) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shade in shades:
        (folder / f"{shade:04d}.png").write_bytes(png(shade))


def take(
    campaign: Campaign,
    *paths: str | Path,
    group: GroupRule | None = FOLDER,
    holdout: int = 0,
    seed: int = 0,
    **options: Any,
) -> ingest_report.Report:
    return ingest_images.ingest(
        campaign,
        sources.given(campaign, [str(path) for path in paths]),
        ingest_images.Options(holdout=holdout, group=group, **options),
        seed,
        lambda step: None,
        AT,
    )


def begin(campaign: Campaign) -> None:
    """From now on, new images are a cohort of their own."""
    campaign.round(0).mkdir(parents=True, exist_ok=True)
    (campaign.round(0) / "plan.json").write_text("{}")


def groups_of(campaign: Campaign) -> dict[str, set[str]]:
    """The sides of each named group."""
    found: dict[str, set[str]] = defaultdict(set)
    for sample in read_samples(campaign.samples, which="all"):
        for name in sample.named_groups:
            found[name].add(sample.split)
    return found


def quarantine(campaign: Campaign) -> dict[str, str]:
    return {r["source"]: r["reason"] for r in json_files.read_jsonl(campaign.quarantine)}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    (tmp_path / "campaign").mkdir()
    return Campaign(tmp_path / "campaign")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def _no_sync_of_the_whole_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sync", lambda: None)


# --- names ---------------------------------------------------------------------------------


def names_at(rule: GroupRule, root: Path, place: str, *given: str) -> tuple[str, ...]:
    return GroupNames(rule, root, given).at(place)


@pytest.mark.parametrize(
    ("rule", "place", "name"),
    [
        (FOLDER, "../in/p1/a.png", "p1"),
        (GroupRule(folder=2), "../in/p1/scan/a.png", "p1"),
        (FOLDER, "https://host/p1/a.png?size=3", "p1"),
        (GroupRule(folder=2), "s3://bucket/p1/scan/a.png", "p1"),
        (GroupRule(path=r"patient-(\d+)"), "../in/x-patient-12-b.png", "12"),
        (GroupRule(path=r"cam\d"), "../in/cam3/a.png", "cam3"),
        (GroupRule(path=r"(cam\d)/(\d+)_"), "../in/cam3/17_a.png", "cam3/17"),
    ],
)
def test_a_place_names_its_group(tmp_path: Path, rule: GroupRule, place: str, name: str) -> None:
    assert names_at(rule, tmp_path / "campaign", place) == (name,)


def test_a_column_names_groups_of_files_folders_and_addresses(tmp_path: Path) -> None:
    root = tmp_path / "campaign"
    root.mkdir()
    fill(tmp_path / "in" / "all", range(2))
    table = tmp_path / "list.csv"
    table.write_text(
        "URL;Patient\nin/one.png;p1\nin/all;p2\nhttps://h/x.png;p3\ns3://b/k;p4\nin/one.png;p5\n"
    )
    names = GroupNames(GroupRule(column=" Patient"), root, ["@../list.csv"])
    assert names.at("../in/one.png") == ("p1", "p5")
    assert names.at("../in/all/deeper/0000.png") == ("p2",)
    assert names.at("https://h/x.png") == ("p3",)
    assert names.at("s3://b/k/a/b.png") == ("p4",)
    with pytest.raises(DataError, match=r"'../in/two.png' has no group: .*: wanted an image that"):
        names.at("../in/two.png")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ("folder", r"ingest\.group: wanted null, \{folder: 1\}, .* \(got 'folder'\)"),
        ({}, r"ingest\.group: wanted one of \{folder: 1\}, .* \(got \{\}\)"),
        ({"folder": 1, "column": "x"}, r"wanted one of .* \(got \{'folder': 1, 'column': 'x'\}\)"),
        ({"folder": 0}, r"ingest\.group\.folder: wanted greater than or equal to 1 \(got 0\)"),
        ({"path": "("}, r"ingest\.group: wanted a regular expression of Python as path, got '\('"),
        ({"colum": "x"}, r"ingest\.group\.colum: unknown key; did you mean 'column'\?"),
    ],
)
def test_a_rule_that_is_none_is_refused(values: Any, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        config.parse({"ingest": {"group": values}})


def test_an_expression_that_does_not_match_names_the_file_and_how_many(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures / "patient-1", range(3))
    fill(pictures / "others", range(3, 5))
    with pytest.raises(
        DataError,
        match=r"'../in/others/0003.png' has no group: ingest.group: \{path: 'patient-\(.*\)'\}:"
        r" wanted a path that the expression matches, .* \(2 images have none\)$",
    ):
        take(campaign, pictures, group=GroupRule(path=r"patient-(\d)"))
    assert not campaign.has_samples


def test_a_level_above_the_folder_given_is_too_deep(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "p1", range(3))
    with pytest.raises(
        DataError,
        match=r"'../in/p1/0000.png' has no group: ingest.group: \{folder: 3\}: wanted 3 folders"
        r" above the image, the one given among them, got in/p1; lower it or give the folder above",
    ):
        take(campaign, pictures, group=GroupRule(folder=3))
    take(campaign, pictures / "p1")  # its own name is the group's
    assert groups_of(campaign) == {"p1": {"pool"}}


def test_a_list_without_the_column_is_named(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(2))
    table = pictures / "list.csv"
    table.write_text("url,camera\n0000.png,c1\n0001.png,\n")
    with pytest.raises(
        DataError,
        match=r"list.csv: wanted a header with `url` and `patient`, got url, camera; name the"
        r" columns in line 1 \(ingest.group: \{column: 'patient'\}\)$",
    ):
        take(campaign, f"@{table}", group=GroupRule(column="patient"))
    with pytest.raises(DataError, match=r"list.csv: line 3 has no camera: wanted the group's name"):
        take(campaign, f"@{table}", group=GroupRule(column="camera"))
    with pytest.raises(DataError, match=r"'../in/0000.png' has no group: .*\(2 images have none\)"):
        take(campaign, pictures, group=GroupRule(column="camera"))
    table.write_text("url,camera\n0000.png,c1\n0001.png,c2\n")
    take(campaign, f"@{table}", group=GroupRule(column="camera"))
    assert groups_of(campaign) == {"c1": {"pool"}, "c2": {"pool"}}


# --- the draw ------------------------------------------------------------------------------


def lines(sizes: list[int], cohort: int = 0, start: int = 0, name: str = "g") -> list[Sample]:
    """Samples in groups of these sizes."""
    numbers = np.repeat(np.arange(len(sizes)), sizes).tolist()
    return [
        Sample(
            f"{start + n:016x}",
            f"{cohort:03d}/{start + n:016x}.png",
            f"{name}{number}/{n}.png",
            "pool",
            1,
            1,
            named_groups=(f"{name}{number}",),
        )
        for n, number in enumerate(numbers)
    ]


def held_of(samples: list[Sample]) -> set[str]:
    return {sample.id for sample in samples if sample.split == "holdout"}


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_hold_out_by_hand() -> None:
    """Groups of 4, 2, 2, 2 samples; 5 are wanted, half of them."""
    samples = lines([4, 2, 2, 2])
    seen = set()
    for seed in range(30):
        found = holdout_split.split({}, samples, 5, rng_of(seed))
        names = tuple(sorted({s.named_groups[0] for s in found if s.split == "holdout"}))
        held = len(held_of(found))
        assert held in (4, 2) if names in (("g0",), ("g1",), ("g2",), ("g3",)) else held == 4
        seen.add(names)
    # 6 of 10 would be more than half
    pairs = {("g1", "g2"), ("g1", "g3"), ("g2", "g3")}
    assert {("g0",), *pairs} <= seen <= {("g0",), ("g1",), ("g2",), ("g3",), *pairs}


def test_each_group_is_as_likely_whatever_its_size() -> None:
    sizes = np.array([20, 10, 10, 5, 5, 5, 1, 1, 1, 1, 1])
    counts, totals = np.zeros(len(sizes)), []
    for seed in range(3000):
        drawn = whole_groups.drawn(sizes.tolist(), 15, rng_of(seed))
        counts[drawn] += 1
        totals.append(sizes[drawn].sum())
    # 750 expected each, standard deviation 24; the mean of totals has one of 0.1
    assert np.all(abs(counts - 750) < 110)
    assert abs(np.mean(totals) - 15) < 0.5
    assert max(totals) <= 30


def test_the_first_hold_out_is_near_the_wish() -> None:
    samples = lines([20, 10, 10, 5, 5, 5, 1, 1, 1, 1, 1])
    found = [len(held_of(holdout_split.split({}, samples, 15, rng_of(seed)))) for seed in range(40)]
    assert abs(np.mean(found) - 15) < 4  # standard deviation 1
    assert max(found) <= 30


def test_a_group_of_more_than_half_stays_in_the_pool_and_is_told(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures / "big", range(12))
    fill(pictures / "small", range(12, 15))
    fill(pictures / "other", range(15, 18))
    report = take(campaign, pictures, holdout=4)
    assert groups_of(campaign)["big"] == {"pool"}
    assert report.holdout in (3, 6)
    text = " ".join(report.summary_lines())
    assert "3 groups, the largest 'big' with 12 samples; " in text
    assert f"so it has {report.holdout} samples where ingest.holdout wanted 4" in text
    assert "group 'big' has more than half of the samples: it stays in the pool, and the" in text


def test_one_group_is_held_out_at_least() -> None:
    samples = lines([30, 30, 30])
    for seed in range(8):
        assert len(held_of(holdout_split.split({}, samples, 5, rng_of(seed)))) == 30
        assert not held_of(holdout_split.split({}, samples, 0, rng_of(seed)))


@pytest.mark.slow
def test_later_cohorts_keep_the_share_in_the_long_run() -> None:
    total = 0
    for seed in range(600):
        new = lines([[7], [1, 3], [20, 1]][seed % 3], 1)
        total += len(held_of(holdout_split.split_cohort([], new, 0.2, rng_of(seed))))
    assert abs(total - 0.2 * 600 * 32 / 3) < 400  # 1280, standard deviation about 130


@st.composite
def cohorts(draw: st.DrawFn) -> list[list[Sample]]:
    """Cohorts of samples in groups that come again, some joined by twins or by two groups."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    start, found = 0, []
    for number in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 20))
        samples = lines([1] * size, number, start)
        start += size
        names = rng.integers(0, 8, (size, 2))
        doubled = rng.random(size) < 0.1
        found.append(
            [
                replace(
                    sample,
                    named_groups=tuple(sorted({f"g{a}", f"g{b}"} if two else {f"g{a}"})),
                )
                for sample, (a, b), two in zip(samples, names.tolist(), doubled, strict=True)
            ]
        )
    return found


@tries(15)
@given(given_cohorts=cohorts(), seed=st.integers(0, 2**32 - 1))
def test_no_group_is_on_both_sides_whatever_comes_in(
    given_cohorts: list[list[Sample]], seed: int
) -> None:
    """Twins at random, too; what cannot be on a side is no sample, and the order is no matter."""
    results = []
    for turned in (False, True):
        everyone: list[Sample] = []
        for number, cohort in enumerate(given_cohorts):
            new = cohort[::-1] if turned else cohort
            twins = twins_of(sorted(everyone, key=lambda s: s.id), cohort, seed)
            refused = group_sides.torn(everyone, new, twins)
            named = [
                replace(s, group=min(twins.get(s.id, ("",)))) for s in new if s.id not in refused
            ]
            rng = rng_of(seed + number)
            if number == 0:
                drawn = holdout_split.split({}, named, len(named) // 3, rng)
            else:
                drawn = holdout_split.split_cohort(everyone, named, 0.3, rng)
            everyone += drawn
            sides = sample_groups.sides(everyone)
            assert sides is None or not sides.both
        results.append({sample.id: sample.split for sample in everyone})
    assert results[0] == results[1]


def twins_of(old: list[Sample], new: list[Sample], seed: int) -> dict[str, tuple[str, ...]]:
    """Some new samples show nearly the same as others, as `near_duplicates.joined` says it."""
    rng = np.random.default_rng(seed)
    twins: dict[str, tuple[str, ...]] = {}
    for sample in new:
        chance = rng.random()
        if old and chance < 0.2:
            picked = rng.choice(len(old), rng.integers(1, 3))
            twins[sample.id] = tuple(sorted({old[place].picture for place in picked}))
        elif chance < 0.4:
            twins[sample.id] = (new[0].id,)
    if any(keys == (new[0].id,) for keys in twins.values()):
        twins[new[0].id] = (new[0].id,)
    return twins


# --- what comes in -------------------------------------------------------------------------


def test_a_group_keeps_its_side_in_later_cohorts(campaign: Campaign, pictures: Path) -> None:
    for group in range(6):
        fill(pictures / "a" / f"p{group}", range(group * 10, group * 10 + 4))
    take(campaign, pictures / "a", holdout=8)
    first = groups_of(campaign)
    assert sum(side == {"holdout"} for side in first.values()) == 2
    begin(campaign)
    for group in range(9):
        fill(pictures / "b" / f"p{group}", range(100 + group * 10, 103 + group * 10))
    report = take(campaign, pictures / "b", seed=3)
    after = groups_of(campaign)
    assert report.cohort == 1
    assert first.items() <= after.items()
    assert all(len(side) == 1 for side in after.values())
    assert len(after) == 9


def test_the_order_of_files_and_ingests_does_not_matter_to_sides(
    tmp_path: Path, pictures: Path
) -> None:
    for group in range(6):
        fill(pictures / f"p{group}", range(group * 10, group * 10 + 4))
    found = []
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        made = Campaign(tmp_path / name)
        paths = sorted(pictures.iterdir(), reverse=name == "y")
        take(made, *paths, holdout=8)
        found.append(groups_of(made))
    assert found[0] == found[1]


def test_without_a_rule_manifests_are_as_before(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "p1", range(4))
    take(campaign, pictures, group=None, holdout=2)
    assert "named_groups" not in (campaign.samples / "000.jsonl").read_text()


def test_the_same_picture_in_two_groups_joins_them(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "p1", range(4))
    fill(pictures / "p2", range(3, 8))  # the picture 3 is in both
    fill(pictures / "p3", range(20, 28))
    take(campaign, pictures, holdout=8)
    both = [s for s in read_samples(campaign.samples) if len(s.named_groups) == 2]
    assert [sample.named_groups for sample in both] == [("p1", "p2")]
    assert groups_of(campaign)["p1"] == groups_of(campaign)["p2"] != groups_of(campaign)["p3"]


@pytest.mark.parametrize("seed", range(4))
def test_a_copy_of_an_old_picture_ties_its_new_group_to_the_old_side(
    campaign: Campaign, pictures: Path, seed: int
) -> None:
    fill(pictures / "a" / "p1", range(5))
    fill(pictures / "a" / "p2", range(5, 10))
    take(campaign, pictures / "a", holdout=5, seed=seed)
    begin(campaign)
    (pictures / "b" / "p3").mkdir(parents=True)
    (pictures / "b" / "p3" / "copy.png").write_bytes(png(0))  # of p1
    take(campaign, pictures / "b")
    fill(pictures / "b" / "p3", range(30, 34))
    take(campaign, pictures / "b" / "p3" / "0030.png", pictures / "b" / "p3" / "0031.png")
    assert groups_of(campaign)["p3"] == groups_of(campaign)["p1"]


def sides_of(campaign: Campaign, side: str) -> str:
    return min(name for name, sides in groups_of(campaign).items() if sides == {side})


def test_a_twin_of_the_other_side_of_its_group_is_no_sample(
    campaign: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for group in range(4):
        fill(pictures / "a" / f"p{group}", range(group * 10, group * 10 + 4))
    take(campaign, pictures / "a", holdout=8)
    held, free = sides_of(campaign, "holdout"), sides_of(campaign, "pool")
    begin(campaign)
    twin = next(s for s in read_samples(campaign.samples) if s.named_groups == (free,))
    monkeypatch.setattr(
        near_duplicates,
        "joined",
        lambda ids, *_: {n: (twin.id,) for n in ids if n == digests.digest(png(90))},
    )
    fill(pictures / "b" / held, range(90, 93))
    report = take(campaign, pictures / "b")
    assert (report.added, report.quarantined) == (2, 1)
    assert quarantine(campaign) == {
        f"../in/b/{held}/0090.png": f"shows nearly the same picture as {twin.source!r}, which is in"
        f" the pool, and its own group {held!r} is in the hold-out"
    }


def test_a_new_group_goes_where_its_twin_is(
    campaign: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for group in range(4):
        fill(pictures / "a" / f"p{group}", range(group * 10, group * 10 + 4))
    take(campaign, pictures / "a", holdout=8)
    twin = next(s for s in read_samples(campaign.samples) if s.split == "holdout")
    begin(campaign)
    monkeypatch.setattr(
        near_duplicates,
        "joined",
        lambda ids, *_: {n: (twin.id,) for n in ids if n == digests.digest(png(90))},
    )
    fill(pictures / "b" / "new", range(90, 95))
    assert take(campaign, pictures / "b").held == 5
    assert groups_of(campaign)["new"] == {"holdout"}


def test_lists_may_come_one_after_the_other(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(6))
    for name, rows in (("a", (0, 1, 2)), ("b", (3, 4, 5))):
        lines_of = [f"{n:04d}.png,{name}" for n in rows]
        (pictures / f"{name}.csv").write_text("\n".join(["url,film", *lines_of]))
        take(campaign, f"@{pictures / name}.csv", group=GroupRule(column="film"), holdout=0)
    assert {s.source[-8:-4]: s.named_groups for s in read_samples(campaign.samples)} == {
        f"{n:04d}": ("a",) if n < 3 else ("b",) for n in range(6)
    }
    begin(campaign)
    fill(pictures, range(6, 8))
    (pictures / "c.csv").write_text("url,film\n0006.png,b\n0000.png,c\n0007.png,c\n")
    take(campaign, f"@{pictures / 'c.csv'}", group=GroupRule(column="film"))
    assert groups_of(campaign).keys() == {"a", "b", "c"}


def test_both_ways_to_write_an_accent_are_one_group(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "Zo\u00eb", range(3))
    fill(pictures / "Zoe\u0308", range(3, 6))
    take(campaign, pictures)
    assert len(groups_of(campaign)) == 1


def test_old_images_without_a_group_do_not_stop_later_ingests(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures / "loose", range(4))
    take(campaign, pictures, group=None)
    begin(campaign)
    fill(pictures / "patient-1", range(10, 12))
    report = take(campaign, pictures, group=GroupRule(path=r"patient-\d"))
    assert (report.added, report.known) == (2, 4)
    assert groups_of(campaign).keys() == {"patient-1"}


# --- a rule that is set or changed later ---------------------------------------------------


def test_set_before_the_first_plan_the_hold_out_is_drawn_anew(
    campaign: Campaign, pictures: Path
) -> None:
    for group in range(6):
        fill(pictures / f"p{group}", range(group * 10, group * 10 + 4))
    take(campaign, pictures, group=None, holdout=8)
    report = take(campaign, pictures, holdout=8)
    assert all(len(side) == 1 for side in groups_of(campaign).values())
    assert report.holdout == 8
    assert "on both sides, such as 'p" in report.summary_lines()[-1]
    again = take(campaign, pictures, holdout=8)
    assert (again.added, again.holdout) == (0, 8)
    assert "drawn anew" not in " ".join(again.summary_lines())
    taken_back = take(campaign, pictures, group=None, holdout=8)
    assert taken_back.holdout == 8
    assert not groups_of(campaign)


def test_labels_that_know_the_hold_out_stop_that(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "p1", range(4))
    fill(pictures / "p2", range(4, 8))
    take(campaign, pictures, group=None, holdout=4)
    sample = next(s for s in read_samples(campaign.samples) if s.split == "pool")
    write_labels(campaign.label_file("owned"), [Label(sample.id, "a", source="owned")])
    before = {path: path.read_bytes() for path in campaign.samples.iterdir()}
    with pytest.raises(
        SettingsError, match=r"group 'p\d' is in the pool and in the hold-out since"
    ):
        take(campaign, pictures, holdout=4)
    assert {path: path.read_bytes() for path in campaign.samples.iterdir()} == before


def test_set_later_new_images_of_a_torn_group_are_no_samples(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures / "a" / "p1", range(10))
    take(campaign, pictures / "a", group=None, holdout=5)
    begin(campaign)
    fill(pictures / "b" / "p1", range(20, 22))
    fill(pictures / "b" / "p2", range(22, 24))
    report = take(campaign, pictures / "b")
    assert (report.added, report.quarantined) == (2, 2)
    reason = "its group 'p1' is in the pool and in the hold-out, since ingest.group was set or"
    assert all(text.startswith(reason) for text in quarantine(campaign).values())


def test_taken_away_later_is_refused(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "p1", range(4))
    take(campaign, pictures)
    begin(campaign)
    fill(pictures / "p2", range(10, 12))
    with pytest.raises(
        SettingsError,
        match=r"ingest.group: wanted what named the groups so far, such as 'p1' of"
        r" '../in/p1/\d+.png', got null: .*; put it back$",
    ):
        take(campaign, pictures, group=None)


def test_another_rule_knows_the_old_groups(campaign: Campaign, pictures: Path) -> None:
    """Scans of a patient were groups; now patients are."""
    for patient in range(4):
        for scan in range(2):
            place = 100 * patient + 10 * scan
            fill(pictures / f"p{patient}" / f"s{patient}{scan}", range(place, place + 3))
    take(campaign, pictures, holdout=9, seed=1)
    old: dict[str, set[str]] = defaultdict(set)
    for sample in read_samples(campaign.samples):
        old[Path(sample.source).parts[-3]].add(sample.split)
    begin(campaign)
    for patient in range(4):
        fill(pictures / f"p{patient}" / "new", range(600 + patient * 3, 603 + patient * 3))
    report = take(campaign, pictures, group=GroupRule(path=r"/(p\d)/"))
    torn = sum(len(sides) > 1 for sides in old.values())
    assert (report.added, report.quarantined) == (3 * (4 - torn), 3 * torn)
    for sample in read_samples(campaign.samples, which="all"):
        if sample.cohort == 1:
            assert old[sample.named_groups[0]] == {sample.split}


def test_sides_are_counted_and_those_on_both_named() -> None:
    samples = [replace(s, split="holdout") if n < 3 else s for n, s in enumerate(lines([2] * 6))]
    sides = sample_groups.sides(samples)
    assert sides is not None
    assert sides.summary_line() == "6 groups, 1 on both sides: 'g1'"
    assert sample_groups.sides([replace(s, named_groups=()) for s in samples]) is None
    whole = sample_groups.sides(lines([2, 2]))
    assert whole is not None
    assert whole.summary_line() == "2 groups, none on both sides"
    twins = [replace(samples[0], group="t"), replace(samples[-1], group="t")]
    found = sample_groups.sides(twins)
    assert found is not None
    assert found.both == (samples[0].source,)
    many = [replace(s, split="holdout") if n % 2 else s for n, s in enumerate(lines([2] * 6))]
    torn = sample_groups.sides(many)
    assert torn is not None
    assert torn.summary_line() == "6 groups, 6 on both sides: 'g0', 'g1', 'g2' and 3 others"
