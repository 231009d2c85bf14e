"""How a project's labelling config differs from what the campaign asks, in words. Pure.

What steers answers counts: the choice and its settings, classes with their order and hot keys, the
text above the image, the image, and whatever else is on the page. Layout does not: a config is
compared by its elements and attributes, without those that only concern looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from xml.etree import ElementTree

from labelcycle.adapters.annotation.label_studio import labeling_config
from labelcycle.adapters.ports import LabelSchema
from labelcycle.campaign.json_files import value_digest
from labelcycle.core.skip_reasons import reason_of
from labelcycle.errors import ServiceRefused

Attributes = Mapping[str, str]

COSMETIC = frozenset(
    {
        *("background", "className", "idAttr", "size", "style", "underline"),
        *("layout", "requiredMessage", "sameHeight", "showInline"),
        *("brightnessControl", "contrastControl", "gammaControl", "rotateControl", "zoomControl"),
        *("crossOrigin", "defaultZoom", "negativeZoom", "smoothing", "zoom", "zoomBy"),
        *("grid", "gridColor", "gridSize", "horizontalAlignment", "verticalAlignment"),
        *("maxHeight", "maxWidth", "width"),
    }
)
"""Attributes that change looks only; one that is not listed counts as a difference."""

DEFAULTS = {"choice": "single", "required": "false", "selected": "false"}
"""What Label Studio 1.23.2 takes where the attribute is missing."""

MARK = "labelcycle interface "
"""Begins the line in a project's description that tells which config was put there by us."""

NAMED = 3
"""So many differing hot keys or settings of classes are named one by one."""


@dataclass(frozen=True)
class _Page:
    """What steers answers on a page.

    choices : class name and settings of each, in their order
    others : every other element, as text
    """

    texts: tuple[str, ...]
    control: Attributes
    choices: tuple[tuple[str, Attributes], ...]
    image: Attributes
    others: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.choices]


def difference(config: str, schema: LabelSchema) -> str | None:
    """How a project's config differs from the schema, for people; None if it does not."""
    try:
        found = _page(config)
    except ServiceRefused as error:
        return str(error)
    wanted = _page(labeling_config.build(schema))
    parts = [
        *_classes(found.names, wanted.names),
        *_settings_of_classes(dict(found.choices), dict(wanted.choices)),
        *_attributes("the choice", found.control, wanted.control),
        *_attributes("the image", found.image, wanted.image),
        *_texts(found.texts, wanted.texts),
        *(f"also has {text}" for text in found.others if text not in wanted.others),
    ]
    return " and ".join(parts) or None


def mark(config: str) -> str:
    """A line that is the same for all configs that steer answers alike, and for no others."""
    return f"{MARK}{value_digest(asdict(_page(config)))}"


# --- reading -------------------------------------------------------------------------------


def _page(config: str) -> _Page:
    """What of a config steers answers. Raises ServiceRefused like `labeling_config.parsed`."""
    root, control = labeling_config.parsed(config)
    within_control = {id(tag) for tag in control.iter()}
    others = [tag for tag in root.iter() if id(tag) not in within_control and tag.tag != "Style"]
    images = [t for t in others if t.tag == "Image" and t.get("name") == labeling_config.IMAGE]
    headers = [tag for tag in others if tag.tag == "Header"]
    taken = {id(tag) for tag in (*images[:1], *headers)}
    rest = (_text(tag) for tag in others if id(tag) not in taken)
    return _Page(
        texts=tuple(_clean(tag.get("value", "")) for tag in headers),
        control=_steering(control),
        choices=tuple(_choice(tag) for tag in control.iter("Choice")),
        image=_steering(images[0]) if images else {},
        others=tuple(text for text in rest if text != "<View>"),
    )


def _steering(tag: ElementTree.Element) -> dict[str, str]:
    """The attributes that are not looks and not what Label Studio takes anyway."""
    attributes = {k: _clean(v) for k, v in sorted(tag.attrib.items()) if k not in COSMETIC}
    attributes |= {k: attributes[k].lower() for k in ("required", "selected") if k in attributes}
    return {k: v for k, v in attributes.items() if DEFAULTS.get(k) != v}


def _choice(tag: ElementTree.Element) -> tuple[str, Attributes]:
    """Class name and settings; a class shown under another name has that one as `value`."""
    settings = _steering(tag)
    alias = settings.pop("alias", None)
    if not alias:
        settings.pop("value", None)
    return labeling_config.class_name(tag), settings


def _text(tag: ElementTree.Element) -> str:
    attributes = "".join(f' {key}="{value}"' for key, value in _steering(tag).items())
    return f"<{tag.tag}{attributes}>{_clean(tag.text or '')}"


def _clean(text: str) -> str:
    return " ".join(text.split())


# --- in words ------------------------------------------------------------------------------


def _classes(shown: Sequence[str], expected: Sequence[str]) -> Iterator[str]:
    lacking = [repr(name) for name in expected if name not in shown]
    extra = [repr(name) for name in shown if name not in expected]
    if lacking:
        yield f"no longer offers {', '.join(lacking)}"
    if extra:
        yield f"also offers {', '.join(extra)}"
    if not lacking and not extra and shown != expected:
        names = (repr(name) for name in shown if reason_of(name) is None)
        yield f"offers the classes in the order {', '.join(names)}"


def _settings_of_classes(
    shown: Mapping[str, Attributes], expected: Mapping[str, Attributes]
) -> Iterator[str]:
    """One text a setting; beyond `NAMED` only how many more."""
    texts = [
        text
        for name in expected
        if name in shown
        for text in _attributes(repr(name), shown[name], expected[name])
    ]
    yield from texts[:NAMED]
    if len(texts) > NAMED:
        yield f"differs in {len(texts) - NAMED} more settings of classes"


def _attributes(of: str, shown: Attributes, expected: Attributes) -> Iterator[str]:
    for key in sorted(shown.keys() | expected.keys()):
        got, want = (x.get(key, DEFAULTS.get(key)) for x in (shown, expected))
        if got != want:
            yield f"has {key} {_quoted(got)} for {of} (wanted {_quoted(want)})"


def _texts(shown: Sequence[str], expected: Sequence[str]) -> Iterator[str]:
    if shown != expected:
        other = [text for text in shown if text not in expected]
        lacking = [text for text in expected if text not in shown]
        pairs = (other, lacking) if other or lacking else (shown, expected)
        got, want = (_quoted(" / ".join(texts) or None) for texts in pairs)
        yield f"shows the text {got} (wanted {want})"


def _quoted(text: str | None) -> str:
    return "none" if text is None else repr(text)
