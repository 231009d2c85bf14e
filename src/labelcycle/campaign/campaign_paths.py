"""The paths of one campaign; `contents.py` says of each file who keeps it and what it holds."""

from pathlib import Path

from labelcycle.campaign import layout

OWNED = "owned"
"""Name of the label file that holds the labels owned before round 0."""


class Campaign:
    """The paths of one campaign."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.params = self.root / layout.PARAMS
        self.dvc_yaml = self.root / layout.DVC_YAML
        self.code = self.root / layout.CODE
        self.schema = self.root / layout.SCHEMA
        self.again = self.root / layout.AGAIN
        self.identity = self.root / layout.IDENTITY
        self.data = self.root / layout.DATA
        self.images = self.root / layout.IMAGES
        self.samples = self.root / layout.SAMPLES
        self.cohorts = self.root / layout.COHORTS
        self.pool = self.root / layout.POOL
        self.quarantine = self.root / layout.QUARANTINE
        self.withdrawn = self.root / layout.WITHDRAWN
        self.labels = self.root / layout.LABELS
        self.labels_apart = self.root / layout.LABELS_APART
        self.holdout = self.root / layout.HOLDOUT
        self.rounds = self.root / layout.ROUNDS
        self.decisions = self.rounds / "decisions.jsonl"
        self.rollbacks = self.root / layout.ROLLBACKS
        self.work = self.root / layout.WORK
        self.encoder = self.root / layout.ENCODER
        self.features = self.root / layout.FEATURES
        self.model = self.root / layout.MODEL
        self.probabilities = self.root / layout.PROBABILITIES
        self.own_features = self.root / layout.OWN_FEATURES
        self.clusters = self.root / layout.CLUSTERS
        self.selection = self.root / layout.SELECTION
        self.metrics = self.root / layout.METRICS
        self.figures = self.root / layout.FIGURES
        self.private = self.root / layout.PRIVATE
        self.lock = self.root / layout.LOCK
        self.stage_lock = self.root / layout.STAGE_LOCK
        self.services = self.root / layout.SERVICES
        self.services_lock = self.root / layout.SERVICES_LOCK
        self.notices = self.root / layout.NOTICES
        self.lease = self.root / layout.LEASE
        self.trusted = self.root / layout.TRUSTED
        self.checked_options = self.root / layout.CHECKED_OPTIONS
        self.curves = self.root / layout.CURVES
        self.demo_mark = self.root / layout.DEMO_MARK
        self.answers = self.root / layout.ANSWERS
        self.tasks = self.root / layout.TASKS
        self.media = self.root / layout.MEDIA
        self.checkpoints = self.root / layout.CHECKPOINTS
        self.processes = self.root / layout.PROCESSES
        self.fetched = self.root / layout.FETCHED
        self.seen = self.root / layout.SEEN
        self.unusual = self.root / layout.UNUSUAL
        self.label_studio = self.root / layout.LABEL_STUDIO
        self.mlflow = self.root / layout.MLFLOW
        self.prefect = self.root / layout.PREFECT
        self.read_back = self.root / layout.READ_BACK
        self.damaged = self.root / layout.DAMAGED

    def unusual_sheet(self, cohort: int) -> Path:
        """The picture of the most unusual images of a cohort that looked different."""
        return self.unusual / f"{cohort:03d}.png"

    def drift(self, cohort: int) -> Path:
        """The file that says whether a cohort looks like the images before it."""
        return self.unusual / f"{cohort:03d}.json"

    @property
    def has_samples(self) -> bool:
        """Whether any images came in, and their list is here."""
        return (self.samples / "000.jsonl").exists()

    def round(self, number: int) -> Path:
        """Folder of round `number`."""
        return self.rounds / f"{number:03d}"

    def split_features(self, split: str) -> Path:
        """File of the features of one split, "pool" or "holdout"."""
        return self.features / f"{split}.npy"

    def cohort_images(self, number: int) -> Path:
        """Folder of the images of a cohort."""
        return self.images / f"{number:03d}"

    def label_file(self, name: int | str) -> Path:
        """File of the labels of a round, or of the owned ones."""
        stem = f"{name:03d}" if isinstance(name, int) else name
        return self.labels / f"{stem}.jsonl"
