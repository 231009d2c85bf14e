"""params.yaml with other classes: all that is not the classes stays as it was."""

import pytest
import yaml
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle import config
from labelcycle.campaign.params_file import with_classes, with_values
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
    text = "campaign:\r\n  classes:\r\n  - a\r\n  - b"
    assert with_classes(text, ["c", "b", "d"]) == f"{text}\r\n  - d\r\n".replace("a\r", "c\r", 1)


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "pretrain:\n  encoder: auto\n  options: {}  # none\nx: 1",
            "pretrain:\n  encoder: resnet18  # why\n  options: {epochs: 3}  # none\nx: 1",
        ),
        (
            "pretrain:\n  encoder: auto  # mine\n",
            "pretrain:\n  options: {epochs: 3}\n  encoder: resnet18  # mine\n",
        ),
        (
            "pretrain: {threads: 1}  # one\n",
            "pretrain: {options: {epochs: 3}, encoder: resnet18, threads: 1}  # one\n",
        ),
        ("pretrain: {}", "pretrain: {options: {epochs: 3}, encoder: resnet18}"),
        (
            "train: {}",
            "train: {}\npretrain:\n  options: {epochs: 3}\n  encoder: resnet18  # why\n",
        ),
        ("", "pretrain:\n  options: {epochs: 3}\n  encoder: resnet18  # why\n"),
    ],
)
def test_values_of_a_section_alone_change(before: str, after: str) -> None:
    values = {"encoder": "resnet18", "options": {"epochs": 3}}
    assert with_values(before, "pretrain", values, "why") == after


@pytest.mark.parametrize("section", ["[1]", "", "&a {threads: 1}\nx: *a"])
def test_a_section_that_is_no_plain_mapping_is_left(section: str) -> None:
    with pytest.raises(SettingsError, match=r"section pretrain .*write `encoder: pixels` into it"):
        with_values(f"pretrain: {section}", "pretrain", {"encoder": "pixels"})
