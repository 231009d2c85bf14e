"""A small campaign on disk, with real images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import digests
from labelcycle.stages import charts


def make_campaign(root: Path, pool: int = 20, holdout: int = 5, side: int = 12) -> Campaign:
    """A campaign of random squares of grey noise; every sample's file is a PNG."""
    campaign = Campaign(root)
    campaign.images.mkdir(parents=True)
    write_migrations(campaign, ())
    rng = np.random.default_rng(0)
    samples = []
    for row in range(pool + holdout):
        pixels = rng.integers(0, 256, (side, side), dtype=np.uint8)
        temporary = campaign.images / "new.png"
        Image.fromarray(pixels).save(temporary)
        key = digests.file_digest(temporary)
        temporary.rename(campaign.images / f"{key}.png")
        split = "pool" if row < pool else "holdout"
        samples.append(Sample(key, f"{key}.png", f"{row}.png", split, side, side))
    sample_files.write_samples(campaign.samples, samples)
    return campaign


@pytest.fixture
def small_campaign(tmp_path: Path) -> Campaign:
    """20 samples in the pool, 5 in the hold-out, 12 x 12 pixels."""
    return make_campaign(tmp_path / "campaign")


@pytest.fixture
def without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time of `evaluate`, and have tests of their own."""
    for name in ("confusion", "per_class"):
        monkeypatch.setattr(charts, name, lambda *shown: b"chart")
