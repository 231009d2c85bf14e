"""What a class may be called: accepted as it is, or refused at once with a sentence."""

import pytest

from labelcycle.core import class_names

FINE = (
    "$5 bill", "a & b", "<b>x</b>", '"quoted"', "it's", "one, two", "None", "true", "01", "=1+1",
    "\N{FOX FACE}", "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}", "שלום עולם", "مرحبا",
    "Cat", "cat", "می\N{ZERO WIDTH NON-JOINER}خواهم", "x" * 100, "None of these",
    'name="image"', "\N{HEAVY BLACK HEART}\ufe0f", "1\ufe0f\u20e3", "葛\U000e0100城", "сорока",
    "ψάρι", "ന്\N{ZERO WIDTH JOINER}", "क्\N{ZERO WIDTH JOINER}ष",
    "\N{WAVING WHITE FLAG}\ufe0f\N{ZERO WIDTH JOINER}\N{RAINBOW}",
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
        ("a  b", "wanted single blanks, for pages show several as one, got 'a  b'"),
        ("\u200d", "U\\+200D .ZERO WIDTH JOINER"),
        ("a\u200db", "U\\+200D .ZERO WIDTH JOINER"),
        ("ab\u200d", "U\\+200D"),
        ("é\u200cé", "U\\+200C .ZERO WIDTH NON-JOINER"),
        ("می\u200c", "U\\+200C"),
        ("\N{FOX FACE}\u200d", "U\\+200D"),
        ("\N{FOX FACE}\u200da", "U\\+200D"),
        ("\u3164", "U\\+3164 .HANGUL FILLER"),
        ("a\u2800b", "U\\+2800 .BRAILLE PATTERN BLANK"),
        ("a\u034fb", "U\\+034F .COMBINING GRAPHEME JOINER"),
        ("a\ufe0fb", "U\\+FE0F .VARIATION SELECTOR-16"),
        ("x" * 101, "at most 100 characters, got 101"),
        ("Skipped: none of these", "do not begin with 'skipped: '"),
    ],
)
def test_other_names_are_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        class_names.checked(["cat", name])


@pytest.mark.parametrize(
    "pair",
    [
        ("\N{HEAVY BLACK HEART}", "\N{HEAVY BLACK HEART}\ufe0f"),
        ("cat", "c\u0430t"),  # CYRILLIC SMALL LETTER A
        ("A1", "\u03911"),  # GREEK CAPITAL LETTER ALPHA
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_names_that_look_the_same_are_not_two_classes(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="wanted class names that people can tell apart") as told:
        class_names.checked(["dog", *pair])
    assert all(ascii(name) in str(told.value) for name in pair)


def test_a_like_class_is_asked_for() -> None:
    of = ("cat", "dog", "New York")
    assert class_names.meant("CAT", of) == "did you mean 'cat'?"
    assert class_names.meant("New\u00a0York", of) == "did you mean 'New York'?"
    assert class_names.meant("dgo", of) == "did you mean 'dog'?"
    assert class_names.meant("zebra", of) == ""
