"""`params.yaml` as one typed, frozen value, made of the Options of the parts it steers.

Everything is checked before anything runs: keys, ranges, names of strategies, encoders and
learners, and their own options.
"""

import re
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from labelcycle.adapters import annotation
from labelcycle.campaign import params_file, yaml_text
from labelcycle.campaign.json_files import value_digest
from labelcycle.core import class_names, clusterers, registry, strategies
from labelcycle.core.consensus import Options as AcceptOptions
from labelcycle.errors import SettingsError
from labelcycle.ingest.ingest_images import Options as IngestOptions
from labelcycle.nn import encoders, learners
from labelcycle.options import Options
from labelcycle.stages import declaration
from labelcycle.stages.cluster import Options as ClusterOptions
from labelcycle.stages.embed import Options as EmbedOptions
from labelcycle.stages.evaluate import Options as EvaluateOptions
from labelcycle.stages.pretrain import Options as PretrainOptions
from labelcycle.stages.query import Options as QueryOptions
from labelcycle.stages.train import Options as TrainOptions

BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?")
"""A bucket's address, with a prefix that no link needs to quote."""

PLUG_INS: Mapping[str, Any] = {
    declaration.ENCODER: encoders,
    declaration.CLUSTERER: clusterers,
    declaration.STRATEGY: strategies,
    declaration.LEARNER: learners,
}
"""Key that names a plug-in -> the package that holds it; its options are beside the key."""


class CampaignOptions(Options):
    """The campaign's name, its classes, and how many rounds it has."""

    name: str = Field("my-campaign", min_length=3, max_length=50, description="shown everywhere")
    classes: tuple[str, ...] = Field(
        (), strict=False, description="the class names, in the order of their hot keys; two or more"
    )
    instruction: str = Field(
        "Choose the class of the image. If no class fits, say why.",
        description="the text that annotators read beside every image",
    )
    seed: int = Field(0, ge=0, description="every random draw derives from it")
    rounds: int = Field(10, ge=1, description="no further round is opened after so many")
    open_next: bool = Field(
        False, description="open the next round as soon as one is closed; else by `labelcycle open`"
    )

    @field_validator("classes")
    @classmethod
    def _named(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) == 1:
            raise ValueError(f"wanted at least two class names, got {list(classes)}")
        return class_names.checked(classes)


class PushOptions(Options):
    """Where people answer, and what they see."""

    backend: str = Field(
        annotation.DEFAULT,
        description="where people answer: label_studio, a server; files, a file of the campaign,"
        " for trials and simulated people",
    )
    preannotate: bool = Field(
        True, description="show the current model's prediction from round 1 on"
    )
    min_side: int = Field(
        384, ge=32, le=1600, description="smaller images are enlarged to this many pixels"
    )
    images: Literal["media", "s3", "source"] = Field(
        "media",
        description="where browsers get images from: media, a folder that Label Studio sees too;"
        " s3, copies in push.bucket; source, the web address that each was ingested from",
    )
    bucket: str = Field(
        "",
        validate_default=True,
        description="for images: s3, s3://bucket/prefix; secrets come from the environment",
    )
    presign_minutes: int = Field(
        1440,
        ge=0,
        le=7 * 1440,
        description="how long a signed address into the bucket holds; 0: Label Studio passes the"
        " images on, and no browser needs to reach the bucket",
    )
    context: int = Field(
        0,
        ge=0,
        le=8,
        description="labelled images most like it that are shown below each image, with their"
        " classes; never in the hold-out",
    )
    overlap: int = Field(
        1,
        ge=1,
        le=10,
        description="different people who answer a sample, a selected one or one of the hold-out",
    )
    overlap_share: float = Field(
        1.0, ge=0, le=1, description="share of either, at random, that so many answer"
    )
    blind_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the pre-annotations, at random, that are not shown, to measure what"
        " showing them does",
    )
    gold_share: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="samples of the owned labels mixed in unmarked, beyond the budget, as a share"
        " of it: they show how reliable people are",
    )
    gold_alert: float = Field(
        0.7,
        ge=0,
        le=1,
        description="whoever is surely right on less of them (interval below it, 5 answers or"
        " more) is named",
    )
    adjudicate: int | None = Field(
        None,
        ge=0,
        description="at most so many samples whose answers made no label are asked again, beyond"
        " the budget; null: as many as the budget",
    )

    @field_validator("context")
    @classmethod
    def _drawn(cls, context: int, info: ValidationInfo) -> int:
        if context and info.data.get("images") == "source":
            raise ValueError(
                f"wanted 0 with images: source, which shows each image as it is (got {context});"
                " write images: media or s3"
            )
        return context

    @field_validator("bucket")
    @classmethod
    def _named(cls, bucket: str, info: ValidationInfo) -> str:
        if not (bucket or info.data.get("images") == "s3") or BUCKET.fullmatch(bucket):
            return bucket
        raise ValueError(
            "wanted s3://bucket or s3://bucket/prefix, a prefix of letters, digits and ._-/"
            f" (got {bucket!r})"
        )


class CloseOptions(Options):
    """When a round is closed before every task is done, and what stops a close."""

    deadline_hours: float | None = Field(
        None,
        gt=0,
        description="so long after it opened, `collect` closes a round of which enough is done;"
        " 0.05 are three minutes; null: never",
    )
    quorum: float = Field(
        0.8,
        ge=0,
        le=1,
        description="share of the round's tasks, those of the hold-out among them, that is enough;"
        " selected samples nobody answered go back",
    )
    most_changed: int = Field(
        5,
        ge=0,
        description="a close that would change more labels of closed rounds than this, and than"
        " share_changed, stops until `labelcycle corrections` is answered",
    )
    share_changed: float = Field(0.02, ge=0, le=1, description="share of all labels given so far")
    most_changed_holdout: int = Field(
        1, ge=0, description="it stops, too, if more labels of the hold-out than this would change"
    )


