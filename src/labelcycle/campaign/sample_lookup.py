"""The sample that a person's list means: by its id, or by a path of its image."""

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import PureWindowsPath

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.near_names import question
from labelcycle.errors import DataError


class Finder:
    """Finds samples by what people call them."""

    def __init__(self, campaign: Campaign, samples: Sequence[Sample]) -> None:
        self._root, self._samples = campaign.root, samples
        self.by_id = {sample.id: sample for sample in samples}

    @cached_property
    def by_source(self) -> dict[str, Sample]:
        """The sample that was found at each place last."""
        return {source: sample for source, sample in self._found()}

    @cached_property
    def by_name(self) -> dict[str, list[tuple[str, Sample]]]:
        """Each whole path with its sample, by the name of the file."""
        found: dict[str, list[tuple[str, Sample]]] = defaultdict(list)
        for source, sample in self._found():
            path = os.path.normpath(self._root / source)
            found[_composed(posixpath.basename(path))].append((path, sample))
        return found

    def _found(self) -> Iterator[tuple[str, Sample]]:
        """The places of samples, those of the latest cohort last."""
        for sample in sorted(self._samples, key=lambda sample: sample.cohort):
            for source in (sample.source, *sample.also):
                yield source, sample

    def by_file(self, name: str) -> Sample | None:
        """The sample that was found at a path, or the only one with a path that ends so, or None.

        Raises DataError if the paths of several samples end so.
        """
        sample = self.by_source.get(name) or self._by_end(name)
        if sample or "\\" not in name:
            return sample
        path = PureWindowsPath(name)
        return self._by_end(path.relative_to(path.anchor).as_posix())

    def like(self, name: str) -> str:
        """The question whether another sample of that name was meant; empty if there is none."""
        near = self.by_name.get(_composed(PureWindowsPath(name).name), [])
        return f"; {question([near[0][1].source])}" if near else ""

    def _by_end(self, name: str) -> Sample | None:
        end = "/" + re.sub(r"^(\.\./|/)+", "", posixpath.normpath(name))
        near = self.by_name.get(_composed(posixpath.basename(end)), [])
        hits = [(path, sample) for path, sample in near if path.endswith(end)]
        # Some systems and programs decompose accents in names; people cannot see a difference.
        hits = hits or [
            (path, sample) for path, sample in near if _composed(path).endswith(_composed(end))
        ]
        samples = {sample.id: sample for _, sample in hits}
        if len(samples) > 1:
            one, other, *_ = (sample.source for sample in samples.values())
            raise DataError(f"{name!r} is ambiguous: {one!r} or {other!r}; give more of the path")
        return hits[0][1] if hits else None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
