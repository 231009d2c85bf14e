"""JPEG of four inks in the three ways in which programs write it, of which Pillow writes one."""

import io
from typing import Literal

import numpy as np
from PIL import Image

Written = Literal["Adobe", "YCCK", "no marker"]

_SEGMENT = b"\xff\xee\x00\x0eAdobe"
"""Adobe's marker with its length of 14; its last byte tells how colours are stored."""


def cmyk_jpeg(inks: np.ndarray, written: Written) -> bytes:
    """(h, w, 4) uint8, 255 is full ink.

    "Adobe" : inks inverted; "YCCK" : the first three of those as YCbCr; "no marker" : inverted
    without saying so, which readers take for granted
    """
    stored = 255 - inks
    if written == "YCCK":  # of 255 - stored, ITU-T T.872, section 6.5.3
        bright = Image.fromarray(inks[..., :3]).convert("YCbCr")
        stored = np.dstack([np.asarray(bright), stored[..., 3]])
    file = io.BytesIO()
    given = Image.frombytes("CMYK", inks.shape[1::-1], (255 - stored).tobytes())  # Pillow inverts
    given.save(file, "JPEG", quality=100, subsampling=0)
    data = file.getvalue()
    start = data.index(_SEGMENT)
    end = start + 16
    if written == "no marker":
        return data[:start] + data[end:]
    return data[: end - 1] + (b"\2" if written == "YCCK" else b"\0") + data[end:]
