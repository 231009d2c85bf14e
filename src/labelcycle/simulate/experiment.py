"""The file of an experiment as one typed, frozen value; checked whole before anything is played."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from labelcycle.core import clusterers, registry, strategies
from labelcycle.errors import SettingsError
from labelcycle.ingest.group_names import GroupRule
from labelcycle.nn import encoders, learners
from labelcycle.options import Options
from labelcycle.simulate.plug_in_choice import Choice, Package, chosen
from labelcycle.simulate.results import BASE
from labelcycle.simulate.sets import LONG_TAILS, SETS
from labelcycle.stages.cluster import Options as StageOptions

STEPS = {"tiny": 1, "small": 5}
"""Labels of a round in numbers of classes (Ono et al. 2024, section 4)."""


def _named(value: Any) -> Any:
    """A bare name is a part without options."""
    return {"name": value} if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """One thing is a list of one."""
    if value in ([], None):
        raise ValueError("wanted one or more, got none")
    return [value] if isinstance(value, str | dict) else value


class Part(Options):
    """A strategy, clusterer or learner."""

    name: str = Field(description="its file's name, as in params.yaml")
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="its own options, where not the default"
    )
    label: str = Field("", description="what it is called in tables and figures; default: its name")

    @property
    def text(self) -> str:
        """What it is called."""
        return self.label or self.name


class EncoderOptions(Options):
    """What makes features of images."""

    name: str = Field(description="an encoder, as in pretrain.encoder of params.yaml, but not auto")
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="its own options, where not the default"
    )
    seed: int = Field(0, ge=0, description="of its training")
    each_seed: bool = Field(
        False,
        description="an encoder for each campaign seed, trained with that seed on its pool; else"
        " one for all, trained on the whole training set",
    )
    threads: int = Field(
        2, ge=1, le=256, description="CPU threads of the training, which only networks read"
    )


class DataOptions(Options):
    """A set of images or features whose labels are known."""

    name: str = Field(description="one of the data sets that labelcycle reads")
    path: str | None = Field(
        None, description="file or folder, relative to the experiment's file; may hold $VARIABLES"
    )
    label: str = Field("", description="what it is called in tables; default: its name")
    size: int | None = Field(
        None, ge=8, le=1024, description="side of the images in pixels; null: the set's own, or 64"
    )
    long_tail: float | None = Field(
        None, gt=1, description="thin the classes out, the last to the first divided by this"
    )
    test: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="share that measures, drawn at random where the set has none; skin lesions are"
        " drawn by lesion",
    )
    group: GroupRule | None = Field(
        None,
        description="for folder: what names an image's patient, camera or product, whose images"
        " stay on one side, as by ingest.group: {folder: 1} or {path: 'patient-(\\d+)'}",
    )
    balanced: bool | None = Field(
        None, description="measure the mean recall of the classes; null: as the set is measured"
    )
    encoder: Annotated[EncoderOptions | None, BeforeValidator(_named)] = Field(
        None, description="instead of the experiment's"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in SETS:
            raise ValueError(registry.unknown("set", name, SETS))
        return name

    @property
    def text(self) -> str:
        """What it is called."""
        return self.label or self.name

    @property
    def factor(self) -> float | None:
        """Rows of the first class over those of the last, if the classes are thinned out."""
        return self.long_tail or LONG_TAILS.get(self.name)


class ClusterOptions(Options):
    """What the section `cluster` of params.yaml has beside the method."""

    max_clusters: int = Field(500, ge=1, le=100_000, description="no more clusters than this")
    normalise: bool = Field(True, description="bring features to length 1 first")


Parts = Annotated[tuple[Annotated[Part, BeforeValidator(_named)], ...], BeforeValidator(_listed)]


class Experiment(Options):
    """The whole of an experiment's file."""

    name: str = Field("", description="default: the file's name")
    data: Annotated[
        tuple[Annotated[DataOptions, BeforeValidator(_named)], ...], BeforeValidator(_listed)
    ] = Field(strict=False, description="one set or several")
    encoder: Annotated[EncoderOptions | None, BeforeValidator(_named)] = Field(
        None, description="for sets of images"
    )
    features: Literal["encoder", "model"] = Field(
        "encoder",
        description="model: of the current model's own backbone, anew each round; the encoder's"
        " until the model knows two classes",
    )
    pool: int | None = Field(
        None,
        ge=1,
        description="training rows that a seed draws; a set with fewer is taken whole; null: all",
    )
    initial: int | float = Field(
        0, description="labels before round 0, drawn at random: a number, or a share below 1"
    )
    budget: int | str = Field("tiny", description="labels of a round: tiny, small, or a number")
    rounds: int = Field(5, ge=1, description="rounds of so many labels")
    labels: tuple[int, ...] = Field(
        (), strict=False, description="labels after each round, instead of budget and rounds"
    )
    strategies: Parts = Field(strict=False, description="which samples")
    clusterers: Parts = Field(
        (Part(name="kmeans"),), strict=False, description="for strategies that read clusters"
    )
    learners: Parts = Field(
        (Part(name="linear"),), strict=False, description="from labels to model"
    )
    cluster: ClusterOptions = Field(ClusterOptions(), description="what all clusterers share")
    seeds: int = Field(10, ge=1, description="campaigns of each kind: seeds 0, 1, ...")
    base: str = Field(BASE, description="the strategy that the others are compared with")

    @field_validator("budget")
    @classmethod
    def _step(cls, budget: int | str) -> int | str:
        if budget not in STEPS and not (isinstance(budget, int) and budget >= 1):
            raise ValueError(f"wanted {', '.join(STEPS)} or a number of labels (got {budget!r})")
        return budget

    @field_validator("initial")
    @classmethod
    def _part(cls, initial: int | float) -> int | float:
        if initial < 0 or (isinstance(initial, float) and initial >= 1):
            raise ValueError(f"wanted a number of labels or a share below 1 (got {initial!r})")
        return initial

    @field_validator("labels")
    @classmethod
    def _rising(cls, labels: tuple[int, ...]) -> tuple[int, ...]:
        if list(labels) != sorted(set(labels)) or (labels and labels[0] < 1):
            raise ValueError(f"wanted rising numbers of labels (got {list(labels)})")
        return labels

    @model_validator(mode="after")
    def _consistent(self) -> "Experiment":
        for key in ("data", "strategies", "clusterers", "learners"):
            texts = [part.text for part in getattr(self, key)]
            twice = sorted({text for text in texts if texts.count(text) > 1})
            if twice:
                raise ValueError(f"{key}: {twice[0]!r} stands there twice; give one a label")
        texts = [each.text for each in self.strategies]
        if self.base not in texts:
            raise ValueError(
                f"base: wanted one of {', '.join(texts)} (got {self.base!r}), whom the others are"
                " compared with; add it to the strategies, or write base"
            )
        given = self.model_fields_set & {"budget", "rounds"}
        if self.labels and given:
            raise ValueError(f"labels: wanted either this or {' and '.join(sorted(given))}")
        return self

    def chosen(self, key: str) -> list[Choice]:
        """The parts of one kind. Raises SettingsError for a wrong name or option."""
        package = PACKAGES[key]
        return [chosen(package, e.name, e.options, e.text) for e in getattr(self, key)]

    def totals(self, classes: int, pool: int) -> tuple[int, tuple[int, ...]]:
        """Labels before round 0, and after each round. Raises SettingsError if the pool is small.

        classes : how many there are; pool : samples in it
        """
        initial = self.initial
        if isinstance(initial, float):
            initial = round(initial * pool)
        step = self.budget if isinstance(self.budget, int) else STEPS[self.budget] * classes
        totals = self.labels or tuple(initial + step * (i + 1) for i in range(self.rounds))
        if totals[0] <= initial or totals[-1] > pool:
            raise SettingsError(
                f"{self.name}: wanted numbers of labels above the {initial} before round 0 and at"
                f" most the {pool} samples of the pool (got {_shown(totals)}); lower budget, rounds"
                " or labels"
            )
        return initial, totals

    @property
    def stage(self) -> StageOptions:
        """The settings of the stage `cluster`, but for the method."""
        return StageOptions(**self.cluster.model_dump())


