"""What counts as a difference of a labelling config, what does not, and how it is said."""

from xml.etree import ElementTree

import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.adapters.annotation.label_studio import labeling_config
from labelcycle.adapters.annotation.label_studio.config_difference import difference, mark
from labelcycle.adapters.ports import LabelSchema

ASKED = LabelSchema(("cat", "dog"), "Cat or\ndog?")
CONFIG = labeling_config.build(ASKED)
NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=20
).filter(lambda name: name.strip() == name)
SCHEMAS = st.builds(
    LabelSchema, st.lists(NAMES, min_size=2, max_size=12, unique=True).map(tuple), NAMES
)


def without_instruction(*names: str) -> str:
    return labeling_config.build(LabelSchema(names, ""))


def changed(old: str, new: str) -> str:
    assert old in CONFIG
    return CONFIG.replace(old, new, 1)


@tries(40)
@given(SCHEMAS)
def test_what_is_built_has_no_difference(schema: LabelSchema) -> None:
    assert difference(labeling_config.build(schema), schema) is None


@tries(40)
@given(SCHEMAS, SCHEMAS)
def test_schemas_that_people_see_differently_differ(one: LabelSchema, other: LabelSchema) -> None:
    configs = [labeling_config.build(schema) for schema in (one, other)]
    texts = [" ".join(schema.instruction.split()) for schema in (one, other)]
    same = one.classes == other.classes and texts[0] == texts[1]
    assert (difference(configs[0], other) is None) == same
    assert (mark(configs[0]) == mark(configs[1])) == same


def pretty(text: str) -> str:
    """Other spaces, other order of attributes, a layout of somebody's own."""
    root = ElementTree.fromstring(text)
    for tag in root.iter():
        turned = list(tag.attrib.items())[::-1]
        tag.attrib.clear()
        tag.attrib.update(turned)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    text = text.replace('className="lc"', 'style="display: flex"')
    text = text.replace("<Choices", '<Choices layout="select" showInline="false"')
    text = text.replace("</Style>", "</Style><Style>.a {color: red}</Style>")
    return text.replace('required="true"', 'required="True"')


def test_looks_are_no_difference() -> None:
    assert pretty(CONFIG) != CONFIG
    assert difference(pretty(CONFIG), ASKED) is None
    assert mark(pretty(CONFIG)) == mark(CONFIG)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (without_instruction("cat"), "no longer offers 'dog'"),
        (without_instruction("cat", "dog", "cow"), "also offers 'cow'"),
        (
            without_instruction("dog", "cow"),
            "no longer offers 'cat' and also offers 'cow' and has hotkey '1' for 'dog'"
            " (wanted '2')",
        ),
        ("<View/>", 'wanted one <Choices name="label" toName="image">, got 0 so named'),
        ("<View", "wanted a labelling config in XML, got unclosed token: line 1, column 0"),
    ],
)
def test_differences_of_classes_by_hand(config: str, text: str) -> None:
    assert difference(config, LabelSchema(("cat", "dog"), "")) == text


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('name="label"', 'name="kind"', 'wanted one <Choices name="label" toName="image">, got 0'),
        ('toName="image"', 'toName="other"', "wanted one <Choices"),
        (
            '"single-radio"',
            '"multiple"',
            "has choice 'multiple' for the choice (wanted 'single-rad",
        ),
        ('required="true"', "", "has required 'false' for the choice (wanted 'true')"),
        ('"1"', '"2"', "has hotkey '2' for 'cat' (wanted '1')"),
        (' hotkey="1"', "", "has hotkey none for 'cat' (wanted '1')"),
        ('value="cat"', 'value="Katze" alias="cat"', "has value 'Katze' for 'cat' (wanted none)"),
        ('value="dog"', 'value="dog" selected="true"', "has selected 'true' for 'dog' (wanted"),
        ("Cat or", "Dog or", "shows the text 'Dog or dog?' (wanted 'Cat or dog?')"),
        ("<Header", "<Text", "shows the text none (wanted '$place') and also has <Text "),
        (
            ' alias="skipped: none of these"',
            "",
            "no longer offers 'skipped: none of these' and also",
        ),
        ("$image", "$other", "has value '$other' for the image (wanted '$image')"),
        (
            "</View>",
            '<TextArea name="w" toName="image"/></View>',
            'also has <TextArea name="w"',
        ),
        ('className="lc"', 'visibleWhen="x"', 'also has <View visibleWhen="x">'),
        (
            "</View>",
            '<TextArea zebra="2" size="4" name=" w  x "> Why\n so?</TextArea></View>',
            'also has <TextArea name="w x" zebra="2">Why so?',
        ),
    ],
)
def test_what_steers_answers_is_named(old: str, new: str, text: str) -> None:
    config = changed(old, new)
    assert (difference(config, ASKED) or "").startswith(text)
    if "<Choices" not in text:
        assert mark(config) != mark(CONFIG)


