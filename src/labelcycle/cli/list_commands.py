"""The commands that list what params.yaml may name: strategies, encoders, learners, clusterers."""

import json
import shutil
from typing import Any

import click


@click.command()
@click.argument("name", required=False, help="The strategy whose options are printed.")
def strategies(name: str | None) -> None:
    """List the strategies, or the options of one.

    The list says what each picks, when to use it, and its paper.
    Strategies compare the directions of features: each row is brought to length 1 first.
    """
    from labelcycle.core import strategies as known

    _list(known, name)
    if not name:
        click.echo(f"\n{known.DIRECTIONS}")


@click.command()
@click.argument("name", required=False, help="The encoder whose options are printed.")
def encoders(name: str | None) -> None:
    """List the encoders, from images to features, or the options of one."""
    from labelcycle.nn import encoders as known

    if name != known.AUTO:
        _list(known, name)
    if name in (None, known.AUTO):
        click.echo(f"{'' if name else chr(10)}{known.ABOUT_AUTO}")


@click.command()
@click.argument("name", required=False, help="The learner whose options are printed.")
def learners(name: str | None) -> None:
    """List the learners, from labels to classifier, or the options of one."""
    from labelcycle.nn import learners as known

    _list(known, name)


@click.command()
@click.argument("name", required=False, help="The clusterer whose options are printed.")
def clusterers(name: str | None) -> None:
    """List the clusterers, or the options of one."""
    from labelcycle.core import clusterers as known

    _list(known, name)


def _list(known: Any, name: str | None) -> None:
    """Print what the parts of a package are, or one of them with its options and their defaults."""
    from labelcycle.core import registry

    wide = min(120, shutil.get_terminal_size().columns)
    width = max(len(each) for each in known.names()) + 2
    for each in [name] if name else known.names():
        texts = filter(None, registry.described(known.get(each)))
        for number, text in enumerate(texts):
            lead = f"{each if number == 0 else '':<{width}}"
            click.echo(click.wrap_text(text, wide, lead, " " * width))
    for key, field in known.get(name).Options.model_fields.items() if name else ():
        click.echo(f"\n{key}: {json.dumps(field.get_default(call_default_factory=True))}")
        click.echo(click.wrap_text(field.description or "", wide, "    ", "    "))


COMMANDS = (strategies, encoders, learners, clusterers)
"""In the order of `labelcycle --help`."""
