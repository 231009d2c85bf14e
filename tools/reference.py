"""Print the pages in `docs/reference/` from the code.

    python tools/reference.py           write the pages
    python tools/reference.py --check   compare them; the exit code is 1 if one is not up to date

What the code does not explain ends this with an error that names it.
"""

import re
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
from reference_text import Unexplained, default, explained, fields, page, paragraphs, table

from labelcycle import errors
from labelcycle.adapters import annotation
from labelcycle.adapters.local.variables import VARIABLES
from labelcycle.campaign import contents, metric_names
from labelcycle.cli.main import PARTS as COMMAND_MODULES
from labelcycle.cli.main import cli
from labelcycle.config import Config
from labelcycle.core import clusterers, registry, strategies
from labelcycle.core.answer_times import Effort
from labelcycle.nn import encoders, learners
from labelcycle.simulate import experiment

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"

# --- commands ------------------------------------------------------------------------------


def commands() -> str:
    """The page of the command line."""
    groups = []
    for module in COMMAND_MODULES:
        said = paragraphs(module.__doc__, module.__name__)[0].split(":")[0].rstrip(".")
        rows = (
            (f"[`{each.name}`](#labelcycle-{each.name})", _summary(each))
            for each in module.COMMANDS
        )
        groups += [f"{said}:", table(("command", "what it does"), rows)]
    common = [param for param in cli.params if isinstance(param, click.Option)]
    sections = [part for path, each in _walk(cli, "labelcycle") for part in _command(path, each)]
    return page(
        "Commands",
        *paragraphs(cli.help, "labelcycle"),
        "Before the name of the command you may write:",
        table(("option", "value", "default", "meaning"), map(_parameter, common)),
        "Every command has `--help`, and ends with an [exit code](exit-codes.md).",
        "## All commands",
        *groups,
        *sections,
    )


