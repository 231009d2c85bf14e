"""The labelling config: what is built is what is read back."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.adapters import annotation
from labelcycle.adapters.annotation import label_studio
from labelcycle.adapters.annotation.label_studio import labeling_config, page_style, task_import
from labelcycle.adapters.ports import Answer, LabelSchema, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import DataError, ServiceRefused, StateError

NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=20
).filter(lambda name: name.strip() == name)


def schema(*names: str) -> LabelSchema:
    return LabelSchema(names, "")


@given(st.lists(NAMES, min_size=1, max_size=45, unique=True))
def test_every_class_name_survives(names: list[str]) -> None:
    config = labeling_config.build(schema(*names))
    assert labeling_config.classes(config) == tuple(names)


def test_config_by_hand() -> None:
    asked = LabelSchema(('<&">', "Hündin"), ' Which "one" & why? ')
    root = ElementTree.fromstring(labeling_config.build(asked))
    place, text, _ = (header.get("value") for header in root.iter("Header"))
    assert (place, text) == ("$place", 'Which "one" & why?')
    assert [image.get("value") for image in root.iter("Image")] == ["$image"]
    (choices,) = root.iter("Choices")
    assert choices.attrib.items() >= {"choice": "single-radio", "required": "true"}.items()
    assert [(c.get("value"), c.get("alias"), c.get("hotkey")) for c in root.iter("Choice")] == [
        ('<&">', None, "1"),
        ("Hündin", None, "2"),
        ("None of these", "skipped: none of these", "n"),
        ("Several of these", "skipped: several of these", "m"),
        ("Cannot be judged", "skipped: cannot be judged", "j"),
    ]


def test_what_stands_on_the_page_has_names_that_fit_together() -> None:
    """A filter without the choice's name filters nothing; of two tags of a name one is lost."""
    many = schema(*(f"class {number}" for number in range(40)))
    tags = list(ElementTree.fromstring(labeling_config.build(many)).iter())
    assert [(tag.tag, tag.get("name"), tag.get("toName")) for tag in tags if tag.get("name")] == [
        ("Image", "image", None),
        ("Filter", "search", "label"),
        ("Filter", "spare", "label"),
        ("Choices", "label", "image"),
    ]


def test_a_class_with_a_dollar_is_no_template() -> None:
    """Label Studio puts a task's data in place of `$image`, in the name and in the answer."""
    root = ElementTree.fromstring(labeling_config.build(schema("$image", "US$5")))
    shown = [(c.get("value"), c.get("alias")) for c in root.iter("Choice")][:2]
    assert shown == [("＄image", "$image"), ("US＄5", "US$5")]


def hot_keys(count: int) -> list[str | None]:
    root = ElementTree.fromstring(labeling_config.build(schema(*(f"c{i}" for i in range(count)))))
    return [tag.get("hotkey") for tag in root.iter() if tag.tag in ("Choice", "Filter")]


@pytest.mark.parametrize("count", [2, 12, 30, 31, 32, 60, 200])
def test_every_hot_key_is_free_and_used_once(count: int) -> None:
    """What Label Studio takes itself stays free; all that it would give by itself is used up."""
    keys = [key for key in hot_keys(count) if key is not None]
    assert len(set(keys)) == len(keys)
    assert len(keys) >= min(count, 31) + 3
    assert keys.count("h") == 0
    by_itself = set("1234567890qwetasdfgzxcvbyiopjklnm")
    assert count <= 31 or by_itself <= set(keys)


def test_a_search_is_there_where_classes_are_many() -> None:
    tags = [
        labeling_config.build(schema(*map(str, range(n)))).count("<Filter") for n in (30, 31, 32)
    ]
    assert tags == [0, 1, 2]


def test_a_class_called_like_a_reason_is_a_class() -> None:
    config = labeling_config.build(schema("cat", "None of These"))
    names = [tag.get("value") for tag in ElementTree.fromstring(config).iter("Choice")]
    assert names == ["cat", "None of These", "Several of these", "Cannot be judged"]
    assert labeling_config.classes(config) == ("cat", "None of These")
    assert labeling_config.labels_and_reason(labeling_config.result("None of These")) == (
        ("None of These",),
        "",
    )


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", " a  b ", "x" * 51, "ä" * 200])
def test_titles_have_a_length_that_is_accepted(text: str) -> None:
    assert 3 <= len(labeling_config.title(text)) <= 50


def test_instruction_is_text_not_markup() -> None:
    assert labeling_config.instruction(LabelSchema(("a",), "a < b\nc")) == "a &lt; b<br>c"


@given(st.lists(st.integers()), st.integers(1, 9))
def test_chunks_keep_order_and_size(items: list[int], size: int) -> None:
    pieces = list(labeling_config.chunks(items, size))
    assert [item for piece in pieces for item in piece] == items
    assert all(1 <= len(piece) <= size for piece in pieces)


