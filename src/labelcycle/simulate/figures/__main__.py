"""Draws the figures of an experiment again."""

from pathlib import Path

import click

from labelcycle.simulate.figures.drawing import draw


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(["png", "svg"]), default="png")
def main(folder: Path, kind: str) -> None:
    """Draw the figures of FOLDER, which has the results.json of an experiment."""
    for path in draw(folder, f".{kind}"):
        click.echo(path)


if __name__ == "__main__":
    main()
