"""Features from a file through the stages pretrain and embed."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labelcycle import config
from labelcycle.campaign import numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError
from labelcycle.nn.progress import Progress
from labelcycle.rounds import code_json
from labelcycle.stages import code_digests, embed, pretrain

OPTIONS = pretrain.Options(encoder="precomputed")


def ignore(progress: Progress) -> None:
    """Show nothing."""


@pytest.fixture
def campaign(small_campaign: Campaign) -> Iterator[Campaign]:
    """25 samples, their images gone: nobody may look at them; the working folder is theirs."""
    for path in small_campaign.images.iterdir():
        path.unlink()
    with contextlib.chdir(small_campaign.root):
        yield small_campaign


def features_of(samples: list[Sample]) -> NDArray[np.float32]:
    """What the service says of each: numbers that its id gives."""
    return np.array([[int(s.id[:4], 16), int(s.id[4:8], 16)] for s in samples], np.float32)


def given(campaign: Campaign, *, by_id: bool = True, leave: int = 0) -> list[Sample]:
    """Write data/features.npz, in another order than the samples' and with a stranger's row."""
    samples = sample_files.read_samples(campaign.samples)
    order = np.random.default_rng(1).permutation(len(samples))[leave:]
    there = [samples[row] for row in order]
    names = [*(s.id if by_id else f"/elsewhere/../{s.source}" for s in there), "stranger"]
    features = np.vstack([features_of(there), [[-1, -1]]])
    numpy_files.write_arrays(
        campaign.data / "features.npz",
        **{"ids" if by_id else "files": np.array(names), "features": features},
    )
    return [samples[row] for row in np.random.default_rng(1).permutation(len(samples))[:leave]]


@pytest.mark.parametrize("by_id", [True, False])
def test_rows_stand_in_the_order_of_the_samples(campaign: Campaign, by_id: bool) -> None:
    given(campaign, by_id=by_id)
    pretrain.run(campaign, OPTIONS, 7, ignore)
    embed.run(campaign, 256, ignore)
    for split, count in (("pool", 20), ("holdout", 5)):
        found = numpy_files.read_array(campaign.features / f"{split}.npy")
        samples = sample_files.read_samples(campaign.samples, split)
        assert found.shape == (count, 2)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, features_of(samples))


def test_an_encoder_after_ready_made_features_takes_none_of_their_rows(
    small_campaign: Campaign,
) -> None:
    pixels = pretrain.Options(encoder="pixels", options={"components": 4})
    files = [small_campaign.split_features(split) for split in ("pool", "holdout")]
    with contextlib.chdir(small_campaign.root):
        given(small_campaign)
        pretrain.run(small_campaign, pixels, 7, ignore)
        embed.run(small_campaign, 256, ignore)
        right = [file.read_bytes() for file in files]
        pretrain.run(small_campaign, OPTIONS, 7, ignore)
        embed.run(small_campaign, 256, ignore)
        assert not (small_campaign.features / "made.json").exists()
        pretrain.run(small_campaign, pixels, 7, ignore)
        embed.run(small_campaign, 256, ignore)
    assert [file.read_bytes() for file in files] == right


def test_the_stage_says_how_much_it_read(campaign: Campaign) -> None:
    given(campaign)
    seen: list[Progress] = []
    pretrain.run(campaign, OPTIONS, 7, seen.append)
    assert [step.note for step in seen] == ["26 rows of 2 features, named by the images' ids"]


def test_the_stage_says_which_column_may_be_a_truth(campaign: Campaign) -> None:
    samples = sample_files.read_samples(campaign.samples)
    noise = np.random.default_rng(0).normal(size=(len(samples), 3))
    noise[:, 1] = np.arange(len(samples)) % 4
    ids = np.array([sample.id for sample in samples])
    numpy_files.write_arrays(campaign.data / "features.npz", ids=ids, features=noise)
    seen: list[Progress] = []
    pretrain.run(campaign, OPTIONS, 7, seen.append)
    assert "images' ids; column 1 (counted from 0) holds few whole numbers" in seen[0].note


def test_missing_samples_are_counted_and_the_first_are_named(campaign: Campaign) -> None:
    missing = given(campaign, leave=4)
    first = min(missing, key=lambda sample: sample.id)
    text = rf"no features for 4 of 25 samples: '{first.source}' \(id {first.id}\), .* and others;"
    with pytest.raises(DataError, match=text):
        pretrain.run(campaign, OPTIONS, 7, ignore)


def test_a_missing_file_is_named_with_the_remedy(campaign: Campaign) -> None:
    with pytest.raises(DataError, match=r"cannot read data/features.npz: No such .*dvc checkout"):
        pretrain.run(campaign, OPTIONS, 7, ignore)


def test_a_file_that_changed_after_pretrain_is_refused(campaign: Campaign) -> None:
    given(campaign)
    pretrain.run(campaign, OPTIONS, 7, ignore)
    given(campaign, by_id=False)
    with pytest.raises(DataError, match=r"features.npz changed since `pretrain` read it"):
        embed.run(campaign, 256, ignore)


def test_two_rows_of_one_sample(campaign: Campaign) -> None:
    source = sample_files.read_samples(campaign.samples)[0].source
    numpy_files.write_arrays(
        campaign.data / "features.npz",
        files=np.array([source, f"x/../{source}"]),
        features=np.array([[1.0, 1, 1], [1, 1, 2]]),
    )
    with pytest.raises(DataError, match=rf"rows 0 and 1 \(counted from 0\) are both of '{source}'"):
        pretrain.run(campaign, OPTIONS, 7, ignore)


def test_a_name_that_two_samples_have(campaign: Campaign) -> None:
    samples = sample_files.read_samples(campaign.samples)
    moved = [replace(s, source=f"{row}/same.png") for row, s in enumerate(samples)]
    sample_files.write_samples(campaign.samples, moved)
    numpy_files.write_arrays(
        campaign.data / "features.npz", files=np.array(["same.png"]), features=np.ones((1, 3))
    )
    with pytest.raises(DataError, match=r"row 0 \(counted from 0\): 'same.png' is ambiguous"):
        pretrain.run(campaign, OPTIONS, 7, ignore)


def test_another_file_makes_pretrain_stale(campaign: Campaign) -> None:
    settings = config.parse({"pretrain": {"encoder": "precomputed"}})

    def code() -> dict[str, dict[str, str]]:
        code_json.refresh_code(campaign, settings)
        return json.loads(campaign.code.read_text())

    without = code()
    given(campaign)
    first = code()
    given(campaign, by_id=False)
    second = code()
    digests = [each["pretrain"]["data/features.npz"] for each in (without, first, second)]
    assert digests[0] == "no such file"
    assert len(set(digests)) == 3
    assert {k: v for k, v in first.items() if k != "pretrain"} == {
        k: v for k, v in second.items() if k != "pretrain"
    }


def test_no_file_named_no_digest(tmp_path: Path) -> None:
    assert code_digests.named_files(tmp_path, None) == {}
    assert code_digests.named_files(tmp_path, "w.pth") == {"w.pth": code_digests.NO_FILE}
    (tmp_path / "w.pth").write_bytes(b"abc")  # sha256 of abc: FIPS 180-2, appendix B.1
    assert code_digests.named_files(tmp_path, "w.pth") == {"w.pth": "ba7816bf8f01cfea"}
