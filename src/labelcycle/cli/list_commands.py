"""The commands that list what params.yaml may name: strategies, encoders, learners, clusterers."""

import inspect
import json
import shutil
from collections.abc import Callable
from typing import Any

import click


@click.command()
@click.argument("name", required=False)
def strategies(name: str | None) -> None:
    """List the strategies: what each picks, when to use it, its paper; or the options of one.

    Strategies compare the directions of features: each row is brought to length 1 first.
    """
    from labelcycle.core import strategies as known

    _list(known, name, known.described)
    if not name:
        click.echo(f"\n{known.DIRECTIONS}")


@click.command()
@click.argument("name", required=False)
def encoders(name: str | None) -> None:
    """List the encoders, from images to features; or the options of one."""
    from labelcycle.nn import encoders as known

    _list(known, name)


@click.command()
@click.argument("name", required=False)
def learners(name: str | None) -> None:
    """List the learners, from labels to classifier; or the options of one."""
    from labelcycle.nn import learners as known

    _list(known, name)


@click.command()
@click.argument("name", required=False)
def clusterers(name: str | None) -> None:
    """List the clusterers; or the options of one."""
    from labelcycle.core import clusterers as known

    _list(known, name)


def _list(
    known: Any, name: str | None, described: Callable[[str], tuple[str, ...]] | None = None
) -> None:
    """Print what the parts of a package are, or one of them with its options and their defaults."""
    wide = min(120, shutil.get_terminal_size().columns)
    width = max(len(each) for each in known.names()) + 2
    for each in [name] if name else known.names():
        texts = described(each) if described else (_first_line(known.get(each)),)
        for number, text in enumerate(filter(None, texts)):
            lead = f"{each if number == 0 else '':<{width}}"
            click.echo(click.wrap_text(text, wide, lead, " " * width))
    for key, field in known.get(name).Options.model_fields.items() if name else ():
        click.echo(f"\n{key}: {json.dumps(field.get_default(call_default_factory=True))}")
        click.echo(click.wrap_text(field.description or "", wide, "    ", "    "))


def _first_line(module: Any) -> str:
    return (inspect.getdoc(module) or "").partition("\n")[0]


COMMANDS = (strategies, encoders, learners, clusterers)
"""In the order of `labelcycle --help`."""
