"""Closed rounds in temporary clones: what is brought there, and how a rebuild is judged then."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import made_records
import pytest
import yaml
from handmade_campaign import POOL, HandmadeCampaign
from params import set_params

from labelcycle.adapters import git, programs
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.records.metrics_record import Evaluation
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import past_rounds, verify_all, verify_round
from labelcycle.errors import StateError
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot

HALF, MOST = Estimate(0.5, 0.25, 0.75), Estimate(0.9, 0.8, 1.0)


def test_a_round_is_brought_back_without_what_was_withdrawn_since(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = handmade
    asked: list[Any] = []
    monkeypatch.setattr(commands, "restore", lambda *given: asked.append(given))
    old, new = made.oid("data/labels", "round/000"), f"{'1' * 32}.dir"
    WithdrawnRecord((), {old: new}).write(made.campaign.withdrawn)
    with past_rounds.restored(snapshots.read(made.root), "round/000", ("data/labels.dvc",)) as then:
        assert git.head(then.root) == git.head(made.root, "round/000")
        assert not then.round(1).exists()
        (out,) = yaml.safe_load((then.data / "labels.dvc").read_text())["outs"]
        assert out["md5"] == new
        assert asked == [(then.root, made.root, ("data/labels.dvc",))]
        (then.data / "more.dvc").write_text("cmd: rm\n")
        with pytest.raises(StateError, match=r"more\.dvc is no part of the campaign"):
            past_rounds.bring(snapshots.read(made.root), then, ())
    assert len(asked) == 1
    assert not then.root.exists()


def test_a_clone_of_the_remote_is_trusted_and_has_a_cache_of_its_own(
    handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = handmade
    pulled: list[Any] = []

    def pull_one(root: Path, target: str) -> None:
        pulled.append(target)
        (root / "data" / "labels").mkdir()
        where = commands.settings(root)
        assert where["cache"]["dir"] == str(root / ".dvc" / "cache")
        assert Path(where["remote"]["store"]["url"]) == made.stores["remote"]

    monkeypatch.setattr(commands, "pull_one", pull_one)
    now = snapshots.read(made.root)
    with verify_all.from_remote(now) as clone:
        campaign = clone.campaign
        assert (clone.number, clone.key) == (2, now.key)
        assert campaign.root != made.root
        assert campaign.private.stat().st_mode & 0o777 == 0o700
        assert {"data/cohorts.json", ".dvc/config"} <= read_json(campaign.trusted)["files"].keys()
        assert campaign.labels.exists()
    assert pulled == ["data/labels.dvc"]
    assert not campaign.root.exists()
    (made.root / ".dvc" / "config").write_text("")
    with pytest.raises(
        StateError, match=r"^there is no remote to rebuild from: wanted a default one in"
    ):
        verify_all.from_remote(now).__enter__()
    monkeypatch.undo()
    (made.root / ".dvc" / "config").write_text("[core]\n    remote = x\n")
    with pytest.raises(StateError, match="names places outside this folder"):
        verify_all.from_remote(now).__enter__()


def test_rounds_that_stand_no_more_are_rebuilt_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = made_records.snapshot(tmp_path, number=3)
    for number in range(3):
        made_records.metrics(round=number).write(now.campaign.round(number) / "metrics.json")
    now.campaign.rollbacks.write_text(
        '{"version": 1, "to": 0, "next": 2, "answers": "use", "reason": "", "before": "", "at": ""}'
        "\n"
    )
    asked: list[Any] = []
    monkeypatch.setattr(verify_round, "verify", lambda *given: asked.append(given[:3]))
    lines: list[str] = []
    verify_all.verify_all(now, True, lines.append)
    assert asked == [(now, number, True) for number in range(3)]
    assert lines == [
        "round/001: rolled back since; rebuilt as it was closed",
        "3 rounds are reproduced",
    ]


def test_a_stage_is_run_by_the_clones_own_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[Any] = []
    monkeypatch.setattr(programs, "run", lambda *given: run.append(given))
    verify_round._compute(Campaign(tmp_path), ("train", "query"))
    assert run == [
        ([*programs.PYTHON, "-m", "labelcycle", "stage", name], Campaign(tmp_path).root)
        for name in ("train", "query")
    ]


# --- without samples that were withdrawn since ----------------------------------------------


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is brought and run in a clone that stands in; its learner sees features."""
    found: list[Any] = []
    rebuilt = Campaign(tmp_path / "rebuilt")
    rebuilt.work.mkdir(parents=True)
    made_records.selection("ac").write(rebuilt.selection)
    Evaluation(labels=4, accuracy=MOST, confusion=((2, 0), (0, 1))).write(rebuilt.metrics)
    set_params(rebuilt.root, campaign={"name": "rebuilt"})

    @contextmanager
    def restored(_: Snapshot, revision: str, targets: tuple[str, ...]) -> Iterator[Campaign]:
        found.append(targets)
        yield rebuilt

    monkeypatch.setattr(verify_round, "restored", restored)
    monkeypatch.setattr(verify_round, "bring", lambda now, to, what: found.append(what))
    monkeypatch.setattr(verify_round, "_compute", lambda to, stages: found.append(stages))
    monkeypatch.setattr(verify_round, "pictures", lambda campaign: ("images",))
    monkeypatch.setattr(verify_round.git, "switch", lambda root, to: None)
    monkeypatch.setattr(verify_round, "check_closed", lambda records, number: None)
    monkeypatch.setattr(verify_round, "_ask_for_what_is_left", lambda to: 2)
    return found