def _shown(totals: tuple[int, ...]) -> str:
    """All of a few numbers; the first and the last of many."""
    if len(totals) <= 12:
        return str(list(totals))
    return f"{len(totals)} from {totals[0]} to {totals[-1]}"


PACKAGES: dict[str, Package] = {
    "strategies": strategies,
    "clusterers": clusterers,
    "learners": learners,
}


def load(path: Path, place: str | None = None) -> Experiment:
    """The experiment in a file. Raises SettingsError that names key, wanted and got.

    What wants seconds is left to `load_sets.check_options`.
    place : where the data is, instead of what the file says
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: wanted the file of an experiment, got {error.strerror}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    experiment = parse(raw, path.name)
    if place is not None:
        experiment = _placed(experiment, place, path.name)
    named = experiment.name or path.stem
    return experiment.model_copy(update={"name": named})


def parse(raw: object, source: str) -> Experiment:
    """The experiment from plain values, checked like `load`."""
    if not isinstance(raw, dict):
        raise SettingsError(f"{source}: wanted keys with values, got {raw!r}")
    try:
        experiment = Experiment.model_validate(raw)
    except ValidationError as error:
        texts = "; ".join(registry.explain(Experiment, problem) for problem in error.errors())
        raise SettingsError(f"{source}: {texts}") from error
    try:
        _check_parts(experiment)
    except SettingsError as error:
        raise SettingsError(f"{source}: {error}") from error
    return experiment


def _check_parts(experiment: Experiment) -> None:
    for key in ("strategies", "clusterers"):
        experiment.chosen(key)
    for encoder in (experiment.encoder, *(set_options.encoder for set_options in experiment.data)):
        if encoder and encoder.name == encoders.AUTO:
            raise SettingsError(
                "encoder auto takes what is best on the machine that it runs on, and an experiment"
                " must give the same on all of them: name one of"
                f" {', '.join(encoders.that_see_images())}"
            )
        if encoder and encoders.is_ready_made(encoder.name):
            raise SettingsError(
                f"encoder {encoder.name} goes by the names of a campaign's samples; give ready"
                " features as data {name: npz, path: FILE}"
            )
    for learner in experiment.learners:
        learners.sees_images(learner.name)  # or there is none of that name
        if experiment.features == "model":
            where = "learners, for features is model"
            learners.must_see("images", learner.name, where, "write features: encoder")


def _placed(experiment: Experiment, place: str, source: str) -> Experiment:
    if len(experiment.data) > 1:
        raise SettingsError(
            f"{source} has {len(experiment.data)} sets: --data can name the place of one only;"
            " write data.path"
        )
    here = str(Path(place).absolute())
    return experiment.model_copy(
        update={"data": (experiment.data[0].model_copy(update={"path": here}),)}
    )