def test_said_reads_what_result_writes() -> None:
    assert labeling_config.labels_and_reason(labeling_config.result("cat")) == (("cat",), "")
    assert labeling_config.labels_and_reason(labeling_config.result(None)) == ((), "")
    assert labeling_config.labels_and_reason(labeling_config.result("skipped: none of these")) == (
        (),
        "none of these",
    )
    foreign = [{"from_name": "other", "type": "choices", "value": {"choices": ["cat"]}}]
    assert labeling_config.labels_and_reason(foreign) == ((), "")


def test_a_reason_beside_a_class_is_no_skip() -> None:
    both = [*labeling_config.result("cat"), *labeling_config.result("skipped: none of these")]
    assert labeling_config.labels_and_reason(both) == (("cat", "skipped: none of these"), "")


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_reason_makes_an_answer_a_skip(cancelled: bool) -> None:
    found = task_import.answer(
        {"id": 3, "data": {"key": "k/000/s"}},
        {
            "id": 7, "result": labeling_config.result("skipped: cannot be judged"), "lead_time": 1,
            "was_cancelled": cancelled, "completed_by": 2, "updated_by": 2, "created_at": "t",
            "updated_at": "t",
        },
        1,
    )  # fmt: skip
    assert (found.labels, found.skipped, found.reason) == ((), True, "cannot be judged")


# --- tasks ---------------------------------------------------------------------------------


def make(image: Path, label: str | None = None) -> TaskSpec:
    prediction = Prediction(label, 0.75, "round-000") if label else None
    return TaskSpec("k/000/s", "s", image, 4, 0, prediction=prediction)


def test_record_by_hand(tmp_path: Path) -> None:
    image = tmp_path / "images" / "a b#%&+ä.png"
    image.parent.mkdir()
    image.touch()
    assert task_import.record(make(image, "dog"), tmp_path, ("cat", "dog")) == {
        "data": {
            "image": "/data/local-files/?d=images/a%20b%23%25%26%2B%C3%A4.png",
            "key": "k/000/s",
            "place": "Image 5",
        },
        "meta": {"sample": "s", "round": 0, "rank": 4},
        "predictions": [
            {
                "model_version": "round-000",
                "score": 0.75,
                "result": labeling_config.result("dog"),
            }
        ],
    }
    assert "predictions" not in task_import.record(make(image), tmp_path, ("cat",))
    known = task_import.record(replace(make(image), tasks=66), tmp_path, ("cat",))
    assert known["data"]["place"] == "Image 5 of 66"
    with pytest.raises(ServiceRefused, match="wanted a pre-annotation among 'cat', got 'dog'; put"):
        task_import.record(make(image, "dog"), tmp_path, ("cat",))


def answer(number: int, person: object, editor: int | None) -> Answer:
    given = {
        "result": [], "was_cancelled": False, "lead_time": 1, "created_at": "t", "updated_at": "t"
    }  # fmt: skip
    given |= {"id": number, "completed_by": person, "updated_by": editor}
    return task_import.answer({"id": 3, "data": {"key": "k/000/s"}}, given, service=1)


def test_removed_accounts_stay_different_people() -> None:
    """The server keeps an answer of an account that was removed, and forgets whose it was."""
    made = [answer(*each, None) for each in ((7, None), (8, None))]
    made += [answer(9, 2, 2), answer(10, {"id": 2}, 2)]
    assert [each.annotator for each in made] == ["removed/7", "removed/8", "2", "2"]
    assert [each.editor for each in made] == [None, None, "2", "2"]


def test_who_wrote_an_answer() -> None:
    """The campaign's own account writes for others; of an import nobody knows the writer."""
    editors = {
        (2, 2): "2", (2, 4): "4", (2, 1): "2", (2, None): None, (1, 1): "1",
        (None, 4): "4", (None, None): None,
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
        task_import.record(make(media / place), media, ())


@pytest.mark.parametrize(
    ("classes", "size", "searched"),
    [
        (2, "lc", False),
        (11, "lc", False),
        (12, "lc two", False),
        (30, "lc two", False),
        (31, "lc many", True),
    ],
)
def test_how_large_buttons_are(classes: int, size: str, searched: bool) -> None:
    assert (page_style.size(classes), page_style.searched(classes)) == (size, searched)
    root = ElementTree.fromstring(labeling_config.build(schema(*map(str, range(classes)))))
    assert size in {tag.get("className") for tag in root.iter("View")}
    assert bool([*root.iter("Filter")]) == searched


@pytest.mark.parametrize("there", [True, False])
def test_doctor_is_told_whether_the_program_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def find() -> Path:
        if not there:
            raise StateError("no program")
        return Path("/there")

    monkeypatch.setattr(label_studio.server_programs, "find_label_studio", find)
    monkeypatch.setattr(label_studio.server_checks, "check", lambda environment: iter(["server"]))
    first, *rest = annotation.get("label_studio").checks(Campaign(tmp_path))
    remedy = "only needed for `labelcycle up`"
    assert first == (
        ("Label Studio's program", True, "/there", "")
        if there
        else ("Label Studio's program", False, "no program", remedy)
    )
    assert rest == ["server"]
