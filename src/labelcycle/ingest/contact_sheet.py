"""A picture with smaller ones below it, each over its name."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE = 112
"""Pixels of the square into which each small picture is fitted."""

GAP = 10
"""Pixels around each small picture."""

TEXT = 13
"""Height of the letters, in pixels."""

LINE = 18
"""Height of a line of text, in pixels."""

COLUMNS = 4
"""Small pictures side by side where the large one is narrower than these."""

CELL = SIDE + GAP
PAPER, INK, RULE = "white", "#333333", "#bbbbbb"


def below(
    picture: Image.Image, small: Sequence[tuple[Image.Image, str]], title: str
) -> Image.Image:
    """`picture` untouched at the top, under it a rule, `title`, and the small pictures in rows.

    small : each with its name, which is cut where it is too long; none: `picture` itself
    """
    if not small:
        return picture
    columns = min(len(small), max(COLUMNS, (picture.width - GAP) // CELL))
    rows = -(-len(small) // columns)
    width = max(picture.width, columns * CELL + GAP)
    top = picture.height + GAP + LINE
    sheet = Image.new("RGB", (width, top + rows * (CELL + LINE) + GAP), PAPER)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    draw.line((0, picture.height + GAP // 2, width, picture.height + GAP // 2), fill=RULE)
    draw.text((GAP, picture.height + GAP), _fitted(title, width - 2 * GAP), INK, _font())
    for place, (image, name) in enumerate(small):
        row, column = divmod(place, columns)
        corner = (GAP + column * CELL, top + GAP + row * (CELL + LINE))
        _paste(sheet, image, corner)
        text = _fitted(name, SIDE)
        at = (corner[0] + (SIDE - _font().getlength(text)) / 2, corner[1] + SIDE + 1)
        draw.text(at, text, INK, _font())
    return sheet


def sheet(small: Sequence[tuple[Image.Image, str]], title: str) -> Image.Image:
    """The small pictures in rows below `title`, each with its name."""
    return below(Image.new("RGB", (COLUMNS * CELL + GAP, 1), PAPER), small, title)


def _paste(sheet: Image.Image, image: Image.Image, corner: tuple[int, int]) -> None:
    """Put a picture into its square, whole, in the middle."""
    factor = SIDE / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    fitted = image.resize(size, Image.Resampling.BICUBIC)
    x, y = (corner[0] + (SIDE - size[0]) // 2, corner[1] + (SIDE - size[1]) // 2)
    sheet.paste(fitted, (x, y))


def _fitted(text: str, width: float) -> str:
    """`text`, or as much of it as is not wider than `width` pixels."""
    # Pillow measures no line breaks, and some of the other control characters make it fail.
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if _font().getlength(text) <= width:
        return text
    while text and _font().getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


@cache
def _font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans: Pillow's own has few letters beyond English."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, TEXT)
