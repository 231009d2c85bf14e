"""The labelling config: what is built is what is read back."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.adapters import label_config, label_tasks
from labelcycle.errors import DataError, ServiceRefused
from labelcycle.ports import Answer, LabelSchema, Prediction, TaskSpec

NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=20
).filter(lambda name: name.strip() == name)


def schema(*names: str) -> LabelSchema:
    return LabelSchema(names, "")


@given(st.lists(NAMES, min_size=1, max_size=45, unique=True))
def test_every_class_name_survives(names: list[str]) -> None:
    config = label_config.build(schema(*names))
    assert label_config.classes(config) == tuple(names)


def test_config_by_hand() -> None:
    asked = LabelSchema(('<&">', "Hündin"), ' Which "one" & why? ')
    root = ElementTree.fromstring(label_config.build(asked))
    assert [tag.tag for tag in root] == ["Style", "Header", "Choices", "Image"]
    _, header, choices, image = root
    assert header.get("value") == 'Which "one" & why?'
    assert image.get("value") == "$image"
    assert choices.attrib.items() >= {"choice": "single", "required": "true"}.items()
    assert [(c.get("value"), c.get("hotkey")) for c in choices] == [('<&">', "1"), ("Hündin", "2")]


def test_hot_keys_are_distinct_and_end() -> None:
    root = ElementTree.fromstring(label_config.build(schema(*(f"c{i}" for i in range(40)))))
    keys = [choice.get("hotkey") for choice in root.iter("Choice")]
    assert keys[:12] == list("1234567890qw")
    assert len(set(keys[:36])) == 36
    assert keys[36:] == [None] * 4


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", " a  b ", "x" * 51, "ä" * 200])
def test_titles_have_a_length_that_is_accepted(text: str) -> None:
    assert 3 <= len(label_config.title(text)) <= 50


def test_instruction_is_text_not_markup() -> None:
    assert label_config.instruction(LabelSchema(("a",), "a < b\nc")) == "a &lt; b<br>c"


@given(st.lists(st.integers()), st.integers(1, 9))
def test_chunks_keep_order_and_size(items: list[int], size: int) -> None:
    pieces = list(label_config.chunks(items, size))
    assert [item for piece in pieces for item in piece] == items
    assert all(1 <= len(piece) <= size for piece in pieces)


def test_chosen_reads_what_result_writes() -> None:
    assert label_config.chosen(label_config.result("cat")) == ("cat",)
    assert label_config.chosen(label_config.result(None)) == ()
    foreign = [{"from_name": "other", "type": "choices", "value": {"choices": ["cat"]}}]
    assert label_config.chosen(foreign) == ()


# --- tasks ---------------------------------------------------------------------------------


def make(image: Path, label: str | None = None) -> TaskSpec:
    prediction = Prediction(label, 0.75, "round-000") if label else None
    return TaskSpec("k/000/s", "s", image, 4, 0, prediction=prediction)


def test_record_by_hand(tmp_path: Path) -> None:
    image = tmp_path / "images" / "a b#%&+ä.png"
    image.parent.mkdir()
    image.touch()
    assert label_tasks.record(make(image, "dog"), tmp_path, ("cat", "dog")) == {
        "data": {
            "image": "/data/local-files/?d=images/a%20b%23%25%26%2B%C3%A4.png",
            "key": "k/000/s",
        },
        "meta": {"sample": "s", "round": 0, "rank": 4},
        "predictions": [
            {
                "model_version": "round-000",
                "score": 0.75,
                "result": label_config.result("dog"),
            }
        ],
    }
    assert "predictions" not in label_tasks.record(make(image), tmp_path, ("cat",))
    with pytest.raises(ServiceRefused, match="wanted a pre-annotation among 'cat', got 'dog'; put"):
        label_tasks.record(make(image, "dog"), tmp_path, ("cat",))


def answer(number: int, person: object, editor: int | None) -> Answer:
    given = {
        "result": [], "was_cancelled": False, "lead_time": 1, "created_at": "t", "updated_at": "t"
    }  # fmt: skip
    given |= {"id": number, "completed_by": person, "updated_by": editor}
    return label_tasks.answer({"id": 3, "data": {"key": "k/000/s"}}, given, service=1)


def test_removed_accounts_stay_different_people() -> None:
    """The server keeps an answer of an account that was removed, and forgets whose it was."""
    made = [answer(*each, None) for each in ((7, None), (8, None))]
    made += [answer(9, 2, 2), answer(10, {"id": 2}, 2)]
    assert [each.annotator for each in made] == ["removed/7", "removed/8", "2", "2"]
    assert [each.editor for each in made] == ["removed/7", "removed/8", "2", "2"]


def test_who_wrote_an_answer() -> None:
    """The campaign's own account writes for others; of an import nobody knows the writer."""
    editors = {
        (2, 2): "2", (2, 4): "4", (2, 1): "2", (2, None): None, (None, 4): "4", (1, 1): "1"
    }  # fmt: skip
    for (person, editor), wanted in editors.items():
        assert answer(7, person, editor).editor == wanted, (person, editor)


@pytest.mark.parametrize("place", ["a.png", "images/missing.png", "../a.png"])
def test_images_that_cannot_be_shown(tmp_path: Path, place: str) -> None:
    media = tmp_path / "media"
    media.mkdir()
    (media / "a.png").touch()
    (tmp_path / "a.png").touch()
    with pytest.raises(DataError, match=r"sample s: wanted an image in a folder below .*media"):
        label_tasks.record(make(media / place), media, ())
