"""`params.yaml` as one typed, frozen value, made of the Options of the parts it steers.

Everything is checked before anything runs: keys, ranges, names of strategies, encoders and
learners, and their own options.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, field_validator

from labelcycle.core import strategies
from labelcycle.errors import SettingsError
from labelcycle.ingest import Options as IngestOptions
from labelcycle.nn import encoders, learners
from labelcycle.options import Options
from labelcycle.stages.cluster import Options as ClusterOptions
from labelcycle.stages.embed import Options as EmbedOptions
from labelcycle.stages.evaluate import Options as EvaluateOptions
from labelcycle.stages.pretrain import Options as PretrainOptions
from labelcycle.stages.query import Options as QueryOptions
from labelcycle.stages.train import Options as TrainOptions
from labelcycle.store import digest, dump_json

Name = Annotated[str, Field(min_length=1)]


class CampaignOptions(Options):
    """What the campaign is."""

    name: str = Field("my-campaign", min_length=3, max_length=50, description="shown everywhere")
    classes: tuple[Name, ...] = Field(
        (),
        strict=False,
        description="the class names, in the order of their hot keys; at least two",
    )
    instruction: str = Field(
        "Choose the class of the image. Skip it if it shows none of them or cannot be judged.",
        description="the text annotators read before they start",
    )
    seed: int = Field(0, ge=0, description="every random draw derives from it")
    rounds: int = Field(10, ge=1, description="no further round is opened after so many")
    open_next: bool = Field(
        False, description="open the next round as soon as one is closed; else by `labelcycle open`"
    )

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) == 1:
            raise ValueError(f"wanted at least two class names, got {list(classes)}")
        twice = sorted({name for name in classes if classes.count(name) > 1})
        if twice:
            raise ValueError(f"wanted distinct class names, got {twice} more than once")
        padded = [name for name in classes if name != name.strip()]
        if padded:
            raise ValueError(f"wanted class names without outer spaces, got {padded}")
        return classes


class PushOptions(Options):
    """How samples are shown to annotators."""

    preannotate: bool = Field(
        True, description="show the current model's prediction from round 1 on"
    )
    min_side: int = Field(
        320, ge=32, le=4096, description="smaller images are enlarged to this many pixels"
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
        return digest(dump_json(self.model_dump(mode="json")).encode())


def load(path: Path) -> Config:
    """The settings of a campaign. Raises SettingsError that names key, wanted and got."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path} is missing; wanted the settings of a campaign; run `labelcycle init`"
        ) from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name} is not YAML: {_one_line(error)}") from error
    return parse(raw, path.name)


def parse(raw: object, source: str = "params.yaml") -> Config:
    """The settings from plain values, checked whole."""
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise SettingsError(f"{source}: wanted sections with keys, got {raw!r}")
    config = _validated(Config, raw, source, ())
    for section, key, options in (
        ("pretrain", "encoder", encoders.get(config.pretrain.encoder).Options),
        ("query", "strategy", strategies.get(config.query.strategy).Options),
        ("train", "learner", learners.get(config.train.learner).Options),
    ):
        chosen = getattr(config, section)
        _validated(options, chosen.options, source, (section, "options"), getattr(chosen, key))
    return config


def _validated(
    kind: type[Any], raw: dict[str, Any], source: str, where: tuple[str, ...], owner: str = ""
) -> Any:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        texts = [_explain(kind, problem, where, owner) for problem in error.errors()]
        raise SettingsError(f"{source}: " + "; ".join(texts)) from error


def _explain(kind: type[Options], problem: Any, where: tuple[str, ...], owner: str) -> str:
    """One problem as text: the key, what was wanted, what came, the nearest right key."""
    keys = [str(part) for part in problem["loc"]]
    key = ".".join((*where, *keys))
    if problem["type"] != "extra_forbidden":
        wanted = problem["msg"]
        for lead in ("Value error, ", "Input should be ", "String should have "):
            wanted = wanted.removeprefix(lead)
        if problem["type"] == "value_error":
            return f"{key}: {wanted}"
        return f"{key}: wanted {wanted} (got {problem['input']!r})"
    fields = list(_fields_at(kind, keys[:-1]))
    near = difflib.get_close_matches(keys[-1], fields, n=1)
    of = f" of {owner}" if owner else ""
    hint = f"did you mean {near[0]!r}?" if near else f"known keys{of}: {', '.join(fields) or '-'}"
    return f"{key}: unknown key{of}; {hint}"


def _fields_at(kind: type[Any], path: list[str]) -> Iterator[str]:
    for part in path:
        kind = kind.model_fields[part].annotation
    yield from kind.model_fields


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


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
