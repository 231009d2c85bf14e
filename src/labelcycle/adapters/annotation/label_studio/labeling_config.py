"""What Label Studio is told to ask, as text: built from a label schema, and read back. Pure."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from xml.etree import ElementTree

from labelcycle.adapters.annotation.label_studio import page_style
from labelcycle.adapters.ports import LabelSchema
from labelcycle.core import skip_reasons
from labelcycle.core.class_names import composed
from labelcycle.core.skip_reasons import NONE, SEVERAL, UNCLEAR
from labelcycle.errors import ServiceRefused

T = TypeVar("T")

IMAGE, CONTROL, PLACE = "image", "label", "place"
"""Names of the image, the choice and the task's place in its round; those of image and place are
their keys in a task's data."""

HOT_KEYS = "1234567890qwertyuiopasdfgklzxcb"
"""In the order of the classes; a class beyond them has none.

All digits and letters but TAKEN and those of the reasons.
"""

TAKEN = "hv"
"""Keys that choose tools on the page of Label Studio 1.23.2, of all that were pressed in Chromium.

The first choice without a key is given one by Label Studio itself, and `v` is all that it has left.
"""

REASON_KEYS = {NONE: "n", SEVERAL: "m", UNCLEAR: "j"}
"""The same on every page, so that fingers learn them."""

SEARCH_KEY = "/"

TITLE_MIN, TITLE_MAX = 3, 50
"""What Label Studio 1.23.2 accepts as the length of a project's title."""


def build(schema: LabelSchema) -> str:
    """The labelling config: the image, and beside it the instruction and one required choice.

    The choice offers the classes, each with a hot key as long as there are some, and the reasons
    for which an image has no class.
    """
    view = ElementTree.Element("View", className=page_style.size(len(schema.classes)))
    _add(view, "Style").text = page_style.style()
    shown = {"name": IMAGE, "value": f"${IMAGE}", "maxHeight": page_style.IMAGE_HEIGHT}
    _add(_box(view, "image"), "Image", **shown, zoom="true")
    side = _box(view, "side")
    _add(_box(side, "small"), "Header", value=f"${PLACE}", size="5")
    if schema.instruction.strip():
        _add(_box(side, "text"), "Header", value=_untemplated(schema.instruction.strip()), size="5")
    if page_style.searched(len(schema.classes)):
        # With cleanup, a second Enter would choose the first of all classes.
        search = {"name": "search", "toName": CONTROL, "minlength": "0", "cleanup": "false"}
        hint = f"Search a class [{SEARCH_KEY}], then click on it"
        _add(side, "Filter", **search, hotkey=SEARCH_KEY, placeholder=hint)
    if len(schema.classes) > len(HOT_KEYS):  # an unseen search takes the key that no class may get
        _add(_box(side, "unseen"), "Filter", name="spare", toName=CONTROL, hotkey=TAKEN[-1])
    choices = _add(
        side,
        "Choices",
        name=CONTROL,
        toName=IMAGE,
        choice="single-radio",
        required="true",
        requiredMessage="Choose a class, or skip the image",
    )
    listed = _box(_box(choices, "scroll"), "classes")
    for place, name in enumerate(schema.classes):
        choice = _add(listed, "Choice", value=_untemplated(name))
        if choice.get("value") != name:
            choice.set("alias", name)
        if place < len(HOT_KEYS):
            choice.set("hotkey", HOT_KEYS[place])
    reasons = _box(choices, "reasons lc-small")
    _add(reasons, "Header", value="No class?", size="5")
    for reason in skip_reasons.offered(schema.classes):
        shown = {"value": reason.capitalize(), "alias": skip_reasons.worded(reason)}
        _add(reasons, "Choice", **shown, hotkey=REASON_KEYS[reason])
    return ElementTree.tostring(view, encoding="unicode")


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _box(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    return _add(parent, "View", className=f"lc-{name}")


def _untemplated(text: str) -> str:
    """`text` with another dollar sign: Label Studio puts a task's data in place of `$word`."""
    return text.replace("$", "\uff04")


def classes(config: str) -> tuple[str, ...]:
    """The classes that a config offers. Raises ServiceRefused if it asks for something else."""
    names = map(class_name, parsed(config)[1].iter("Choice"))
    return tuple(name for name in names if skip_reasons.reason_of(name) is None)


def class_name(choice: ElementTree.Element) -> str:
    """The class, or the worded reason, that an answer names who picks this choice."""
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


def labels_and_reason(results: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], str]:
    """The class names that an annotation's result chooses, in their order, or the reason to skip.

    One of both is empty. A reason beside classes is a name among them: such an answer is not valid.
    """
    names = tuple(
        composed(str(name))
        for item in results
        if item.get("from_name") == CONTROL and item.get("type") == "choices"
        for name in item.get("value", {}).get("choices", [])
    )
    reason = skip_reasons.reason_of(names[0]) if len(names) == 1 else None
    return ((), reason) if reason else (names, "")


def chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    """`items` in their order, in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
