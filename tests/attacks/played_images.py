"""Small files that take the time or the memory of whoever ingests them."""

import io
import json
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from attacks import Try, attack

SECONDS = 10.0
"""Of processor time, for one small file, from which the harm is done."""

MEGABYTES = 2048
"""Of memory, for two images within the limit of pixels."""

SIDE = 9450
"""Of a square just within the limit; a quick one has a quarter of its pixels and of the memory."""

INGEST = """
import json, resource, sys
import numpy as np
from pathlib import Path
from labelcycle.ingest import ingest_images as ingest
from labelcycle.campaign.campaign_paths import Campaign
resource.setrlimit(resource.RLIMIT_CPU, (40, 40))  # else a harm that is done takes hours

def peak():  # ru_maxrss would count the memory of who started us
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024

start, memory = resource.getrusage(resource.RUSAGE_SELF), peak()
root = Path(sys.argv[1])
try:
    options = ingest.Options(holdout=0)
    ingest.ingest(Campaign(root), sys.argv[2:], options, np.random.default_rng(0), print)
except Exception as error:
    print(error)
end = resource.getrusage(resource.RUSAGE_SELF)
spent = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
print(json.dumps({"seconds": spent, "megabytes": peak() - memory}))
"""


def ingested(folder: Path, *files: bytes) -> tuple[float, float]:
    """Seconds of the processor and megabytes that an ingest of the files took."""
    (folder / "in").mkdir(parents=True)
    (folder / "campaign").mkdir()
    for number, data in enumerate(files):
        (folder / "in" / str(number)).write_bytes(data)
    ended = subprocess.run(
        [sys.executable, "-c", INGEST, str(folder / "campaign"), str(folder / "in")],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:  # killed for its time or its memory
        return float("inf"), float("inf")
    spent = json.loads(ended.stdout.splitlines()[-1])
    return spent["seconds"], spent["megabytes"]


@attack("a small image that takes minutes to decode", slow=True)
def slow(folder: Path) -> Iterator[Try]:
    """Files below 7 MB."""
    for what, data in {
        "a TIFF of 60,000 frames": of_frames(60_000),
        "a JPEG of 20,000 scans": of_scans(20_000),
    }.items():
        seconds, _ = ingested(folder / re.sub(r"\W", "", what), data)
        yield Try(f"{what} ({len(data) / 2**20:.1f} MB): {seconds:.0f} s", seconds > SECONDS)


@attack("small images that take gigabytes of memory", slow=True)
def large(folder: Path) -> Iterator[Try]:
    yield flat(folder, SIDE, MEGABYTES)


@attack("small images that take a quarter of that memory", slow=True)
def smaller(folder: Path) -> Iterator[Try]:
    yield flat(folder, SIDE // 2, MEGABYTES // 4)


def flat(folder: Path, side: int, most: int) -> Try:
    """Two squares at a time, as an ingest decodes them."""
    files = []
    for shade in (0, 1):
        file = io.BytesIO()
        image = Image.fromarray(np.full((side, side), shade, np.float32))
        image.save(file, "TIFF", compression="tiff_adobe_deflate")
        files.append(file.getvalue())
    _, megabytes = ingested(folder, *files)
    size = sum(len(data) for data in files) / 2**20
    what = f"two TIFFs of {side} x {side} floats ({size:.1f} MB)"
    return Try(f"{what}: {megabytes:.0f} MB of memory", megabytes > most)


def of_frames(count: int) -> bytes:
    """A TIFF of a pixel whose directories follow one another."""
    tags = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}
    size = 2 + 12 * len(tags) + 4
    start = 12
    parts = [struct.pack("<2sHII", b"II", 42, start, 0)]
    for frame in range(count):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        last = frame == count - 1
        follows = 0 if last else start + size * (frame + 1)
        parts.append(struct.pack("<H", len(tags)) + entries + struct.pack("<I", follows))
    return b"".join(parts)


def of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    file = io.BytesIO()
    Image.new("RGB", (3000, 3000), (40, 80, 120)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + data[-2:]
