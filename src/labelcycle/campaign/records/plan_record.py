"""`rounds/NNN/plan.json`: what a round was planned with."""

from collections.abc import Mapping
from dataclasses import dataclass

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class PlanDigests:
    """Digests of what a round stands on: owned labels, pool, settings and label schema.

    pool : of the manifests of its cohorts
    """

    owned: str
    pool: str
    params: str
    schema: str


@dataclass(frozen=True)
class Plan(Record):
    """What a round was planned with.

    campaign : the campaign's key
    labels : how many there were to train on
    files : digest of each file that the settings name, by its name in the campaign
    planned : when, ISO 8601
    cohorts : how many count in the round
    pool, holdout : samples of these cohorts
    encoder : how many cohorts, the first ones, the encoder is trained on
    """

    version = 2

    round: int
    campaign: str
    strategy: str
    budget: int
    seed: int
    labels: int
    classes: tuple[str, ...]
    planned: str
    digests: PlanDigests
    files: Mapping[str, str]
    cohorts: int
    pool: int
    holdout: int
    encoder: int
