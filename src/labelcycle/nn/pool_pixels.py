"""The images of a pool as a training takes them: once in memory, batches on the device."""

import numpy as np
import torch
from numpy.typing import NDArray

SHARE = 0.5
"""Part of a GPU's free memory that the pool may take; the rest is the network's."""


class PoolPixels:
    """uint8 images on `device`, or in the host's memory where they do not fit there.

    images : (n, s, s, 3) uint8. They are held with one channel where all are grey, for cheaper
    views, else with three.
    """

    def __init__(self, images: NDArray[np.uint8], device: torch.device) -> None:
        grey = bool((images == images[..., :1]).all())
        held = np.require(images[..., :1] if grey else images, requirements=["C", "W"])
        pixels = torch.from_numpy(held)
        self.resident = device.type == "cpu" or pixels.nbytes <= SHARE * free_bytes(device)
        self.device = device
        self._pixels = (pixels.to(device) if self.resident else pixels).permute(0, 3, 1, 2)

    @property
    def gigabytes(self) -> float:
        """Memory of all images."""
        return self._pixels.nbytes / 1e9

    def take(self, rows: torch.Tensor) -> torch.Tensor:
        """(b, c, s, s) float32 in 0..1 on the device, c 1 or 3; rows : (b,) int64."""
        batch = self._pixels[rows.to(self._pixels.device)]
        if not self.resident:
            batch = batch.pin_memory().to(self.device, non_blocking=True)
        return batch.float().div(255)


def free_bytes(device: torch.device) -> int:
    """Free memory of a GPU."""
    return torch.cuda.mem_get_info(device)[0]
