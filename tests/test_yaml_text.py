"""Texts in YAML as values: what a caller changes is the caller's own, what is wrong is told."""

import pytest
import yaml

from labelcycle.campaign import yaml_text


def test_values_are_the_callers_own() -> None:
    text = "query: {budget: 4, options: {a: [1, 2]}}"
    first = yaml_text.values(text)
    first["query"]["options"]["a"].append(3)
    assert yaml_text.values(text) == {"query": {"budget": 4, "options": {"a": [1, 2]}}}


def test_a_text_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    monkeypatch.setattr(yaml, "safe_load", lambda text: parsed.append(text) or {"a": 1})
    for _ in range(3):
        assert yaml_text.values("a: 1 # a text of this test alone") == {"a": 1}
    assert len(parsed) == 1


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "!!python/object:os.system x"])
def test_each_look_at_a_wrong_text_is_told(text: str) -> None:
    for _ in range(2):
        with pytest.raises(yaml.YAMLError):
            yaml_text.values(text)


@pytest.mark.slow
def test_brackets_without_end_are_an_error_and_end_no_process() -> None:
    with pytest.raises((RecursionError, yaml.YAMLError)):
        yaml_text.values("[" * 20_000)
