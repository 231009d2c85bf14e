"""What a class may be called: accepted as it is, or refused at once with a sentence."""

import pytest

from labelcycle.core import class_names

FINE = (
    "$5 bill", "a & b", "<b>x</b>", '"quoted"', "it's", "one, two", "None", "true", "01", "=1+1",
    "\N{FOX FACE}", "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}", "שלום עולם", "مرحبا",
    "Cat", "cat", "می\N{ZERO WIDTH NON-JOINER}خواهم", "x" * 100, "None of these",
    'name="image"',
)  # fmt: skip


def test_all_that_people_can_read_is_a_name() -> None:
    assert class_names.checked(FINE) == FINE


def test_accents_are_composed() -> None:
    assert class_names.checked(["cafe\u0301", "tea"]) == ("caf\u00e9", "tea")
    with pytest.raises(ValueError, match=r"more than once .accents composed or decomposed"):
        class_names.checked(["cafe\u0301", "caf\u00e9"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "wanted a class name, got ''"),
        ("\u200b", "U\\+200B .ZERO WIDTH SPACE"),
        (" b", "without outer blanks"),
        ("b\u00a0", "without outer blanks"),
        ("a\u00a0b", "U\\+00A0 .NO-BREAK SPACE"),
        ("a\tb", "U\\+0009 .a control character"),
        ("a\nb", "U\\+000A"),
        ("\x07bell", "U\\+0007"),
        ("a\u2028b", "U\\+2028 .LINE SEPARATOR"),
        ("a\u202eb", "U\\+202E .RIGHT-TO-LEFT OVERRIDE"),
        ("a\ufeffb", "U\\+FEFF"),
        ("a\ud800b", "U\\+D800"),
        ("a\uffffb", "U\\+FFFF"),
        ("x" * 101, "at most 100 characters, got 101"),
        ("Skipped: none of these", "do not begin with 'skipped: '"),
    ],
)
def test_other_names_are_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        class_names.checked(["cat", name])


def test_a_like_class_is_asked_for() -> None:
    of = ("cat", "dog", "New York")
    assert class_names.meant("CAT", of) == "did you mean 'cat'?"
    assert class_names.meant("New\u00a0York", of) == "did you mean 'New York'?"
    assert class_names.meant("dgo", of) == "did you mean 'dog'?"
    assert class_names.meant("zebra", of) == ""
