"""What a tracker is told of a round's data, by values."""

from pathlib import Path

import made_records

from labelcycle.adapters.ports import DataSet
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.plan_record import PlanDigests
from labelcycle.cycle import log_round


def test_the_pool_is_known_by_its_plan_whatever_waits(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    campaign.data.mkdir()
    plan = made_records.plan(digests=PlanDigests("", "0123", "", ""), pool=24)
    metrics = made_records.metrics(labels=4, holdout=6)
    for digest in ("of one cohort", "of two cohorts"):
        for name in ("samples", "labels"):
            record = f"outs:\n- md5: {digest}\n  path: {name}\n"
            (campaign.data / f"{name}.dvc").write_text(record)
        assert log_round._data(campaign, plan, metrics) == {
            "pool": DataSet("data/samples", "0123", 24),
            "labels": DataSet("data/labels", digest, 4),
            "hold-out": DataSet("data/holdout.jsonl", "none", 6),
        }
