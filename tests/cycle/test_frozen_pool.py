"""The pool of a round is held to its plan, by values."""

from pathlib import Path

import made_records
import pytest
from raised import told

from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.records.plan_record import PlanDigests
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, manifest, write_samples
from labelcycle.core.digests import file_digest
from labelcycle.errors import StateError
from labelcycle.rounds import snapshots


@pytest.fixture
def cohorts(tmp_path: Path) -> dict[str, str]:
    """Round 0 is planned with cohort 0; the digests of that one and of one that waits."""
    campaign = Campaign(tmp_path)
    write_labels(campaign.label_file(OWNED), [])
    names = [f"{n:016x}" for n in range(2)]
    write_samples(
        campaign.samples,
        [Sample(name, f"{n:03d}/{name}.png", "", "pool", 1, 1) for n, name in enumerate(names)],
    )
    found = {f"{n:03d}": file_digest(manifest(campaign.samples, n)) for n in range(2)}
    first = {"000": found["000"]}
    owned = file_digest(campaign.label_file(OWNED))
    digests = PlanDigests(owned, snapshots.pool_digest(first), "", "")
    plan = made_records.plan(digests=digests, cohorts=1, encoder=1)
    plan.write(campaign.round(0) / round_states.PLAN)
    return found


def changed(root: Path, cohorts: dict[str, str], encoder: dict[str, str]) -> str:
    PoolRecord(cohorts, encoder).write(Campaign(root).pool)
    now = made_records.snapshot(root, State.PLANNED)
    return told(StateError, lambda: snapshots.check_frozen(now))


def test_a_cohort_that_waits_does_not_come_into_a_round_at_work(
    tmp_path: Path, cohorts: dict[str, str]
) -> None:
    first = {"000": cohorts["000"]}
    PoolRecord(first, first).write(Campaign(tmp_path).pool)
    snapshots.check_frozen(made_records.snapshot(tmp_path, State.PLANNED))
    assert changed(tmp_path, cohorts, first) == (
        "data/pool.json changed since round 0 was planned, which froze it: wanted digest"
        f" {snapshots.pool_digest(first)}, got {snapshots.pool_digest(cohorts)}; put it back: git"
        " checkout -- data/pool.json"
    )


def test_the_encoder_of_a_round_at_work_stays(tmp_path: Path, cohorts: dict[str, str]) -> None:
    first = {"000": cohorts["000"]}
    text = (
        "data/pool.json changed since round 0 was planned, which froze it: wanted an encoder of the"
        " cohorts 000, as they count, got {}; put it back: git checkout -- data/pool.json"
    )
    for encoder, got in ((cohorts, "000, 001"), ({"000": "0"}, "000"), ({}, "none")):
        assert changed(tmp_path, first, encoder) == text.format(got)


def test_a_pool_without_the_first_cohort_is_another(
    tmp_path: Path, cohorts: dict[str, str]
) -> None:
    """One that a closed round was planned with."""
    PoolRecord({"001": cohorts["001"]}, {}).write(Campaign(tmp_path).pool)
    now = made_records.snapshot(tmp_path, number=1)
    got = snapshots.pool_digest({"000": "none"})
    assert f", got {got}; " in told(StateError, lambda: snapshots.check_frozen(now))


def test_a_plan_that_was_dropped_let_more_count(tmp_path: Path, cohorts: dict[str, str]) -> None:
    PoolRecord(cohorts, cohorts).write(Campaign(tmp_path).pool)
    snapshots.check_frozen(made_records.snapshot(tmp_path, number=1))


def test_a_manifest_that_is_gone(tmp_path: Path, cohorts: dict[str, str]) -> None:
    first = {"000": cohorts["000"]}
    manifest(Campaign(tmp_path).samples, 0).unlink()
    assert changed(tmp_path, first, first) == (
        "data/samples/000.jsonl changed since a round was planned with it, which froze it: wanted"
        f" digest {cohorts['000']}, got no file; put it back: dvc checkout data/samples.dvc"
    )