class NotifyOptions(Options):
    """When notices are sent. LABELCYCLE_NOTIFY says where they go."""

    stuck_after_hours: int = Field(
        48, ge=1, description="a round in which nothing moves for so long is told to be stuck"
    )
    missing_class: float = Field(
        0.05,
        ge=0,
        le=1,
        description="a class is told to be missing if more of a round's answers say"
        " `none of these`: one this frequent is worth a name",
    )


class Config(Options):
    """The whole of `params.yaml`."""

    campaign: CampaignOptions = CampaignOptions()
    ingest: IngestOptions = IngestOptions()
    pretrain: PretrainOptions = PretrainOptions()
    embed: EmbedOptions = EmbedOptions()
    cluster: ClusterOptions = ClusterOptions()
    query: QueryOptions = QueryOptions()
    push: PushOptions = PushOptions()
    close: CloseOptions = CloseOptions()
    accept: AcceptOptions = AcceptOptions()
    notify: NotifyOptions = NotifyOptions()
    train: TrainOptions = TrainOptions()
    evaluate: EvaluateOptions = EvaluateOptions()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names. Raises SettingsError if there are none."""
        if not self.campaign.classes:
            raise SettingsError(
                "params.yaml: campaign.classes is empty; wanted at least two class names;"
                " write them into params.yaml"
            )
        return self.campaign.classes

    @property
    def digest(self) -> str:
        """Digest of all settings, 16 hex digits."""
        return value_digest(self.model_dump(mode="json"))

    def at(self, key: str) -> Any:
        """A section, or the value of `section.key`.

        >>> Config().at("query.strategy")
        'trustherding'
        """
        return reduce(getattr, key.split("."), self)

    def plug_ins(self) -> dict[str, str]:
        """Key that names a plug-in -> the module that it names; none for an encoder to choose."""
        names = {key: self.at(key) for key in PLUG_INS}
        if self.pretrain.encoder == encoders.AUTO:
            del names[declaration.ENCODER]
        return {key: f"{PLUG_INS[key].__name__}.{name}" for key, name in names.items()}


def load(path: Path, *, parts: bool = True) -> Config:
    """The settings of a campaign. Raises SettingsError that names key, wanted and got.

    parts : check the own options of encoder, strategy and learner too, which imports them; not
        needed where somebody has done it, as in a stage or for a look at the campaign
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml_text.values(text)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path} is missing; wanted the settings of a campaign; run `labelcycle init`"
        ) from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    return parse(raw, path.name, parts=parts, text=text)


def parse(
    raw: object, source: str = "params.yaml", *, parts: bool = True, text: str | None = None
) -> Config:
    """The settings from plain values, checked like `load`.

    text : the YAML that the values were read from, to say how something was written there
    """
    if not isinstance(raw, dict | None):
        raise SettingsError(f"{source}: wanted sections with keys, got {raw!r}")
    try:
        config = Config.model_validate(raw or {})
    except ValidationError as error:
        found = error.errors()
        texts = (registry.explain(Config, x) + params_file.unquoted(text, x) for x in found)
        raise SettingsError(f"{source}: {'; '.join(texts)}") from error
    if parts:
        check_parts(config, source)
    return config


def check_parts(config: Config, source: str = "params.yaml") -> dict[str, dict[str, Any]]:
    """Key that names a plug-in -> its options, defaults filled in, as plain values.

    Raises SettingsError if a part is unknown, or its own options are wrong.
    """
    found: dict[str, dict[str, Any]] = {}
    for key, package in PLUG_INS.items():
        name, values = config.at(key), config.at(f"{key.partition('.')[0]}.options")
        if key == declaration.ENCODER and name == encoders.AUTO:
            found[key] = {}  # it has none until one is chosen
            continue
        try:
            if key == declaration.ENCODER:
                encoders.check_setting(name)
            kind = package.get(name).Options
            options = registry.parse_options(kind, values, f"{key} {name}")
        except SettingsError as error:
            raise SettingsError(f"{source}: {error}") from error
        found[key] = options.model_dump(mode="json")
    if config.push.backend not in annotation.names():
        try:
            annotation.get(config.push.backend)
        except SettingsError as error:
            raise SettingsError(f"{source}: push.backend: {error}") from error
    if config.embed.features == "model":
        where = f"{source}: train.learner, for embed.features is model"
        learners.must_see("images", config.train.learner, where, "write embed.features: encoder")
    return found


# --- printing ------------------------------------------------------------------------------


def print_params(config: Config | None = None) -> str:
    """The text of `params.yaml` for `config` (default: the template), each key with its comment."""
    config = config or Config()
    lines = [
        "# What steers a result. Checked whole before anything runs; a misspelt key is an error.",
        "# Where services are and their secrets come from the environment, never from here.",
    ]
    for section in Config.model_fields:
        value = getattr(config, section)
        lines += ["", f"{section}:"]
        for key, field in type(value).model_fields.items():
            plain = value.model_dump(mode="json")[key]
            text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
            if field.description:
                lines.append(f"  # {field.description}")
            lines.append(f"  {key}: {_scalar(text)}")
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    """YAML of a bare value without the end mark that the library sets behind scalars."""
    return text.removesuffix("\n").removesuffix("...").strip()


if __name__ == "__main__":
    import sys

    sys.stdout.write(print_params())
