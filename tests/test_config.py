"""params.yaml: what is right is read back, what is wrong is named with its remedy."""

from pathlib import Path

import pytest
import yaml

from labelcycle import config
from labelcycle.errors import SettingsError
from labelcycle.rounds import code_json
from labelcycle.stages import code_digests, declaration

ROOT = Path(__file__).parents[1]


def test_the_template_campaign_is_as_printed():
    assert (ROOT / "dvc.yaml").read_text() == declaration.print_dvc_yaml(), (
        "run: python -m labelcycle.stages.declaration > dvc.yaml"
    )
    assert (ROOT / "params.yaml").read_text() == config.print_params(), (
        "run: python -m labelcycle.config > params.yaml"
    )


def test_what_is_printed_is_read_back():
    settings = config.parse({"campaign": {"classes": ["a: b", "#c", "Ärmel"], "seed": 3}})
    assert config.parse(yaml.safe_load(config.print_params(settings))) == settings


def test_every_setting_is_described():
    for section in config.Config.model_fields:
        kind = type(getattr(config.Config(), section))
        assert all(field.description for field in kind.model_fields.values()), section


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"query": {"budgit": 3}}, r"query.budgit: unknown key; did you mean 'budget'\?"),
        ({"qury": {}}, r"qury: unknown key; did you mean 'query'\?"),
        ({"query": {"budget": 0}}, r"query.budget: wanted greater than or equal to 1 \(got 0\)"),
        ({"query": {"budget": "ten"}}, r"query.budget: wanted a valid integer \(got 'ten'\)"),
        ({"query": {"strategy": "typiclus"}}, r"'typiclus'.*typiclust"),
        ({"query": {"strategy": "supclust", "options": {"temprature": 1.0}}}, r"'temperature'"),
        ({"pretrain": {"encoder": "resnet19"}}, r"'resnet19'.*resnet18"),
        ({"train": {"learner": "liner"}}, r"'liner'.*linear"),
        ({"campaign": {"classes": ["a"]}}, r"campaign.classes: wanted at least two class names"),
        ({"campaign": {"classes": ["a", "b", "a"]}}, r"campaign.classes: .*\['a'\] more than once"),
        ({"campaign": {"classes": ["a", " b"]}}, r"without outer blanks, got ' b'"),
        ({"campaign": {"name": "ab"}}, r"campaign.name: wanted .*at least 3 characters"),
        ([1, 2], r"wanted sections with keys, got \[1, 2\]"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(raw, text):
    with pytest.raises(SettingsError, match=text) as caught:
        config.parse(raw)
    assert "\n" not in str(caught.value)


def test_no_class_names_is_an_error_once_they_are_needed():
    with pytest.raises(SettingsError, match=r"campaign.classes is empty; wanted at least two"):
        _ = config.parse({}).classes


def test_a_file_that_is_missing_or_no_yaml(tmp_path):
    with pytest.raises(SettingsError, match=r"params.yaml is missing; .*labelcycle init"):
        config.load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1")
    with pytest.raises(SettingsError, match=r"params.yaml is not YAML"):
        config.load(tmp_path / "params.yaml")


# --- the code of a stage is one of its inputs ----------------------------------------------


def test_a_changed_module_makes_its_own_stages_stale_and_no_other(monkeypatch):
    settings = config.parse({"query": {"strategy": "supclust"}})
    before = code_json.digests_of(settings)
    source = code_digests._source

    def edited(module: str) -> bytes:
        extra = b"# edited" if module == "labelcycle.core.strategies.supclust" else b""
        return source(module) + extra

    monkeypatch.setattr(code_digests, "_source", edited)
    after = code_json.digests_of(settings)
    assert {name for name in before if before[name] != after[name]} == {"query"}


def test_the_chosen_strategy_is_part_of_the_query_and_of_nothing_else():
    one = code_json.digests_of(config.parse({"query": {"strategy": "supclust"}}))
    two = code_json.digests_of(config.parse({"query": {"strategy": "random"}}))
    assert {name for name in one if one[name] != two[name]} == {"query"}


def test_a_stage_names_the_numeric_libraries_that_it_uses():
    digests = code_json.digests_of(config.Config())
    assert {"numpy", "pillow", "torch"} <= set(digests["embed"])
    assert "torch" not in digests["cluster"]


def problem(tmp_path: Path, text: str) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        config.load(path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("yes", "true or false"),
        ("01", "a number"),
        ("1.0", "a number"),
        ("1:30", "a number"),
        ("null", "nothing"),
        ("2024-01-01", "a date"),
    ],
)
def test_what_yaml_makes_of_a_text_without_quotes_is_told(
    tmp_path: Path, written: str, kind: str
) -> None:
    found = problem(tmp_path, f"campaign:\n  classes: [cat, {written}]\n")
    assert "classes.1: wanted a valid string" in found
    assert f"YAML reads {written} without quotes as {kind}: write '{written}'" in found
    quoted = tmp_path / "quoted.yaml"
    quoted.write_text(f"campaign: {{classes: [cat, '{written}']}}")
    assert config.load(quoted).classes == ("cat", written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("cat, dog", "wanted a list, as in [cat, dog] (got 'cat, dog')"),
        ("yes", "wanted a list, as in [a, b] (got True)"),
        ("{cat: 1}", "wanted a list, as in [a, b] (got {'cat': 1})"),
    ],
)
def test_what_is_no_list_is_told_with_one(tmp_path: Path, written: str, said: str) -> None:
    found = problem(tmp_path, f"campaign:\n  classes: {written}\n")
    assert f"campaign.classes: {said}" in found
    assert "tuple" not in found


def test_any_text_without_quotes_is_told(tmp_path: Path) -> None:
    found = problem(tmp_path, "campaign:\n  name: 2024\n")
    assert found.endswith("YAML reads 2024 without quotes as a number: write '2024'")
