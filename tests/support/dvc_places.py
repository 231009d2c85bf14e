"""Where DVC keeps what a campaign of a test has, in its cache and in a remote that is a folder."""

from pathlib import Path

from labelcycle.adapters.dvc import recorded_outputs


class DvcPlaces:
    """Finds objects of the campaign `folder / "campaign"`, whose remote is `folder / "store"`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "campaign"
        self.stores = {"cache": self.root / ".dvc" / "cache", "remote": folder / "store"}

    def place(self, store: str, oid: str) -> Path:
        """Where a store has an object."""
        return self.stores[store] / "files" / "md5" / oid[:2] / oid[2:]

    def oid(self, path: str, revision: str = "HEAD") -> str:
        """DVC's digest of an output, or of a file in one."""
        outputs = {each.path: each.oid for each in recorded_outputs.at(self.root, revision)}
        if path in outputs:
            return outputs[path]
        folder, _, name = path.rpartition("/")
        content = self.place("cache", outputs[folder]).read_bytes()
        return dict(recorded_outputs.listed(content))[name]
