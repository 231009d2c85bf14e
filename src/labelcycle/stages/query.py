"""Stage `query`: the samples that this round asks people for, and why."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import sample_files, sample_groups
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.selection_record import RoundSelection, SelectedSample
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import length_variance, run_strategy, strategies
from labelcycle.core.group_limit import GroupLimit
from labelcycle.core.one_line_warnings import Advice
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.registry import parse_options
from labelcycle.stages.pool_files import read_features, read_pool, rounded, sound_pool
from labelcycle.stages.train import last_layer, model_seen


class Options(base.Options):
    """Which samples a round asks for, and how many."""

    strategy: str = Field("trustherding", description="which samples; see `labelcycle strategies`")
    budget: int = Field(50, ge=1, description="labels bought in one round")
    options: dict[str, Any] = Field(
        default_factory=dict, description="the strategy's own options, where not the default"
    )
    per_group: int | None = Field(
        None,
        ge=1,
        description="at most so many picks of a group (ingest.group) in one round; null: no limit",
    )


def run(
    campaign: Campaign,
    options: Options,
    classes: tuple[str, ...],
    rng: np.random.Generator,
) -> None:
    """Write work/selection.json: strategy, budget, all options, and the samples, best first.

    `stood_in` names the strategy that picked because the model had nothing to say, or is null.
    """
    module = strategies.get(options.strategy)
    settings = parse_options(module.Options, options.options, f"strategy {options.strategy}")
    ids, pool = read_pool(campaign, classes, clusters=True, probabilities=True, own_features=True)
    samples = sample_files.read_samples(campaign.samples, "pool")
    asked = one_of_twins(pool, samples)
    budget = options.budget if asked is pool else min(options.budget, int(asked.available.sum()))
    if options.strategy != "random" and getattr(settings, "normalise", True):
        _tell_of_lengths(pool.features)
    with sound_pool():
        selection = selected(
            asked,
            options.strategy,
            settings,
            budget,
            rng,
            lambda: last_layer(
                campaign, model_seen(campaign, "pool", read_features(campaign, "pool")[1])
            ),
            group_limit(samples, options.per_group),
        )
    _tell_of_fewer(options, selection)
    if len(np.unique(pool.labels[pool.labeled])) > 1:  # else no model has anything to say
        _tell_who_stood_in(options.strategy, selection)
    record = RoundSelection(
        strategy=options.strategy,
        stood_in=selection.stood_in,
        budget=options.budget,
        options=settings.model_dump(mode="json"),
        samples=selected_samples(ids, selection),
    )
    record.write(campaign.selection)


def _tell_of_lengths(features: NDArray[np.floating]) -> None:
    text = length_variance.remark(features)
    if text:
        warnings.warn(
            f"{text}; if lengths should count, write `normalise: false` into cluster,"
            " query.options and train.options, with a strategy and a learner that have it",
            Advice,
            stacklevel=2,
        )


def one_of_twins(pool: Pool, samples: Sequence[Sample]) -> Pool:
    """The pool without all but the first of samples to pick that show nearly the same picture.

    So nobody is asked the same twice in one round. samples : in the order of rows
    """
    if not any(sample.group for sample in samples):
        return pool
    first: dict[str, int] = {}
    for row in np.flatnonzero(pool.available).tolist():
        first.setdefault(samples[row].picture, row)
    available = np.zeros_like(pool.available)
    available[list(first.values())] = True
    return replace(pool, available=available)


def group_limit(pool: Sequence[Sample], most: int | None) -> GroupLimit | None:
    """The limit of picks, where there is one; `pool` in the order of rows.

    Samples that show nearly the same picture are of one group, too.
    """
    if most is None:
        return None
    numbers = np.unique(sample_groups.components(pool), return_inverse=True)[1]
    return GroupLimit(numbers.astype(np.int64), most)


def _tell_of_fewer(options: Options, selection: Selection) -> None:
    if len(selection.rows) < options.budget:
        why = "one of near twins a round"
        if options.per_group is not None:
            why = f"query.per_group: {options.per_group}"
        warnings.warn(
            f"{why} leaves {len(selection.rows)} samples to pick,"
            f" and query.budget is {options.budget}: this round asks for fewer",
            Advice,
            stacklevel=2,
        )


def _tell_who_stood_in(strategy: str, selection: Selection) -> None:
    if selection.stand_ins:
        which = "the samples" if selection.stood_in else "most samples"
        warnings.warn(
            f"{strategy}: the model says the same of {which} that are left; its cold start strategy"
            f" picks {selection.stand_ins} of {len(selection.rows)}",
            Advice,
            stacklevel=2,
        )


def selected(
    pool: Pool,
    strategy: str,
    options: base.Options,
    budget: int,
    rng: np.random.Generator,
    head: Callable[[], Head],
    limit: GroupLimit | None = None,
) -> Selection:
    """The picks of a round.

    head : of the current model, asked only if the strategy needs it; limit : of picks of a group
    """
    if "head" in strategies.get(strategy).NEEDS:
        pool = replace(pool, head=head())
    return run_strategy.select(strategy, pool, budget, rng, options, limit)


def selected_samples(ids: list[str], selection: Selection) -> tuple[SelectedSample, ...]:
    """The picks in order of rank; floats with six significant digits."""
    return tuple(
        SelectedSample(
            sample=ids[row],
            rank=rank,
            score=rounded(float(selection.score[rank])),
            why={name: rounded(column[rank]) for name, column in selection.why.items()},
        )
        for rank, row in enumerate(selection.rows)
    )
