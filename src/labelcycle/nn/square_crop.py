"""From a decoded image to the square of pixels that an encoder takes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """The largest centred square of an RGB image as (size, size, 3) uint8.

    What sticks out on the longer side is cut off, as pretrained networks expect it; padding would
    show a small network borders instead of things. A square that has the size already keeps its
    pixels; any other is resampled once, bilinear, with antialiasing.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    if side == size:
        return np.array(image.crop(box))
    return np.array(image.resize((size, size), Image.Resampling.BILINEAR, box=box))
