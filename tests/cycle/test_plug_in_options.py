"""Options of plug-ins are checked once for each version of settings and code."""

from pathlib import Path

import pytest

from labelcycle import config
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import SettingsError
from labelcycle.rounds import plug_in_options
from labelcycle.stages import code_digests

SETTINGS = {"pretrain": {"encoder": "precomputed"}, "query": {"strategy": "random"}}


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[config.Config]:
    """The settings that were checked."""
    made: list[config.Config] = []
    check = config.check_parts
    monkeypatch.setattr(config, "check_parts", lambda given: made.append(given) or check(given))
    return made


def test_the_same_settings_are_checked_once(tmp_path: Path, checks: list[config.Config]) -> None:
    campaign, settings = Campaign(tmp_path), config.parse(SETTINGS, parts=False)
    first = plug_in_options.checked(campaign, settings)
    assert first["pretrain.encoder"] == {"file": "data/features.npz"}
    assert set(first) == {"pretrain.encoder", "cluster.method", "query.strategy", "train.learner"}
    assert plug_in_options.checked(campaign, settings) == first
    assert checks == [settings]
    assert (campaign.checked_options).stat().st_mode & 0o077 == 0


def test_other_settings_and_other_code_are_checked_again(
    tmp_path: Path, checks: list[config.Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, settings = Campaign(tmp_path), config.parse(SETTINGS, parts=False)
    plug_in_options.checked(campaign, settings)
    wrong = {**SETTINGS, "query": {"strategy": "random", "options": {"hot": 1}}}
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"query\.strategy random: hot: unknown key"):
            plug_in_options.checked(campaign, config.parse(wrong, parts=False))
    assert len(checks) == 3
    plug_in_options.checked(campaign, settings)
    assert len(checks) == 3, "a check that failed forgot the one that did not"
    source = code_digests._source
    strategy = "labelcycle.core.strategies.random"
    monkeypatch.setattr(
        code_digests, "_source", lambda name: source(name) + b"#" * (name == strategy)
    )
    plug_in_options.checked(campaign, settings)
    assert len(checks) == 4


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"key": 1}'])
def test_a_record_that_is_broken_is_made_anew(
    tmp_path: Path, checks: list[config.Config], text: str
) -> None:
    campaign, settings = Campaign(tmp_path), config.parse(SETTINGS, parts=False)
    campaign.private.mkdir()
    (campaign.checked_options).write_text(text)
    for _ in range(2):
        assert plug_in_options.checked(campaign, settings)["query.strategy"] == {}
    assert len(checks) == 1