def test_another_order_is_named_with_its_hot_keys() -> None:
    other = labeling_config.build(LabelSchema(("dog", "cat"), ASKED.instruction))
    assert difference(other, ASKED) == (
        "offers the classes in the order 'dog', 'cat' and has hotkey '2' for 'cat' (wanted '1')"
        " and has hotkey '1' for 'dog' (wanted '2')"
    )


def test_many_differing_hot_keys_are_counted() -> None:
    names = tuple("abcdefgh")
    text = difference(labeling_config.build(LabelSchema(names[::-1], "")), LabelSchema(names, ""))
    assert text
    assert text.endswith(" and differs in 5 more settings of classes")
    assert text.count("has hotkey") == 3


LOOKS = (
    "background",
    "className",
    "idAttr",
    "size",
    "style",
    "underline",
    "layout",
    "requiredMessage",
    "sameHeight",
    "showInline",
    "brightnessControl",
    "contrastControl",
    "gammaControl",
    "rotateControl",
    "zoomControl",
    "crossOrigin",
    "defaultZoom",
    "negativeZoom",
    "smoothing",
    "zoom",
    "zoomBy",
    "grid",
    "gridColor",
    "gridSize",
    "horizontalAlignment",
    "verticalAlignment",
    "maxHeight",
    "maxWidth",
    "width",
)


def test_an_attribute_is_looks_or_a_difference() -> None:
    for tag in ("Image", "Choices", "Choice"):
        for name in LOOKS:
            root = ElementTree.fromstring(CONFIG)
            (first, *_) = root.iter(tag)
            first.set(name, "other")
            config = ElementTree.tostring(root, encoding="unicode")
            assert difference(config, ASKED) is None, name
            assert mark(config) == mark(CONFIG), name
    root = ElementTree.fromstring(CONFIG)
    (image,) = root.iter("Image")
    image.set("valueList", "other")
    config = ElementTree.tostring(root, encoding="unicode")
    assert difference(config, ASKED) == "has valueList 'other' for the image (wanted none)"
    assert mark(config) != mark(CONFIG)


def test_many_differing_settings_are_counted() -> None:
    names = tuple("abcdefgh")
    asked = LabelSchema(names, "x")
    config = labeling_config.build(LabelSchema(names[::-1], "x"))
    found = difference(config, asked)
    assert found is not None
    parts = found.split(" and ")
    assert parts[0].startswith("offers the classes in the order 'h', 'g', 'f'")
    assert parts[1] == "has hotkey '8' for 'a' (wanted '1')"
    assert parts[4] == "differs in 5 more settings of classes"
    assert len(parts) == 5


def test_texts_that_changed_places_are_told() -> None:
    root = ElementTree.fromstring(CONFIG)
    headers = [tag for tag in root.iter("Header")][:2]  # the third one is of the choice
    values = [tag.get("value", "") for tag in headers]
    for tag, value in zip(headers, values[::-1], strict=True):
        tag.set("value", value)
    found = difference(ElementTree.tostring(root, encoding="unicode"), ASKED)
    got, want = (" / ".join(each) for each in (values[::-1], values))
    assert found == f"shows the text {_one_line(got)!r} (wanted {_one_line(want)!r})"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def test_what_label_studio_takes_anyway_is_no_difference() -> None:
    for tag, name, same, other in (
        ("Choices", "choice", "single", "multiple"),
        ("Choices", "required", "false", "true"),
        ("Choice", "selected", "False", "true"),
    ):
        config = CONFIG.replace('choice="single-radio"', "").replace('required="true"', "")
        texts = []
        for value in (None, same, other):
            root = ElementTree.fromstring(config)
            (first, *_) = root.iter(tag)
            if value is not None:
                first.set(name, value)
            texts.append(mark(ElementTree.tostring(root, encoding="unicode")))
        assert texts[0] == texts[1] != texts[2], name
