"""What Label Studio is told to ask, as text: built from a label schema, and read back. Pure."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from xml.etree import ElementTree

from labelcycle.errors import ServiceRefused
from labelcycle.ports import LabelSchema

T = TypeVar("T")

IMAGE, CONTROL = "image", "label"
"""Names of the image and of the choice in the config; the image's is its key in a task's data."""

HOT_KEYS = "1234567890qwertyuiopasdfghjklzxcvbnm"
"""In the order of the classes; a class beyond them has none."""

IMAGE_HEIGHT = "calc(100vh - 300px)"
"""Leaves room for the page's bars (100 px), three lines of text and two rows of choices: on its own
Label Studio 1.23.2 counts the bars alone, and the lower end of every image is off the screen."""

NO_PANELS = (
    ".lsf-sidepanels__wrapper { display: none } .lsf-sidepanels { padding-right: 0 !important }"
)
"""Hides the lists of regions and relations, of which a choice has none: a quarter of the screen."""

TITLE_MIN, TITLE_MAX = 3, 50
"""What Label Studio 1.23.2 accepts as the length of a project's title."""


def build(schema: LabelSchema) -> str:
    """The labelling config: instruction, one required choice, a hot key a class, the image."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Style").text = NO_PANELS
    if schema.instruction.strip():
        ElementTree.SubElement(view, "Header", value=schema.instruction.strip(), size="5")
    choices = ElementTree.SubElement(
        view,
        "Choices",
        name=CONTROL,
        toName=IMAGE,
        choice="single",
        required="true",
        requiredMessage="Choose a class, or skip the image",
        showInline="true",
    )
    for index, name in enumerate(schema.classes):
        choice = ElementTree.SubElement(choices, "Choice", value=name)
        if index < len(HOT_KEYS):
            choice.set("hotkey", HOT_KEYS[index])
    # Below the choices, which a large image would push off the screen.
    shown = {"name": IMAGE, "value": f"${IMAGE}", "zoom": "true", "maxHeight": IMAGE_HEIGHT}
    ElementTree.SubElement(view, "Image", shown)
    return ElementTree.tostring(view, encoding="unicode")


def classes(config: str) -> tuple[str, ...]:
    """The classes that a config offers. Raises ServiceRefused if it asks for something else."""
    return tuple(class_name(tag) for tag in parsed(config)[1].iter("Choice"))


def class_name(choice: ElementTree.Element) -> str:
    """The class that an answer names who picks this choice."""
    return choice.get("alias") or choice.get("value") or ""


def parsed(config: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    """A config and the choice of the class in it. Raises ServiceRefused if it has none, or two."""
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise ServiceRefused(f"wanted a labelling config in XML, got {error}") from error
    controls = [tag for tag in root.iter("Choices") if tag.get("name") == CONTROL]
    if len(controls) != 1 or controls[0].get("toName") != IMAGE:
        raise ServiceRefused(
            f'wanted one <Choices name="{CONTROL}" toName="{IMAGE}">, got {len(controls)} so named'
        )
    return root, controls[0]


def title(text: str) -> str:
    """`text` as a project title of a length that Label Studio accepts."""
    clean = " ".join(text.split())[:TITLE_MAX].strip()
    return clean if len(clean) >= TITLE_MIN else f"labelcycle {clean}".strip()


def instruction(schema: LabelSchema) -> str:
    """The instruction as HTML that shows the text as it was written."""
    return html.escape(schema.instruction).replace("\n", "<br>")


def result(label: str | None) -> list[dict[str, Any]]:
    """An annotation's or prediction's result that chooses one class, or nothing."""
    if label is None:
        return []
    value = {"choices": [label]}
    return [{"from_name": CONTROL, "to_name": IMAGE, "type": "choices", "value": value}]


def chosen(results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The class names that an annotation's result chooses, in their order."""
    return tuple(
        str(name)
        for item in results
        if item.get("from_name") == CONTROL and item.get("type") == "choices"
        for name in item.get("value", {}).get("choices", [])
    )


def chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    """`items` in their order, in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
