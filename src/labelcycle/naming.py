"""The sample that a person's list means: by its id, or by the path of its image."""

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PureWindowsPath

from labelcycle.errors import DataError
from labelcycle.store import Campaign, Sample


class Finder:
    """Finds samples by what people call them."""

    def __init__(self, campaign: Campaign, samples: Sequence[Sample]) -> None:
        self.by_id = {sample.id: sample for sample in samples}
        self.by_source = {sample.source: sample for sample in samples}
        self.by_name: dict[str, list[tuple[str, Sample]]] = defaultdict(list)
        for sample in samples:
            path = os.path.normpath(campaign.root / sample.source)
            self.by_name[_composed(posixpath.basename(path))].append((path, sample))

    def by_file(self, name: str) -> Sample | None:
        """The sample that came from a path, or the only one whose path ends so, or None.

        Raises DataError if the paths of several samples end so.
        """
        found = self.by_source.get(name) or self._by_end(name)
        if found or "\\" not in name:
            return found
        path = PureWindowsPath(name)
        return self._by_end(path.relative_to(path.anchor).as_posix())

    def like(self, name: str) -> str:
        """The question whether another sample of that name was meant; empty if there is none."""
        near = self.by_name.get(_composed(PureWindowsPath(name).name), [])
        return f"; did you mean {near[0][1].source!r}?" if near else ""

    def _by_end(self, name: str) -> Sample | None:
        end = "/" + re.sub(r"^(\.\./|/)+", "", posixpath.normpath(name))
        near = self.by_name.get(_composed(posixpath.basename(end)), [])
        hits = [sample for path, sample in near if path.endswith(end)]
        # Some systems and programs decompose accents in names; people cannot see a difference.
        hits = hits or [s for path, s in near if _composed(path).endswith(_composed(end))]
        if len(hits) > 1:
            raise DataError(
                f"{name!r} is ambiguous: {hits[0].source!r} or {hits[1].source!r};"
                " give more of the path"
            )
        return hits[0] if hits else None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
