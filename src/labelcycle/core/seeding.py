"""Where every random draw comes from."""

import zlib

import numpy as np


def derive(seed: int, number: int, stage: str) -> np.random.Generator:
    """A generator of its own for (campaign seed, round, stage); equal arguments, equal draws."""
    return np.random.default_rng([seed, number, zlib.crc32(stage.encode())])
