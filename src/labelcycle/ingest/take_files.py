"""Takes the files of an ingest in, each read once for as long as it stays the same."""

import warnings
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.ingest import fetch, one_file, seen_files
from labelcycle.ingest.one_file import Quarantined, Taken, Withdrawn
from labelcycle.ingest.seen_files import SeenFile
from labelcycle.nn.progress import Progress

THREADS = 2


class FileTaker:
    """Takes files in for a cohort.

    known : the samples that are there, by id, and how they look
    withdrawn : ids of samples that are not taken again, and digests of their pixels
    """

    def __init__(
        self,
        campaign: Campaign,
        number: int,
        max_pixels: int,
        known: Mapping[str, Taken],
        withdrawn: Collection[str] = (),
    ) -> None:
        self._campaign, self._number, self._max_pixels = campaign, number, max_pixels
        self._known, self._withdrawn = known, frozenset(withdrawn)
        self._seen = seen_files.read(campaign)
        self._marks: dict[str, str] = {}
        self.by_place = {
            place: taken
            for taken in sorted(known.values(), key=lambda taken: taken.sample.cohort)
            for place in (taken.sample.source, *taken.sample.also)
        }
        self.by_place |= {
            place: known[each.sample] for place, each in self._seen.items() if each.sample in known
        }
        """What was last seen at each place."""
        self._taken: list[Taken | Quarantined] = []
        self.withdrawn: list[str] = []
        """Places of files that show a withdrawn sample, which are not taken."""
        self.vanished: list[str] = []
        """Places of samples that an item names, and where no file is any more."""

    def take_all(
        self, items: Mapping[Path | str, str], show: Callable[[Progress], None]
    ) -> list[Taken | Quarantined]:
        """What became of each path and address, in their order; bytes of samples are stored.

        A path where a sample was found, and where no file is any more, is left out.

        items : each with its mark, where an address has one
        """
        gone = {item: place for item in items if (place := self._vanished(item))}
        self.vanished = sorted(gone.values())
        items = {item: mark for item, mark in items.items() if item not in gone}
        there = {item: self._unchanged(item, mark) for item, mark in items.items()}
        addresses = {
            item: items[item]
            for item, known in there.items()
            if isinstance(item, str) and not known
        }
        total = len(addresses) + len(items)
        fetched = fetch.fetch(self._campaign, addresses, lambda done: show(Progress(done, total)))

        def take(item: Path | str) -> Taken | Quarantined | Withdrawn:
            if isinstance(item, Path):
                return self._take(item, None)
            return self._take_fetched(item, fetched[item])

        # Muted here, once for all threads: Pillow warns of harmless oddities by the thousand.
        with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:
            warnings.simplefilter("ignore")
            others = threads.map(take, (item for item, known in there.items() if not known))
            for known in there.values():
                taken = known or next(others)
                if isinstance(taken, Withdrawn):
                    self.withdrawn.append(taken.source)
                else:
                    self._taken.append(taken)
                done = len(self._taken) + len(self.withdrawn)
                show(Progress(len(addresses) + done, total))
        return self._taken

    def remember(self, shown_by: Mapping[str, str], ids: Collection[str]) -> None:
        """Write down what was looked at, so that it is not read again until it changes."""
        seen: dict[str, SeenFile] = {}
        for item in self._taken:
            mark, before = self._marks.get(item.source), self._seen.get(item.source)
            if isinstance(item, Quarantined) or not mark or (before and before.mark == mark):
                continue
            sample = shown_by[item.content]
            if sample in ids:
                seen[item.source] = SeenFile(mark, item.content, sample)
        if seen:
            seen_files.add(self._campaign, seen)

    def _vanished(self, item: Path | str) -> str:
        """The place of a path that is in `by_place` and has no file any more; else empty."""
        if isinstance(item, str):
            return ""
        place = one_file.place(item, self._campaign.root)
        return place if place in self.by_place and one_file.missing(item) else ""

    def _unchanged(self, item: Path | str, mark: str) -> Taken | None:
        """The sample that a place showed when it was last looked at, if nothing changed there."""
        place = one_file.place(item, self._campaign.root) if isinstance(item, Path) else item
        mark = seen_files.mark_of(item) if isinstance(item, Path) else mark
        if mark:
            self._marks[place] = mark
        before = self._seen.get(place)
        if mark:
            known = self._known.get(before.sample) if before and before.mark == mark else None
        else:  # an address without a mark is taken to show what it showed
            known = None if isinstance(item, Path) else self.by_place.get(place)
        if known is None or (before and not self._stored(known.sample, before)):
            return None
        return one_file.found_at(known, place)

    def _stored(self, sample: Sample, seen: SeenFile) -> bool:
        """Whether the image of a sample is there, of the size of the file that it was made of."""
        stored = seen_files.mark_of(self._campaign.images / sample.file)
        size, _, _ = seen.mark.partition(" ")
        made_of_it = seen.content == sample.id and size.isdigit()
        return stored.startswith(f"{size} ") if made_of_it else bool(stored)

    def _take(self, path: Path, address: str | None) -> Taken | Quarantined | Withdrawn:
        return one_file.take(
            self._campaign,
            path,
            self._max_pixels,
            cohort=self._number,
            known=self._known,
            address=address,
            withdrawn=self._withdrawn,
        )

    def _take_fetched(
        self, address: str, got: Path | Quarantined
    ) -> Taken | Quarantined | Withdrawn:
        """The sample that fetched bytes are; those that are none will be fetched anew."""
        if isinstance(got, Quarantined):
            return got
        taken = self._take(got, address)
        if not isinstance(taken, Taken):
            got.unlink(missing_ok=True)
        return taken
