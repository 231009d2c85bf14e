"""Images that are elsewhere: found, and brought to this computer before they are looked at.

What was fetched stays in the campaign's private folder until the ingest has ended well, so that
one that broke off goes on where it was.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from labelcycle.campaign import atomic_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.core import digests
from labelcycle.errors import DataError
from labelcycle.ingest.one_file import Quarantined

FETCHES = 8
"""Images fetched at a time: what is waited for is the network."""

ReadAddress = Callable[[str], bytes]


def expanded(items: Iterable[Path | str]) -> dict[Path | str, str]:
    """`items`, an address in S3 replaced by those of the objects that it means.

    Each with what changes when an object in S3 does; empty for all others.

    Raises DataError if there are none, ServiceDown or ServiceRefused if the bucket is not open to
    us.
    """
    from labelcycle.adapters import s3  # brings a client of the web, as `web_images` does below

    found: dict[Path | str, str] = {}
    for item in items:
        if isinstance(item, Path) or not item.startswith(s3.SCHEME):
            found[item] = ""
            continue
        names = s3.listed(item)
        if not names:
            raise DataError(
                f"no images: {item} is no object and none is below it; check the bucket and the"
                " prefix (hidden names are left out)"
            )
        found.update(names)
    return found


def fetch(
    campaign: Campaign,
    addresses: Mapping[str, str],
    show: Callable[[int], None],
    read: ReadAddress | None = None,
) -> dict[str, Path | Quarantined]:
    """For each address the file that holds its bytes now, or why it cannot be fetched.

    addresses : each with its mark, which changes when an object in S3 does; else empty
    show : called with the number done so far
    read : from an address to its bytes, or DataError; of web and S3 by default

    What an ingest that broke off has fetched is not fetched again, unless its mark changed since.
    """
    if not addresses:
        return {}
    by_address: dict[str, Path | Quarantined] = {}
    with contextlib.ExitStack() as stack:
        chosen = read or stack.enter_context(_reader())
        threads = ThreadPoolExecutor(FETCHES)
        stack.callback(threads.shutdown, cancel_futures=True)
        started = {
            threads.submit(_fetch, campaign, address, mark, chosen): address
            for address, mark in addresses.items()
        }
        for future in as_completed(started):
            by_address[started[future]] = future.result()
            show(len(by_address))
    return by_address


def forget(campaign: Campaign) -> None:
    """Remove what was fetched: its bytes are samples now, or cannot be used."""
    shutil.rmtree(campaign.fetched, ignore_errors=True)  # else the next ingest tries again


def _fetch(campaign: Campaign, address: str, mark: str, read: ReadAddress) -> Path | Quarantined:
    path = campaign.fetched / digests.digest(f"{mark} {address}".encode())
    if not path.exists():
        try:
            atomic_files.write_bytes(path, read(address), durable=False)
        except DataError as error:
            return Quarantined(address, str(error))
    return path


@contextlib.contextmanager
def _reader() -> Iterator[ReadAddress]:
    from labelcycle.adapters import s3, web_images

    with contextlib.closing(web_images.Web()) as pages:

        def read(address: str) -> bytes:
            if address.startswith(s3.SCHEME):
                return s3.read(address)
            return pages.read(address)

        yield read
