"""params.yaml with other classes: all that is not the classes stays as it was."""

import pytest
import yaml
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle import config
from labelcycle.campaign.params_file import with_classes
from labelcycle.core.class_names import composed
from labelcycle.errors import SettingsError

NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=9).map(
        composed
    ),
    min_size=2,
    max_size=6,
    unique=True,
)

PRINTED = config.print_params().partition("\npretrain:")[0]
BLOCK = """\
# mine
campaign:
  name: x   # short
  classes:  # as in the guide
    - cat   # felis
    # the next one is rare
    - "no"
    - cow
  seed: 0

train: {options: {penalty: 1.0e-2}, image_size: null}
"""


@tries(40)
@given(NAMES, NAMES, st.booleans())
def test_the_printed_file_with_other_classes(old: list[str], new: list[str], flow: bool) -> None:
    before, after = PRINTED.split("classes: []")
    if flow:
        middle = yaml.safe_dump(old, default_flow_style=True, allow_unicode=True, width=10_000)
        middle = f"classes: {middle[:-1]}"
    else:
        lines = yaml.safe_dump(old, allow_unicode=True, width=10_000).splitlines()
        middle = "\n    ".join(["classes:", *lines])
    written = with_classes(f"{before}{middle}{after}", new)
    assert written.startswith(before)
    assert written.endswith(after)
    assert yaml.safe_load(written)["campaign"]["classes"] == new


def test_a_list_of_lines_keeps_its_comments() -> None:
    assert with_classes(BLOCK, ["cat", "dog", "no", "yes"]) == BLOCK.replace(
        "    # the next one is rare\n", "    # the next one is rare\n    - dog\n"
    ).replace("- cow", "- 'yes'")


def test_other_line_ends_stay() -> None:
    text = "campaign:\r\n  classes: [a, b]\r\n  seed: 0"
    assert with_classes(text, ["a", "c"]) == text.replace("b]", "c]")


def test_a_file_that_ends_within_the_list() -> None:
    text = "campaign:\n  classes:\n  - a\n  - b"
    assert with_classes(text, ["a", "b", "c"]) == f"{text}\n  - c\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "campaign: {name: x}",
        "campaign:\n  classes: a\n",
        "one: &classes [a, b]\ncampaign:\n  classes: *classes\n",
        "campaign:\n  classes:\n  -\n    a\n  - b\n",
    ],
)
def test_what_cannot_be_rewritten_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"wanted a plain list, as in `classes: \[cat, dog\]`"):
        with_classes(text, ["x", "b"])
