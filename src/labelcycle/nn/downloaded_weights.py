"""Files of trained weights from the web: whether they may be downloaded, whether they are whole.

Nothing here imports torch, so that commands may ask.
"""

import hashlib
import os
import re
from io import BytesIO
from pathlib import Path

OFFLINE = "LABELCYCLE_OFFLINE"
"""Environment variable: if it is set to anything, no trained weights are downloaded."""

DIGEST = re.compile(r"-([0-9a-f]{8,})\.pth$")
"""In a file's name: the first digits of its sha256, as torchvision writes them."""


def offline() -> bool:
    """Whether downloads are switched off."""
    return bool(os.environ.get(OFFLINE))


def is_whole(name: str, content: Path | bytes) -> bool:
    """Whether the content has the digest in the name; True if the name has none.

    >>> is_whole("resnet18-f37072fd.pth", b"a page that asks for a login")
    False
    >>> is_whole("mine.pth", b"anything")
    True
    """
    wanted = DIGEST.search(name)
    if wanted is None:
        return True
    with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().startswith(wanted[1])
