import errno
import itertools
import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deep_files import tiff_of
from example_counts import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from labelcycle import decoding
from labelcycle.campaign import holdout_split, json_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import Cohort, CohortsRecord, Source
from labelcycle.campaign.sample_files import Sample, read_manifest, read_samples
from labelcycle.campaign.sample_lookup import Finder
from labelcycle.core import digests
from labelcycle.errors import DataError, SettingsError, StateError
from labelcycle.ingest import (
    ingest_images,
    ingest_report,
    near_duplicates,
    one_file,
    sources,
    take_files,
)
from labelcycle.nn.progress import Progress
from labelcycle.stages.sample_images import common_ranges, load_images

AT = "2026-12-01T08:00:00+00:00"


def png(shade: int, size: tuple[int, int] = (4, 3)) -> bytes:
    return decoding.png_bytes(Image.new("RGB", size, (shade % 256, shade // 256, 0)))


def fill(folder: Path, shades: range, start: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shade in shades:
        (folder / f"{start}{shade:04d}.png").write_bytes(png(shade))


def take(
    campaign: Campaign,
    *paths: str | Path,
    holdout: int = 0,
    seed: int = 0,
    show: Callable[[Progress], None] = lambda step: None,
    **options: Any,
) -> ingest_report.Report:
    return ingest_images.ingest(
        campaign,
        sources.given(campaign, [str(path) for path in paths]),
        ingest_images.Options(holdout=holdout, **options),
        seed,
        show,
        AT,
    )


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def splits(campaign: Campaign) -> dict[str, str]:
    return {sample.source: sample.split for sample in read_samples(campaign.samples)}


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


# --- what comes in -------------------------------------------------------------------------


def test_images_come_in_as_they_are(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(5))
    report = take(campaign, pictures)
    assert report == ingest_report.Report(5, 5, 0, 0, 0, pool=5, holdout=0, cohort=0)
    samples = read_samples(campaign.samples)
    assert [sample.id for sample in samples] == sorted(sample.id for sample in samples)
    for sample in samples:
        stored = (campaign.images / sample.file).read_bytes()
        assert stored == (campaign.root / sample.source).read_bytes()
        assert (sample.id, sample.file) == (digests.digest(stored), f"000/{sample.id}.png")
        assert (sample.width, sample.height, sample.notes) == (4, 3, ())
    stored_names = sorted(path.name for path in campaign.cohort_images(0).iterdir())
    assert [f"000/{name}" for name in stored_names] == [sample.file for sample in samples]
    assert quarantine(campaign) == {}


def test_size_notes_and_extension_are_those_of_the_image(
    campaign: Campaign, pictures: Path
) -> None:
    pictures.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(pictures / "turned.PNG", "JPEG", exif=exif)
    take(campaign, pictures)
    (sample,) = read_samples(campaign.samples)
    assert sample.file == f"000/{sample.id}.jpg"
    assert (sample.width, sample.height) == (10, 20)
    assert sample.notes == ("turned by EXIF orientation 6",)


def test_a_bad_image_never_stops_the_rest(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(2))
    (pictures / "empty.png").write_bytes(b"")
    (pictures / "cut.png").write_bytes(png(9, (30, 30))[:-40])
    (pictures / "notes.txt").write_text("hello")
    (pictures / "large.png").write_bytes(png(3, (50, 50)))
    (pictures / "gone.png").symlink_to("nowhere")
    (pictures / "loop.png").symlink_to("loop.png")
    os.mkfifo(pictures / "pipe.png")
    report = take(campaign, pictures, max_pixels=1999)
    reasons = {Path(source).name: reason for source, reason in quarantine(campaign).items()}
    assert (report.looked_at, report.added, report.quarantined) == (9, 2, 7)
    assert reasons["empty.png"] == "empty file"
    assert reasons["cut.png"].startswith("damaged: ")
    assert reasons["notes.txt"].startswith("not an image that can be read")
    assert reasons["large.png"] == "too large: 50 x 50, wanted at most 1999 pixels"
    assert reasons["gone.png"] == "cannot be read: No such file or directory"
    assert reasons["loop.png"] == "cannot be read: Too many levels of symbolic links"
    assert reasons["pipe.png"] == "not a file"


def test_a_file_without_permission_is_quarantined(
    campaign: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(pictures, range(2))
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path == pictures / "0000.png":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    take(campaign, pictures)
    assert quarantine(campaign) == {"../in/0000.png": "cannot be read: Permission denied"}


def test_a_file_of_gigabytes_is_not_read(
    campaign: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(pictures, range(1))
    (pictures / "big.png").write_bytes(png(5, (100, 100)))
    monkeypatch.setattr(one_file, "MAX_BYTES", 200)
    take(campaign, pictures)
    (reason,) = quarantine(campaign).values()
    assert reason.startswith("too large: ")
    assert reason.endswith(" bytes, wanted at most 200")


def test_warnings_of_the_decoder_stop_nothing(campaign: Campaign, pictures: Path) -> None:
    pictures.mkdir()
    exif = b"Exif\0\0MM\0\x2a\xff\xff\xff\xff\0\x01"
    Image.new("RGB", (9, 9)).save(pictures / "a.jpg", exif=exif)
    assert take(campaign, pictures).added == 1


def test_the_same_bytes_are_one_sample(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(3))
    fill(pictures / "copies", range(2), "copy")
    report = take(campaign, pictures)
    assert (report.looked_at, report.added, report.duplicates) == (5, 3, 2)
    assert sorted(splits(campaign)) == [f"../in/{n:04d}.png" for n in range(3)]


def scene(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    cells = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    return cells.resize((80, 60), Image.Resampling.BICUBIC)


def test_the_same_pixels_in_other_files_are_one_sample(campaign: Campaign, pictures: Path) -> None:
    pictures.mkdir()
    scene(0).save(pictures / "a.png")
    scene(0).save(pictures / "b.png", compress_level=9, pnginfo=None, dpi=(72, 72))
    scene(0).save(pictures / "c.bmp")
    report = take(campaign, pictures)
    assert (report.added, report.duplicates) == (1, 2)
    assert report.remarks == (
        "2 files show the very picture of another, such as '../in/b.png' that of '../in/a.png':"
        " it is one sample, known by both paths",
    )
    (sample,) = read_samples(campaign.samples)
    assert (sample.source, sample.also) == ("../in/a.png", ("../in/b.png", "../in/c.bmp"))
    assert take(campaign, pictures).remarks == ()
    assert [sample] == read_samples(campaign.samples)


def test_every_path_of_the_same_bytes_is_remembered(campaign: Campaign, pictures: Path) -> None:
    for name in ("cat", "dog"):
        fill(pictures / name, range(1))
    take(campaign, pictures)
    (sample,) = samples = read_samples(campaign.samples)
    finder = Finder(campaign, samples)
    assert finder.by_file("cat/0000.png") == finder.by_file("dog/0000.png") == sample
    assert finder.by_file("0000.png") == sample


@pytest.mark.parametrize("seed", range(8))
def test_twins_are_on_one_side_of_the_hold_out(
    campaign: Campaign, pictures: Path, seed: int
) -> None:
    pictures.mkdir()
    for number in range(12):
        scene(number).save(pictures / f"{number}.png")
        scene(number).save(pictures / f"{number}.jpg", quality=90)
    report = take(campaign, pictures, holdout=8, seed=seed)
    assert (report.pool, report.holdout) == (16, 8)
    (remark,) = report.remarks
    first, second = remark.split("'")[1:4:2]
    assert remark == (
        "24 samples in 12 groups show nearly the same picture, such as"
        f" {first!r} and {second!r}: those of"
        " a group are all in the hold-out or all in the pool"
    )
    found = splits(campaign)
    for number in range(12):
        assert found[f"../in/{number}.png"] == found[f"../in/{number}.jpg"]


def test_a_twin_that_comes_later_goes_to_its_side(campaign: Campaign, pictures: Path) -> None:
    for number in range(8):
        (pictures / "a").mkdir(parents=True, exist_ok=True)
        (pictures / "b").mkdir(parents=True, exist_ok=True)
        scene(number).save(pictures / "a" / f"{number}.png")
        scene(number).save(pictures / "b" / f"{number}.jpg", quality=90)
    take(campaign, pictures / "a", holdout=4)
    before = splits(campaign)
    take(campaign, pictures / "b", holdout=4)
    after = splits(campaign)
    assert before.items() <= after.items()
    for number in range(8):
        assert after[f"../in/b/{number}.jpg"] == after[f"../in/a/{number}.png"]


def deep(path: Path, low: int, high: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.linspace(low, high, 200).astype(np.uint16)[None].repeat(9, 0)
    Image.fromarray(values).save(path)


def ranges(campaign: Campaign) -> set[tuple[str, float, float] | None]:
    return {sample.values for sample in read_samples(campaign.samples)}


def test_deep_images_share_black_and_white_and_later_ones_too(
    campaign: Campaign, pictures: Path
) -> None:
    deep(pictures / "a" / "cold.tif", 29_300, 29_900)
    deep(pictures / "a" / "warm.png", 30_000, 31_000)
    report = take(campaign, pictures / "a")
    told = "2 images have 16-bit values: 29300 is black, 31000 white (ingest.values)"
    assert report.remarks == (told,)
    assert ranges(campaign) == {("16-bit", 29_300, 31_000)}
    deep(pictures / "b" / "hot.tif", 30_000, 35_000)
    assert take(campaign, pictures / "b").remarks == (
        f"{told.replace('2 images', '3 images')}; 1 has values beyond, which are cut off",
    )
    assert ranges(campaign) == {("16-bit", 29_300, 31_000)}
    (hot,) = (s for s in read_samples(campaign.samples) if s.source.endswith("hot.tif"))
    assert hot.notes[-1].endswith("29300 black, 31000 white, its 30000 to 35000 cut off")
    assert take(campaign, pictures, values="image").remarks == (
        "3 images have 16-bit values: black and white are each image's own (ingest.values)",
    )
    assert len(ranges(campaign)) == 3
    take(campaign, pictures, values=[0, 40_000])
    assert ranges(campaign) == {("16-bit", 0, 40_000)}


def test_images_that_use_little_of_the_range_are_counted(
    campaign: Campaign, pictures: Path
) -> None:
    deep(pictures / "microscope.tif", 0, 4095)
    deep(pictures / "thermal.tif", 29_315, 31_015)
    deep(pictures / "blank.tif", 500, 500)
    (told,) = take(campaign, pictures).remarks
    assert told == (
        "3 images have 16-bit values: 0 is black, 32767 white (ingest.values); 2 use less than an"
        " eighth of that and may look all one grey: `ingest.values: image` gives each image its own"
        " black and white"
    )
    assert "less than an eighth" not in " ".join(take(campaign, pictures, values="image").remarks)


def test_deep_colours_share_black_and_white_as_grey_does(
    campaign: Campaign, pictures: Path
) -> None:
    pictures.mkdir(exist_ok=True)
    for name, high in (("dark", 900), ("bright", 4000)):
        pixels = np.linspace(0, high, 160).astype(np.uint16)[None, :, None].repeat(20, 0)
        pixels = np.concatenate([pixels, pixels[:, ::-1], pixels // 2], -1)
        (pictures / f"{name}.tif").write_bytes(tiff_of(pixels))
    assert take(campaign, pictures).remarks == (
        "2 images have 16-bit colour values: 0 is black, 4095 white (ingest.values)",
    )
    assert ranges(campaign) == {("16-bit colour", 0, 4095)}
    samples = read_samples(campaign.samples)
    dark, bright = sorted(load_images(campaign, samples, 20).max(axis=(1, 2, 3)))
    assert dark < 60
    assert bright > 120


def test_models_and_people_see_the_range_of_the_campaign(
    campaign: Campaign, pictures: Path
) -> None:
    deep(pictures / "cold.tif", 29_300, 29_900)
    deep(pictures / "warm.png", 30_000, 31_000)
    take(campaign, pictures)
    samples = read_samples(campaign.samples)
    cold, warm = sorted(load_images(campaign, samples, 9).mean(axis=(1, 2, 3)))
    assert cold < 60
    assert warm > 160
    assert common_ranges(samples) == {"16-bit": (29_300, 31_000)}


def test_odd_names_come_in_and_stay_readable(campaign: Campaign, pictures: Path) -> None:
    odd = [
        "a b.png",
        "#1.png",
        "100%.png",
        "x&y+z.png",
        "größe.png",
        unicodedata.normalize("NFC", "é.png"),
        unicodedata.normalize("NFD", "é.png"),
        "n" * 251 + ".png",
        "line\nbreak.png",
        os.fsdecode(b"\xff.png"),
    ]
    pictures.mkdir()
    for shade, name in enumerate(odd):
        (pictures / name).write_bytes(png(shade))
    (pictures / ".hidden.png").write_bytes(png(77))
    report = take(campaign, pictures, pictures / ".hidden.png")
    assert (report.added, report.quarantined) == (11, 0)
    wanted = {f"../in/{name}" for name in [*odd[:-1], ".hidden.png", "\\xff.png"]}
    assert set(splits(campaign)) == wanted
    assert all(sample.file.isascii() for sample in read_samples(campaign.samples))


def test_images_far_from_the_campaign_keep_their_whole_path(tmp_path: Path) -> None:
    (tmp_path / "here" / "campaign").mkdir(parents=True)
    campaign = Campaign(tmp_path / "here" / "campaign")
    fill(tmp_path / "far", range(1))
    take(campaign, tmp_path / "far")
    assert list(splits(campaign)) == [str(tmp_path / "far" / "0000.png")]


def test_progress_is_shown_to_the_end(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(4))
    steps: list[Progress] = []
    take(campaign, pictures, show=steps.append)
    assert [(step.step, step.total) for step in steps] == [(n, 4) for n in (1, 2, 3, 4)]


# --- the hold-out --------------------------------------------------------------------------


def test_the_holdout_is_drawn_at_random_from_the_seed(tmp_path: Path) -> None:
    fill(tmp_path / "in", range(40))
    drawn = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        campaign = Campaign(tmp_path / name)
        paths = sorted((tmp_path / "in").iterdir(), reverse=name == "b")
        report = take(campaign, *paths, holdout=15, seed=seed)
        assert (report.pool, report.holdout) == (25, 15)
        drawn.append({s for s, split in splits(campaign).items() if split == "holdout"})
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_image_is_as_likely_in_the_holdout() -> None:
    new = {f"{n:016x}": Sample(f"{n:016x}", "", "", "pool", 1, 1) for n in range(10)}
    counts: Counter[str] = Counter()
    for seed in range(2000):
        for sample in holdout_split.split({}, [*new.values()], 3, np.random.default_rng(seed)):
            counts[sample.id] += sample.split == "holdout"
    # 600 expected each, standard deviation 20.5
    assert all(abs(count - 600) < 100 for count in counts.values())
    assert sum(counts.values()) == 6000


def cohort_of(count: int, start: int = 0, cohort: int = 1, **more: Any) -> list[Sample]:
    return [
        Sample(f"{n:016x}", f"{cohort:03d}/{n:016x}.png", "", "pool", 1, 1, **more)
        for n in range(start, start + count)
    ]


def held_of(samples: list[Sample]) -> set[str]:
    return {sample.id for sample in samples if sample.split == "holdout"}


def test_every_image_of_a_later_cohort_is_as_likely_in_the_holdout() -> None:
    counts: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    for seed in range(2000):
        found = holdout_split.split_cohort([], cohort_of(9), 0.15, np.random.default_rng(seed))
        counts.update(held_of(found))
        sizes[len(held_of(found))] += 1
    assert sizes.keys() == {1, 2}  # 1.35 on average
    # 300 expected each, standard deviation 16
    assert all(abs(count - 300) < 80 for count in counts.values())
    assert abs(counts.total() - 2700) < 100


def test_of_single_images_the_share_is_held_out_in_the_long_run() -> None:
    held = sum(
        len(held_of(holdout_split.split_cohort([], cohort_of(1), 0.2, np.random.default_rng(seed))))
        for seed in range(2000)
    )
    assert abs(held - 400) < 90


def test_a_twin_of_an_old_sample_goes_to_its_side_and_changes_no_other_draw() -> None:
    old = cohort_of(2, 100, 0)
    old[0] = replace(old[0], split="holdout")
    new = cohort_of(8)
    new[0] = replace(new[0], group=old[0].id)
    new[1] = replace(new[1], group=old[1].id)
    for seed in range(200):
        held = held_of(holdout_split.split_cohort(old, new, 0.5, np.random.default_rng(seed)))
        assert new[0].id in held
        assert new[1].id not in held
        assert len(held) == 1 + 3


def test_where_a_picture_is_on_both_sides_its_twin_is_held_out() -> None:
    first, second = (replace(each, group="g") for each in cohort_of(2, 100, 0))
    new = cohort_of(1, group="g")
    held = [replace(each, split="holdout") for each in (first, second)]
    for old in ([held[0], second], [first, held[1]]):
        assert held_of(holdout_split.split_cohort(old, new, 0.0, np.random.default_rng(0)))


def test_twins_of_the_pool_do_not_push_what_is_new_into_the_hold_out() -> None:
    old = cohort_of(80, 1000, 0)
    new = [
        replace(sample, group=twin.id) for sample, twin in zip(cohort_of(80), old, strict=True)
    ] + cohort_of(20, 80)
    rng = np.random.default_rng(0)
    assert len(held_of(holdout_split.split_cohort(old, new, 0.2, rng))) == 4
    before = {sample.id: sample for sample in old}
    assert len(held_of(holdout_split.split(before, [*old, *new], 200, rng))) == 10


def test_a_group_is_as_likely_in_the_hold_out_whatever_its_size() -> None:
    new = cohort_of(3, group="0") + cohort_of(1, 3)
    counts: Counter[str] = Counter()
    for seed in range(1000):
        counts.update(
            held_of(holdout_split.split_cohort([], new, 0.2, np.random.default_rng(seed)))
        )
        alone = holdout_split.split_cohort([], new[:3], 0.2, np.random.default_rng(seed))
        counts["alone"] += len(held_of(alone)) > 0
    assert len(counts) == 5
    # 200 expected each, standard deviation 13
    assert all(abs(count - 200) < 65 for count in counts.values())


def test_a_group_of_a_later_cohort_is_on_one_side() -> None:
    new = cohort_of(4, group="0") + cohort_of(4, 4)
    for seed in range(100):
        held = held_of(holdout_split.split_cohort([], new, 0.5, np.random.default_rng(seed)))
        assert len(held & {sample.id for sample in new[:4]}) in (0, 4)


@pytest.mark.parametrize(("count", "holdout"), [(1, 1), (4, 3), (5, 3), (10, 200)])
def test_a_holdout_above_half_is_an_error(
    campaign: Campaign, pictures: Path, count: int, holdout: int
) -> None:
    fill(pictures, range(count))
    text = (
        rf"ingest\.holdout: wanted at most {count // 2}, half of the {count} images, got {holdout};"
    )
    with pytest.raises(SettingsError, match=text):
        take(campaign, pictures, holdout=holdout)
    assert not any(path.is_file() for path in campaign.root.rglob("*"))


def test_half_is_allowed(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(5))
    assert take(campaign, pictures, holdout=2).pool == 3


def test_the_defaults_hold_out_200() -> None:
    assert ingest_images.Options().holdout == 200
    assert ingest_images.Options().max_pixels == decoding.MAX_PIXELS


# --- again ---------------------------------------------------------------------------------


def test_the_same_again_changes_nothing(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(10))
    (pictures / "bad.png").write_bytes(b"bad")
    take(campaign, pictures, holdout=3)
    before = tree(campaign.root)
    report = take(campaign, pictures, holdout=3, seed=99)
    assert report == ingest_report.Report(11, 0, 10, 0, 1, pool=7, holdout=3)
    assert tree(campaign.root) == before


def test_more_images_keep_the_split_and_fill_the_holdout(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures / "a", range(10))
    fill(pictures / "b", range(5, 30))
    take(campaign, pictures / "a", holdout=3)
    first = splits(campaign)
    report = take(campaign, pictures / "b", holdout=6)
    assert (report.added, report.known, report.holdout) == (20, 5, 6)
    assert first.items() <= splits(campaign).items()


def test_few_new_images_do_not_all_go_to_the_holdout(campaign: Campaign, pictures: Path) -> None:
    fill(pictures / "a", range(10))
    fill(pictures / "b", range(10, 14))
    take(campaign, pictures / "a")
    assert take(campaign, pictures / "b", holdout=6).holdout == 2


def test_the_quarantine_follows_what_became_of_each_file(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures / "a", range(2))
    (pictures / "a" / "bad.png").write_bytes(b"bad")
    (pictures / "a" / "mended.png").write_bytes(b"bad")
    take(campaign, pictures / "a")
    (pictures / "a" / "mended.png").write_bytes(png(50))
    fill(pictures / "b", range(5, 6))
    (pictures / "b" / "bad.png").write_bytes(b"")
    take(campaign, pictures / "a" / "mended.png", pictures / "b")
    assert sorted(quarantine(campaign)) == ["../in/a/bad.png", "../in/b/bad.png"]


def test_missing_images_of_the_campaign_are_an_error(campaign: Campaign, pictures: Path) -> None:
    fill(pictures, range(3))
    take(campaign, pictures)
    for path in list(campaign.cohort_images(0).iterdir())[:2]:
        path.unlink()
    with pytest.raises(DataError, match=r"lacks 2 of 3 images, .*run `dvc checkout`"):
        take(campaign, pictures)


# --- later cohorts -------------------------------------------------------------------------


@pytest.fixture
def begun(campaign: Campaign, pictures: Path) -> Campaign:
    """A campaign of 20 images with a round, of which 5 are held out."""
    fill(pictures / "a", range(20))
    take(campaign, pictures / "a", holdout=5)
    begin(campaign)
    return campaign


def test_what_comes_in_later_is_a_cohort_of_its_own(begun: Campaign, pictures: Path) -> None:
    before = tree(begun.root)
    fill(pictures / "b", range(15, 55))
    report = take(begun, pictures / "b", holdout=5)
    assert (report.added, report.known, report.cohort) == (35, 5, 1)
    assert report.held in (8, 9)  # a quarter, as of the first 20
    after = tree(begun.root)
    kept = [name for name in before if name.startswith(("data/images", "data/samples"))]
    assert [after[name] for name in kept] == [before[name] for name in kept]
    new = read_manifest(begun.samples / "001.jsonl")
    assert len(new) == 35
    assert {sample.file for sample in new} == {
        path.relative_to(begun.images).as_posix() for path in begun.cohort_images(1).iterdir()
    }
    assert report.summary_lines()[:3] == [
        "40 files: 35 new samples, 5 known already, 0 duplicates, 0 in quarantine",
        f"cohort 1: {35 - report.held} for the pool, {report.held} for the hold-out; it counts from"
        " the next round on",
        f"in all {50 - report.held} in the pool, {5 + report.held} in the hold-out",
    ]
    record = CohortsRecord.read(begun.cohorts)
    assert record.sources == (Source("../in/a"), Source("../in/b"))
    assert record.cohorts == (
        Cohort(0, AT, ("../in/a",), 15, 5),
        Cohort(1, AT, ("../in/b",), 35 - report.held, report.held),
    )


def test_a_later_ingest_without_new_images_is_no_cohort(begun: Campaign, pictures: Path) -> None:
    before = tree(begun.root)
    report = take(begun, pictures / "a")
    assert (report.added, report.known, report.cohort) == (0, 20, None)
    assert tree(begun.root) == before


def test_the_share_of_later_cohorts_can_be_given(begun: Campaign, pictures: Path) -> None:
    for cohort, share in ((1, 0.0), (2, 0.5)):
        fill(pictures / "b", range(cohort * 100, cohort * 100 + 10))
        report = take(begun, pictures / "b", holdout_share=share)
        assert (report.cohort, report.held) == (cohort, 10 * share)


@pytest.mark.parametrize("gone", [{"holdout"}, {"pool", "holdout"}])
def test_the_share_is_that_of_the_first_cohort_before_any_withdrawal(
    begun: Campaign, pictures: Path, gone: set[str]
) -> None:
    fill(pictures / "b", range(100, 102))
    take(begun, pictures / "b")
    first = read_manifest(begun.samples / "000.jsonl")
    left = [sample for sample in first if sample.split not in gone]
    for sample in first:
        if sample not in left:
            (begun.images / sample.file).unlink()
    sample_files.write_samples(begun.samples, left)
    fill(pictures / "c", range(200, 240))
    report = take(begun, pictures / "c")
    assert (report.added, report.held) == (40, 10)
    begun.cohorts.unlink()
    with pytest.raises(DataError, match="lacks the first cohort; restore it with `git checkout`"):
        take(begun, pictures / "c")


def test_only_new_images_are_decoded_and_only_changed_files_read(
    begun: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(pictures / "a", range(20, 22))
    decoded, read = [], []
    decode, read_file = decoding.decode, one_file._read
    monkeypatch.setattr(decoding, "decode", lambda *a, **k: decoded.append(a) or decode(*a, **k))
    monkeypatch.setattr(one_file, "_read", lambda path: read.append(path.name) or read_file(path))
    take(begun, pictures / "a")
    assert sorted(read) == ["0020.png", "0021.png"]
    assert len(decoded) == 2
    begun.seen.unlink()  # on another computer
    take(begun, pictures / "a")
    assert len(read) == 2 + 22
    assert len(decoded) == 2
    for path in begun.samples.glob("*.npz"):  # which spare work, and are found anew
        path.unlink()
    fill(pictures / "a", range(22, 23))
    assert take(begun, pictures / "a").added == 1
    assert len(decoded) == 2 + 22 + 1
    assert sorted(path.name for path in begun.samples.glob("*.npz")) == [
        "000.npz",
        "001.npz",
        "002.npz",
    ]


def test_a_copy_of_an_old_picture_is_no_new_sample(begun: Campaign, pictures: Path) -> None:
    (pictures / "b").mkdir()
    Image.open(pictures / "a" / "0003.png").save(pictures / "b" / "copy.bmp")
    for _ in range(2):
        report = take(begun, pictures / "b")
        assert (report.added, report.known, report.cohort) == (0, 1, None)
    assert report.remarks == ()  # people were told the first time


def twins(folder: Path, kind: str, numbers: range) -> None:
    folder.mkdir(parents=True)
    options = {"quality": 90} if kind == "jpg" else {}
    for number in numbers:
        scene(number).save(folder / f"{number}.{kind}", **options)


def test_twins_in_several_cohorts_are_on_one_side(campaign: Campaign, pictures: Path) -> None:
    twins(pictures / "a", "png", range(8))
    take(campaign, pictures / "a", holdout=4)
    begin(campaign)
    before = splits(campaign)
    twins(pictures / "b", "jpg", range(4, 12))
    twins(pictures / "c", "webp", range(2, 10))
    for cohort in ("b", "c"):
        (remark,) = take(campaign, pictures / cohort).remarks
        assert "show nearly the same picture, such as" in remark
    after = splits(campaign)
    assert before.items() <= after.items()
    sides: dict[str, set[str]] = {}
    for source, side in after.items():
        sides.setdefault(Path(source).stem, set()).add(side)
    assert len(after) == 24
    assert all(len(each) == 1 for each in sides.values())


def test_a_twin_of_both_sides_is_no_sample(
    campaign: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(pictures / "a", range(8))
    take(campaign, pictures / "a", holdout=4)
    begin(campaign)
    sides = splits(campaign)
    held = next(source for source in sides if sides[source] == "holdout")
    free = next(source for source in sides if sides[source] == "pool")
    pair = {s.id for s in read_samples(campaign.samples) if s.source in (held, free)}
    monkeypatch.setattr(
        near_duplicates,
        "joined",
        lambda ids, *_: {n: tuple(sorted(pair)) for n in ids if n == digests.digest(png(50))},
    )
    fill(pictures / "b", range(50, 52))
    report = take(campaign, pictures / "b")
    assert (report.added, report.duplicates, report.quarantined) == (1, 0, 1)
    assert quarantine(campaign) == {
        "../in/b/0050.png": f"shows nearly the same picture as {free!r}, which is in the pool, and"
        f" as {held!r}, which is in the hold-out"
    }


def lighter(path: Path, levels: int) -> None:
    """A scene of which one block is lighter."""
    path.parent.mkdir(exist_ok=True, parents=True)
    shades = [min(level + levels, 255) for level in range(256)] * 3
    image, block = scene(0), (0, 0, 8, 8)
    image.paste(image.crop(block).point(shades), block)
    image.save(path)


@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.parametrize("seed", range(2))  # which of the two is held out
def test_what_lies_between_both_sides_is_no_sample(
    campaign: Campaign, pictures: Path, planned: bool, seed: int
) -> None:
    """Of three pictures the middle one is a twin of both others, which are none."""
    lighter(pictures / "a" / "0.png", 0)
    lighter(pictures / "a" / "4.png", 12)
    take(campaign, pictures / "a", holdout=1, seed=seed)
    assert {sample.group for sample in read_samples(campaign.samples)} == {""}
    if planned:
        begin(campaign)
    before = splits(campaign)
    assert set(before.values()) == {"pool", "holdout"}
    lighter(pictures / "b" / "2.png", 6)
    scene(1).save(pictures / "b" / "other.png")
    report = take(campaign, pictures / "b", holdout=1)
    assert (report.added, report.quarantined) == (1, 1)
    assert "shows nearly the same picture as" in quarantine(campaign)["../in/b/2.png"]
    assert before.items() <= splits(campaign).items()
    assert {sample.group for sample in read_samples(campaign.samples)} == {""}


@pytest.mark.parametrize("turned", [False, True])
def test_a_twin_of_a_torn_group_is_no_sample(
    campaign: Campaign, pictures: Path, turned: bool
) -> None:
    """Such groups are in manifests of an earlier version."""
    twins(pictures / "a", "png", range(1))
    scene(0).save(pictures / "a" / "0.jpg", quality=90)
    take(campaign, pictures / "a")
    old = read_samples(campaign.samples)
    sides = ("holdout", "pool") if turned else ("pool", "holdout")
    torn = [replace(sample, split=side) for sample, side in zip(old, sides, strict=True)]
    sample_files.write_samples(campaign.samples, torn)
    begin(campaign)
    twins(pictures / "b", "webp", range(1))
    report = take(campaign, pictures / "b")
    assert (report.added, report.quarantined) == (0, 1)


# --- sources again -------------------------------------------------------------------------


def take_again(campaign: Campaign) -> ingest_report.Report:
    return ingest_images.ingest(
        campaign, sources.again(campaign), ingest_images.Options(), 0, lambda step: None, AT
    )


def test_what_is_new_at_the_sources_comes_in(begun: Campaign, pictures: Path) -> None:
    (pictures / "list.txt").write_text("b\n")
    fill(pictures / "b", range(30, 32))
    take(begun, f"@{pictures / 'list.txt'}")
    before = tree(begun.root)
    assert take_again(begun).added == 0
    assert tree(begun.root) == before
    fill(pictures / "a", range(40, 41))
    fill(pictures / "b", range(41, 42))
    fill(pictures / "c", range(42, 43))
    with (pictures / "list.txt").open("a") as stream:
        stream.write("c\n")
    report = take_again(begun)
    assert (report.added, report.known, report.cohort, report.remarks) == (3, 22, 2, ())
    assert CohortsRecord.read(begun.cohorts).cohorts[-1].sources == (
        "../in/a",
        f"@{os.path.relpath(pictures / 'list.txt', begun.root)}",
    )


@pytest.mark.parametrize(
    ("folder", "given", "kept"),
    [
        ("campaign", "./@pics", "./@pics"),
        ("campaign", "@list.txt", "@list.txt"),
        ("set[1]", "*.png", "../set[[]1]/*.png"),
        ("set[1]/deep", "../*.png", "../set[[]1]/*.png"),
        ("set[1]", ".", "../set[1]"),
        ("set[1]", "0001.png", "../set[1]/0001.png"),
        ("set[1]", "../set?1?/*.png", "../set?1?/*.png"),
        (".", "*/@pics", "*/@pics"),
    ],
)
def test_a_source_is_kept_so_that_it_can_be_read_back(
    campaign: Campaign,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    given: str,
    kept: str,
) -> None:
    for each in (campaign.root / "@pics", tmp_path / "set[1]"):
        fill(each, range(1, 3))
    fill(tmp_path / "set1", range(8, 9))
    (tmp_path / "set[1]" / "deep").mkdir()
    (campaign.root / "list.txt").write_text("@pics")
    monkeypatch.chdir(tmp_path / folder)
    found = sources.given(campaign, [given])
    (source,) = found.sources
    assert source.path == (kept if folder != "." else f"../{kept}")
    CohortsRecord((source,)).write(campaign.cohorts)
    monkeypatch.chdir(tmp_path)
    assert sources.again(campaign).items == found.items


@pytest.mark.parametrize("given", ["*.png", "../a/*.png"])
def test_a_pattern_far_from_the_campaign_can_be_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    campaign = Campaign(tmp_path / "deep" / "deeper" / "campaign")
    campaign.root.mkdir(parents=True)
    fill(tmp_path / "[ab]" / "a", range(2))
    fill(tmp_path / "a" / "a", range(5))
    monkeypatch.chdir(tmp_path / "[ab]" / "a")
    found = sources.given(campaign, [given])
    CohortsRecord(found.sources).write(campaign.cohorts)
    assert sources.again(campaign).items == found.items
    assert len(found.items) == 2


def test_what_vanished_or_changed_is_told_and_nothing_goes(begun: Campaign, pictures: Path) -> None:
    (pictures / "a" / "0003.png").unlink()
    (pictures / "a" / "0004.png").write_bytes(png(77))
    report = take_again(begun)
    assert (report.added, report.known) == (1, 18)
    assert report.remarks == (
        "1 file shows another picture than before, such as '../in/a/0004.png': the new picture"
        " counts as a new image, and the old one stays",
        "1 file is no longer where it was found, such as '../in/a/0003.png': nothing was removed"
        " from the campaign",
    )
    assert len(read_samples(begun.samples)) == 21
    assert len(take_again(begun).remarks) == 1  # it is what it was


def test_a_source_that_is_away_stops_nothing(begun: Campaign, pictures: Path) -> None:
    fill(pictures / "b", range(30, 32))
    take(begun, pictures / "b")
    (pictures / "a").rename(pictures / "away")
    fill(pictures / "b", range(32, 33))
    report = take_again(begun)
    assert report.added == 1
    (remark,) = report.remarks  # what is gone from there cannot be told
    assert remark.startswith("../in/a could not be looked at: no images: '../in/a' is no file")
    assert remark.endswith("; if it is gone for good, give `labelcycle ingest --forget ../in/a`")
    (pictures / "b").rename(pictures / "away too")
    with pytest.raises(DataError, match=r"no source could be looked at, such as \.\./in/a could"):
        take_again(begun)


GONE = "1 file is no longer where it was found, such as {!r}: nothing was removed from the campaign"


def test_what_vanished_elsewhere_is_told_while_a_source_is_away(
    begun: Campaign, pictures: Path
) -> None:
    fill(pictures / "b", range(30, 32))
    fill(pictures / "ab", range(40, 42))
    take(begun, pictures / "b", f"{pictures}/a[b]/*.png")
    (pictures / "a").rename(pictures / "away")
    (pictures / "b" / "0030.png").unlink()
    assert take_again(begun).remarks[1:] == (GONE.format("../in/b/0030.png"),)
    (pictures / "b" / "0030.png").write_bytes(png(30))
    (pictures / "ab" / "0040.png").unlink()
    assert take_again(begun).remarks[1:] == (GONE.format("../in/ab/0040.png"),)


def test_a_source_that_was_taken_out_is_not_looked_for(begun: Campaign, pictures: Path) -> None:
    (pictures / "list.txt").write_text("b/0030.png\nc\n")
    fill(pictures / "b", range(30, 32))
    fill(pictures / "c", range(40, 42))
    take(begun, f"@{pictures / 'list.txt'}")
    (pictures / "a").rename(pictures / "away")
    record = CohortsRecord.read(begun.cohorts)
    kept = tuple(source for source in record.sources if source.path != "../in/a")
    replace(record, sources=kept).write(begun.cohorts)
    fill(pictures / "c", range(42, 43))
    report = take_again(begun)
    assert (report.added, report.remarks) == (1, ())
    assert CohortsRecord.read(begun.cohorts).sources == kept
    (pictures / "c" / "0041.png").unlink()
    assert take_again(begun).remarks == (GONE.format("../in/c/0041.png"),)


@pytest.mark.parametrize("looked", [take_again, lambda campaign: take(campaign, "@list.txt")])
def test_a_file_of_a_list_that_vanished_is_gone_and_stays_a_sample(
    begun: Campaign,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    looked: Callable[[Campaign], ingest_report.Report],
) -> None:
    monkeypatch.chdir(pictures)
    fill(pictures / "b", range(30, 32))
    (pictures / "list.txt").write_text("b/0030.png\nb/0031.png\nb/never.png\n")
    take(begun, "@list.txt")
    (pictures / "b" / "0030.png").unlink()
    report = looked(begun)
    assert report.remarks == (GONE.format("../in/b/0030.png"),)
    assert report.quarantined == 1
    assert [*quarantine(begun)] == ["../in/b/never.png"]
    assert report.looked_at == report.known + report.quarantined
    (pictures / "b" / "0031.png").write_bytes(b"no image")
    looked(begun)
    assert [*quarantine(begun)] == ["../in/b/0031.png", "../in/b/never.png"]


def test_a_forgotten_source_is_not_looked_at_and_its_images_stay(
    begun: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(pictures / "b", range(30, 32))
    take(begun, pictures / "b")
    before = {sample.id for sample in read_samples(begun.samples, which="all")}
    shutil.rmtree(pictures / "a")
    assert len(take_again(begun).remarks) == 1  # it is away
    monkeypatch.chdir(pictures)
    assert sources.forget(begun, "a/") == "../in/a"
    assert take_again(begun).remarks == ()
    assert {sample.id for sample in read_samples(begun.samples, which="all")} == before
    assert CohortsRecord.read(begun.cohorts).cohorts[0].sources == ("../in/a",)
    with pytest.raises(DataError) as told:
        sources.forget(begun, "../in/bb")
    assert str(told.value) == (
        "no source '../in/bb' is remembered: did you mean '../in/b'?; wanted one of those that"
        " `labelcycle ingest --again` looks at: '../in/b'"
    )
    assert sources.forget(begun, "../in/b") == "../in/b"
    with pytest.raises(DataError, match=r"looks at: there are none$"):
        sources.forget(begun, "../in/b")


def test_without_sources_there_is_nothing_to_look_at_again(campaign: Campaign) -> None:
    with pytest.raises(StateError, match=r"no source is known: .*`labelcycle ingest PATH"):
        take_again(campaign)


# --- nothing usable ------------------------------------------------------------------------


def test_no_usable_image_is_an_error_and_changes_nothing(
    campaign: Campaign, pictures: Path
) -> None:
    pictures.mkdir()
    for name in ("a.txt", "b.txt"):
        (pictures / name).write_text("text")
    (pictures / "c.png").write_bytes(b"")
    text = (
        r"no images: none of 3 files can be used \(2 such as '\.\./in/a\.txt': not an image that"
        r" can be read: text; .*; 1 such as '\.\./in/c\.png': empty file\); give the path of images"
    )
    with pytest.raises(DataError, match=text):
        take(campaign, pictures)
    assert tree(campaign.root) == {}


@pytest.mark.parametrize("holdout", [0, 200])
def test_sources_without_a_usable_image_are_an_error_while_no_sample_is_there(
    campaign: Campaign, pictures: Path, holdout: int
) -> None:
    """As after a first ingest that was killed before its manifest was written."""
    pictures.mkdir()
    (pictures / "a.txt").write_text("text")
    CohortsRecord((Source("../in"),)).write(campaign.cohorts)
    before = tree(campaign.root)
    with pytest.raises(DataError, match="no images: none of 1 file can be used"):
        ingest_images.ingest(
            campaign,
            sources.again(campaign),
            ingest_images.Options(holdout=holdout),
            0,
            lambda step: None,
        )
    assert tree(campaign.root) == before


def test_the_campaign_does_not_eat_itself(
    campaign: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(pictures, range(3))
    take(campaign, pictures)
    monkeypatch.chdir(campaign.root)
    (campaign.root / "extra.png").write_bytes(png(50))
    fill(campaign.work / "figures", range(60, 62))
    report = take(campaign, ".")
    assert (report.added, report.known) == (1, 0)
    assert "extra.png" in splits(campaign)
    with pytest.raises(
        DataError, match=r"no images: every path given is one of the campaign's own"
    ):
        take(campaign, "data/images")


def test_files_that_others_put_beside_the_images_are_left_alone(
    campaign: Campaign, pictures: Path
) -> None:
    fill(pictures, range(3))
    fill(campaign.cohort_images(0), range(9, 10), "mine")
    take(campaign, pictures)
    assert (campaign.cohort_images(0) / "mine0009.png").exists()


# --- faults --------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here: nothing after it runs, not even cleaning up."""


def begin(campaign: Campaign) -> None:
    """Plan the first round."""
    campaign.round(0).mkdir(parents=True)
    (campaign.round(0) / "plan.json").write_text("{}")


@pytest.fixture(params=["before the first round", "after it"])
def standing(
    request: pytest.FixtureRequest, campaign: Campaign, pictures: Path
) -> Iterator[Campaign]:
    """A campaign with some images, and more to come."""
    fill(pictures / "a", range(4))
    take(campaign, pictures / "a", holdout=1)
    if request.param == "after it":
        begin(campaign)
    fill(pictures / "b", range(3, 7))
    (pictures / "b" / "bad.png").write_bytes(b"bad")
    return campaign


def fail_at(
    monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException
) -> Callable[[], int]:
    """Let the `number`-th side effect raise `error`; a function that tells how many there were.

    After `Killed` none succeeds.
    """
    counter = itertools.count(1)
    calls = 0

    def failing(real: Callable[..., Any], *, half: bool = False) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls = next(counter)
            if calls == number or (calls > number and isinstance(error, Killed)):
                if half:
                    os.write(arguments[0], b"half")
                    os.close(arguments[0])
                raise error
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(os, "replace", failing(os.replace))
    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    monkeypatch.setattr(os, "fdopen", failing(os.fdopen, half=True))
    monkeypatch.setattr(take_files, "THREADS", 1)
    return lambda: calls


def fault_free(standing: Campaign, pictures: Path) -> dict[str, bytes]:
    take(standing, pictures / "b", holdout=3)
    return tree(standing.root)


def reset(campaign: Campaign, state: dict[str, bytes]) -> None:
    for name in set(tree(campaign.root)) - set(state):
        (campaign.root / name).unlink()
    for name, data in state.items():
        (campaign.root / name).write_bytes(data)


@pytest.mark.slow
def test_a_full_disk_at_any_write_leaves_the_campaign_as_it_was(
    standing: Campaign, pictures: Path
) -> None:
    before = tree(standing.root)
    after = fault_free(standing, pictures)
    names = (".labelcycle/seen.json", "data/samples/000.npz", "data/samples/001.npz")
    spared = dict.fromkeys(names, b"")
    for number in itertools.count(1):
        reset(standing, before)
        with pytest.MonkeyPatch.context() as patch:
            calls = fail_at(patch, number, OSError(errno.ENOSPC, "No space left on device"))
            try:
                take(standing, pictures / "b", holdout=3)
            except DataError as error:
                assert "cannot write" in str(error)  # noqa: PT017
                assert "No space left on device; free some space" in str(error)  # noqa: PT017
                left = tree(standing.root)
                # The list of what cannot be used may be ahead: it is whole, and no sample needs it.
                left["data/quarantine.jsonl"] = before["data/quarantine.jsonl"]
                assert left == before
            else:  # what only spares work may lack
                assert tree(standing.root) | spared == after | spared
                if calls() < number:
                    break
        take(standing, pictures / "b", holdout=3)
        assert tree(standing.root) == after
    assert number > 10


def test_killed_at_any_write_and_run_again_the_end_is_the_same(
    standing: Campaign, pictures: Path
) -> None:
    before = tree(standing.root)
    after = fault_free(standing, pictures)
    for number in itertools.count(1):
        reset(standing, before)
        with pytest.MonkeyPatch.context() as patch:
            calls = fail_at(patch, number, Killed())
            patch.setattr(ingest_images, "_sweep", lambda *arguments: None)
            patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
            try:
                take(standing, pictures / "b", holdout=3)
            except Killed:
                pass
            else:
                break
        assert calls() >= number
        for name in ("data/samples/000.jsonl", "data/samples/001.jsonl"):
            manifest = tree(standing.root).get(name)
            assert manifest in (before.get(name), after.get(name))
        take(standing, pictures / "b", holdout=3)
        assert tree(standing.root) == after
    assert number > 10


@pytest.mark.parametrize("after", [False, True])
def test_interrupted_beside_the_rename_of_the_manifest_all_is_old_or_all_new(
    standing: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    before = tree(standing.root)
    rename = os.replace

    def interrupted(source: Any, target: Any, **more: Any) -> None:
        if Path(target).suffix != ".jsonl" or Path(target).parent != standing.samples:
            rename(source, target, **more)
            return
        if after:
            rename(source, target, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            take(standing, pictures / "b", holdout=3)
    left = tree(standing.root)
    new = [path for path in left if path.startswith("data/images/") and path not in before]
    assert len(new) == (3 if after else 0)
    assert (left["data/cohorts.json"] == before["data/cohorts.json"]) is not after
    assert take(standing, pictures / "b", holdout=3).added == (0 if after else 3)
    done = tree(standing.root)
    reset(standing, before)
    assert done == fault_free(standing, pictures)


def test_what_was_stored_damaged_is_stored_again(standing: Campaign, pictures: Path) -> None:
    after = fault_free(standing, pictures)
    damaged = next(iter(standing.cohort_images(0).iterdir()))
    damaged.write_bytes(b"")
    take(standing, pictures / "a", pictures / "b", holdout=3)
    assert tree(standing.root) == after


def test_images_are_durable_before_the_manifest_names_them(
    standing: Campaign, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    write_samples = sample_files.write_samples
    monkeypatch.setattr(os, "sync", lambda: order.append("sync"))
    monkeypatch.setattr(
        sample_files,
        "write_samples",
        lambda *arguments: (order.append("manifest"), write_samples(*arguments)),
    )
    take(standing, pictures / "b")
    assert order == ["sync", "manifest"]


@settings(tries(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shades=st.lists(st.integers(0, 12), min_size=2, max_size=12),
    bad=st.integers(0, 3),
    share=st.floats(0, 0.5),
)
def test_every_file_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, shades: list[int], bad: int, share: float
) -> None:
    root = tmp_path_factory.mktemp("any")
    campaign = Campaign(root / "campaign")
    (root / "in").mkdir()
    for number, shade in enumerate(shades):
        (root / "in" / f"{number}.png").write_bytes(png(shade))
    for number in range(bad):
        (root / "in" / f"bad{number}").write_bytes(b"bad")
    holdout = int(share * len(set(shades)))
    report = take(campaign, root / "in", holdout=holdout)
    assert report.looked_at == len(shades) + bad
    assert report.looked_at == report.added + report.known + report.duplicates + report.quarantined
    assert (report.added, report.quarantined) == (len(set(shades)), bad)
    assert (report.pool, report.holdout) == (len(set(shades)) - holdout, holdout)