def _walk(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with its words."""
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from _walk(command, f"{path} {name}")


def _summary(command: click.Command) -> str:
    return paragraphs(command.help, f"labelcycle {command.name}")[0]


def _command(path: str, command: click.Command) -> Iterator[str]:
    """The section of one command."""
    yield f"## {path}"
    usage = command.get_usage(click.Context(command, info_name=path))
    yield f"    {' '.join(usage.removeprefix('Usage: ').split())}"
    yield from paragraphs(command.help, path)
    head = ("argument or option", "value", "default", "meaning")
    yield table(head, map(_parameter, command.params))


def _parameter(param: click.Parameter) -> tuple[str, str, str, str]:
    """The row of an argument or option."""
    name = param.human_readable_name if isinstance(param, click.Argument) else ""
    names = [name] if name else [*param.opts, *param.secondary_opts]
    flag = getattr(param, "is_flag", False)
    many = param.nargs == -1 or getattr(param, "multiple", False)
    plain = param.to_info_dict()["default"]
    plain = plain[0] if isinstance(plain, tuple) else plain
    if flag or param.required or plain is None:
        said = "needed" if param.required else "off" if flag and plain is False else ""
    else:
        said = default(str(plain) if isinstance(plain, Path) else plain)
    return (
        ", ".join(f"`{each}`" for each in names),
        "" if flag else _value(param.type) + (", several times" if many else ""),
        said,
        explained(param.help, f"{' '.join(names)}"),
    )


def _value(kind: click.ParamType) -> str:
    """What a parameter takes, in words."""
    if isinstance(kind, click.Choice):
        return " or ".join(f"`{each}`" for each in kind.choices)
    if isinstance(kind, click.IntRange | click.FloatRange):
        low = f" from {kind.min}" if kind.min is not None else ""
        high = f" to {kind.max}" if kind.max is not None else ""
        return f"{'whole ' if isinstance(kind, click.IntRange) else ''}number{low}{high}"
    if isinstance(kind, click.Path):
        return "folder" if not kind.file_okay else "file" if not kind.dir_okay else "file or folder"
    return "text"


# --- exit codes ----------------------------------------------------------------------------


def exit_codes() -> str:
    """The page of exit codes and errors."""
    kinds = [errors.LabelcycleError, *errors.LabelcycleError.__subclasses__()]
    rows = (
        (f"`{each.__name__}`", str(each.exit_code), explained(each.__doc__, each.__name__))
        for each in kinds
    )
    codes = ((str(code), text) for code, text in errors.EXIT_CODES.items())
    return page(
        "Exit codes",
        "Every command ends with one of these codes:",
        table(("code", "meaning"), codes),
        "An error is one line on standard error. It names what is wrong, what was wanted, what"
        " came, and what to do.",
        "## Errors in Python",
        "The functions of labelcycle raise these errors. All are in `labelcycle.errors`.",
        table(("error", "exit code", "meaning"), rows),
    )


# --- settings ------------------------------------------------------------------------------

NAMED = {
    "pretrain": ("encoder", "encoders"),
    "cluster": ("method", "clusterers"),
    "query": ("strategy", "strategies"),
    "train": ("learner", "learners"),
    "push": ("backend", "backends"),
}
"""Of some sections the key that names a part, and the page of these parts."""


def settings() -> str:
    """The page of `params.yaml`."""
    parts = []
    for name, field in Config.model_fields.items():
        assert isinstance(field.annotation, type)
        parts += [f"## {name}", *paragraphs(field.annotation.__doc__, f"section {name}")]
        parts.append(fields(field.annotation, name))
        if name in NAMED:
            key, file = NAMED[name]
            more = " `options` takes the options of the one you name." if name != "push" else ""
            parts.append(f"`{key}` names one of the [{file}]({file}.md).{more}")
    return page(
        "Settings",
        "`params.yaml` holds the settings of a campaign. `labelcycle init` writes it, with a"
        " comment above each key. A key that you leave out has its default.",
        "labelcycle checks the whole file before anything runs. An unknown key or a value out of"
        " range is an error.",
        *parts,
    )


def experiments() -> str:
    """The page of the files that `labelcycle simulate` plays."""
    parts = {
        "data": experiment.DataOptions,
        "encoder": experiment.EncoderOptions,
        "strategies, clusterers, learners": experiment.Part,
        "cluster": experiment.ClusterOptions,
    }
    return page(
        "Experiments",
        "`labelcycle simulate EXPERIMENT.yaml` plays the campaigns that such a file describes."
        " `data.name` is one of the [data sets](data-sets.md).",
        fields(experiment.Experiment, "experiment"),
        *(text for name, kind in parts.items() for text in (f"## {name}", fields(kind, name))),
    )


# --- parts: strategies, clusterers, encoders, learners, backends ---------------------------


def parts(title: str, lead: str, package: Any, extra: Callable[[str, Any], str]) -> str:
    """The page of one kind of part: a table of all, and a section for each."""
    rows, sections = [], []
    for name in package.names():
        module = package.get(name)
        first, _ = registry.described(module)
        first = explained(first, f"{title}, {name}").replace("; for ", ". For ")
        rows.append((f"[`{name}`](#{name})", first))
        sections += [f"## {name}", first, extra(name, module)]
        sections += _notes(module, f"{title}, {name}")
        sections.append(fields(module.Options, name) or "It has no options.")
    return page(title, lead, table(("name", "what it is"), rows), *sections)


def _notes(module: Any, what: str) -> list[str]:
    """What a module says of itself below its first line: its paper, and the rest."""
    _, *more = paragraphs(module.__doc__, what)
    _, paper = registry.described(module)
    if not paper and not (more and more[0].startswith(registry.NO_PAPER)):
        raise Unexplained(f"{what}: wanted a paper, or `{registry.NO_PAPER}` and why")
    if paper:
        more[:1] = [f"Paper: {paper}.", more[0].removeprefix(paper).lstrip(".,; ")]
    return list(takewhile(lambda text: not text.startswith(ASIDE), filter(None, more)))


ASIDE = ("Slow version: ", "Measured: ")
"""Begin what of a docstring is for readers of the code, up to its end."""

NEEDS = {
    "clusters": "clusters of the pool",
    "probabilities": "the model's class probabilities",
    "head": "the model's last layer",
}


def _strategy(name: str, module: Any) -> str:
    del name
    needs = [text for need, text in NEEDS.items() if need in module.NEEDS]
    return f"It reads {' and '.join(['the features', *needs])}."


def _clusterer(name: str, module: Any) -> str:
    del name, module
    return "It reads the features."


def _learner(name: str, module: Any) -> str:
    del module
    return f"It learns from {'the images' if learners.sees_images(name) else 'the features'}."


def _encoder(name: str, module: Any) -> str:
    del module
    return "It reads a file." if encoders.is_ready_made(name) else "It reads the images."


def strategies_page() -> str:
    """The page of the strategies."""
    lead = "A strategy picks the samples of a round. `query.strategy` names it."
    more = " ".join(strategies.DIRECTIONS.split())
    return parts("Strategies", f"{lead} {more}", strategies, _strategy)


def clusterers_page() -> str:
    """The page of the clusterers."""
    lead = "A clusterer groups samples that are alike. `cluster.method` names it."
    return parts("Clusterers", lead, clusterers, _clusterer)


def encoders_page() -> str:
    """The page of the encoders."""
    lead = "An encoder turns an image into features, a row of numbers. `pretrain.encoder` names it."
    rules = "[These are the rules](../concepts/pretraining.md#which-encoder-auto-takes)."
    return parts("Encoders", f"{lead} {encoders.ABOUT_AUTO} {rules}", encoders, _encoder)


def learners_page() -> str:
    """The page of the learners."""
    lead = "A learner makes the model out of the labels. `train.learner` names it."
    return parts("Learners", lead, learners, _learner)


def backends() -> str:
    """The page of the annotation backends."""
    rows = []
    for name in annotation.names():
        first, _ = registry.described(annotation.get(name))
        server = "`labelcycle up` starts it" if annotation.service(name) else "none"
        rows.append((f"`{name}`", first, server, annotation.next_step(name)))
    head = ("name", "what it is", "server", "when a round is open")
    lead = "An annotation backend is where people answer. `push.backend` names it."
    return page("Annotation backends", lead, table(head, rows))


# --- files, figures, environment -----------------------------------------------------------

KEEPERS = {
    "git": "is committed. It is in every clone.",
    "DVC": "is in DVC's cache, and in the remote if there is one. `labelcycle pull` brings it.",
    "this computer": "is in no clone. git and DVC ignore it.",
}


def files() -> str:
    """The page of a campaign's files."""
    rows = (
        (f"`{each.path}`", each.keeper, explained(each.meaning, each.path))
        for each in contents.ENTRIES
    )
    keepers = [f"- **{keeper}**: the file {text}" for keeper, text in KEEPERS.items()]
    return page(
        "Files of a campaign",
        "`NNN` is the number of a round, such as `003`. `ID` is the number of an image, which is"
        " made from its bytes.",
        "\n".join(keepers),
        table(("file", "kept by", "what it holds"), rows),
    )


def figures() -> str:
    """The page of `metrics.json`."""
    head = ("figure", "meaning")
    efforts = paragraphs(Effort.__doc__, "Effort")[1]
    named = re.findall(r"(\w+) : (.*?)(?=[;]? \w+ : |$)", efforts)
    return page(
        "Metrics",
        "`work/metrics.json` holds the figures of the current model. `rounds/NNN/metrics.json`"
        " keeps them for each round, with the figures of the round itself.",
        "A dot stands between the keys. A word in capitals stands for any name.",
        "- An **estimate** has three numbers: `value`, and the ends of its interval, `low` and"
        " `high`.\n- An **effort** is the time of some answers. Its figures are below.",
        "## Of the model",
        table(head, ((f"`{name}`", text) for name, text in metric_names.MODEL.items())),
        "## Of the round",
        table(head, ((f"`{name}`", text) for name, text in metric_names.ROUND.items())),
        "## Of an effort",
        table(head, ((f"`{name}`", text) for name, text in named)),
    )


def environment() -> str:
    """The page of the environment variables."""
    return page(
        "Environment variables",
        "Addresses and secrets come from the environment, never from `params.yaml`. What you set"
        " wins over what `labelcycle up` started.",
        table(("variable", "meaning"), ((f"`{x}`", text) for x, text in VARIABLES.items())),
    )


# --- writing -------------------------------------------------------------------------------

PAGES = {
    "commands": commands,
    "settings": settings,
    "experiments": experiments,
    "strategies": strategies_page,
    "clusterers": clusterers_page,
    "encoders": encoders_page,
    "learners": learners_page,
    "backends": backends,
    "files": files,
    "metrics": figures,
    "environment": environment,
    "exit-codes": exit_codes,
}


def main() -> None:
    """Write the pages, or compare them."""
    texts = {FOLDER / f"{name}.md": made() for name, made in PAGES.items()}
    old = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if old and "--check" in sys.argv[1:]:
        names = ", ".join(path.name for path in old)
        sys.exit(f"docs/reference is not what the code says: {names}; run `make reference`")
    for path in old:
        path.write_text(texts[path], encoding="utf-8")
        print(f"{path.name}: written")


if __name__ == "__main__":
    main()