def verified(tmp_path: Path, *stones: Tombstone, deep: bool = False) -> list[str]:
    now = made_records.snapshot(tmp_path / "own", number=1)
    folder = now.campaign.round(0)
    made_records.plan(cohorts=2, encoder=1).write(folder / "plan.json")
    made_records.selection("ab").write(folder / "selection.json")
    metrics = made_records.metrics(labels=4, accuracy=HALF, confusion=((2, 1), (0, 1)))
    metrics.write(folder / "metrics.json")
    WithdrawnRecord(stones).write(now.campaign.withdrawn)
    lines: list[str] = []
    verify_round.verify(now, 0, deep, lines.append)
    return lines[1:]


def stone(split: Any = "pool", cohort: int = 0, number: int = 1) -> Tombstone:
    return Tombstone(POOL[0], "", made_records.AT, "", split, cohort, number, False, done=True)


def test_without_a_sample_of_the_pool_all_may_differ(tmp_path: Path, done: list[Any]) -> None:
    assert verified(tmp_path, stone()) == [
        f"1 sample of round 0 was withdrawn on 2026-11-01 ({POOL[0]}); compared without it",
        "rebuilding round 0: train, cluster, query",
        "selection: without them, 1 of the 2 recorded picks that are left are picked again; the"
        " others may differ, for the pool is another",
        "rebuilding round 0: train, evaluate",
        "metrics: accuracy 0.5000 recorded, 0.9000 without; they may differ, for the model learned"
        " without",
    ]
    assert done[0] == ("data/samples.dvc", "data/labels.dvc", "work/features")
    assert done[1] == ("train", "cluster", "query")


@pytest.mark.parametrize(("cohort", "trained"), [(0, False), (1, True)])
def test_an_encoder_that_learned_from_what_is_gone_is_taken(
    tmp_path: Path, done: list[Any], cohort: int, trained: bool
) -> None:
    lines = verified(tmp_path, stone(cohort=cohort), deep=True)
    said = "the encoder learned from what is gone, so its recorded weights are taken"
    assert (said in lines) is not trained
    assert done[0] == ("data/samples.dvc", "data/labels.dvc")
    assert done[1] == ("images", *(() if trained else ("work/encoder",)))
    assert done[2] == (*(("pretrain",) if trained else ()), "embed", "train", "cluster", "query")


def test_a_learner_that_sees_images_has_them_brought(tmp_path: Path, done: list[Any]) -> None:
    set_params(tmp_path / "rebuilt", train={"learner": "finetune"})
    made_records.selection("ab").write(tmp_path / "rebuilt" / "work" / "selection.json")
    lines = verified(tmp_path, stone("holdout", 1))
    assert lines[2].startswith("selection: the same 2 samples in the same order")
    assert lines[4].startswith("metrics: the same but for what is gone from the hold-out (accuracy")
    assert done[1] == ("images", "work/encoder")


def test_a_sample_of_a_later_cohort_or_round_changes_nothing(
    tmp_path: Path, done: list[Any]
) -> None:
    made_records.selection("ab").write(tmp_path / "rebuilt" / "work" / "selection.json")
    same = Evaluation(labels=4, accuracy=HALF, confusion=((2, 1), (0, 1)))
    same.write(tmp_path / "rebuilt" / "work" / "metrics.json")
    lines = verified(tmp_path, stone(cohort=2), stone(number=0))
    assert lines[-1] == "metrics: the same (accuracy 0.5000)"
    assert [line.partition(" ")[0] for line in lines] == [
        "rebuilding",
        "selection:",
        "rebuilding",
        "metrics:",
    ]
