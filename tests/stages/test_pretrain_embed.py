"""The stages pretrain and embed on a small campaign."""

import numpy as np

from labelcycle import store
from labelcycle.encoder_files import load_encoder
from labelcycle.nn.progress import Progress
from labelcycle.stages import embed, pretrain


def test_pixels_end_to_end(small_campaign: store.Campaign) -> None:
    shown: list[Progress] = []
    options = pretrain.Options(encoder="pixels", options={"components": 4})
    pretrain.run(small_campaign, options, 7, shown.append)
    embed.run(small_campaign, embed.Options(batch=8), shown.append)
    pool = store.read_array(small_campaign.features / "pool.npy")
    holdout = store.read_array(small_campaign.features / "holdout.npy")
    assert pool.shape == (20, 4)
    assert holdout.shape == (5, 4)
    assert pool.dtype == holdout.dtype == np.float32
    assert load_encoder(small_campaign.encoder).image_size == 12
    assert (shown[-1].step, shown[-1].total) == (25, 25)
    assert not small_campaign.checkpoints.exists()
