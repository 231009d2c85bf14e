"""How far a model's confidence may be trusted, judged on labels that it was not fitted to."""

import warnings

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.stable_order import steady

BINS = 15

FOLDS = 3

FEWEST_LABELS = 10

PENALTY = 1 / 3000
"""On half the squared weights against the mean loss: the default of the linear learner."""

TEMPERATURES = np.arange(10, 200) / 10
"""1.0 to 19.9, as in the code of UHerding's authors."""

TRUSTS = np.append(0, np.logspace(-2, 0, 21))
"""0, 0.01 to 1: what logits are multiplied by."""

Doubles = NDArray[np.float64]


def calibration_error(confidence: Doubles, right: NDArray[np.bool_]) -> float:
    """Expected calibration error, 0..1 (Guo et al., ICML 2017): mean over samples of the gap
    between confidence and share of right answers of their bin; 15 bins of equal width.

    confidence : (m,) highest probability of each sample
    right : (m,) whether the class that has it is the label
    """
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def fitted_temperature(
    hidden: NDArray[np.floating], labels: NDArray[np.int64], lots: Doubles
) -> float:
    """The temperature, 1.0 to 19.9, with the least calibration error on held-out labels.

    UHerding's authors hold out the last 30 % of the labels from a model of its own. Here each
    third is held out once, so that few labels tell more; of equals, the lowest temperature.
    1 where there is too little to tell from: fewer than 10 labels, or fewer than two classes
    with two of them.

    hidden : (m, h), what the model's last layer sees of each labelled sample
    labels : (m,) their classes
    lots : (m,) one random number each, which says into which third it goes
    """
    from scipy.special import softmax  # type: ignore[import-untyped]  # slow to import

    often = np.bincount(labels) >= 2
    if len(labels) < FEWEST_LABELS or np.count_nonzero(often) < 2:
        return 1.0
    order = np.lexsort([lots, labels])  # copies of the rows in this order: theirs does not matter
    logits, right = _held_out(hidden[order].astype(np.float64), labels[order])
    errors = [
        calibration_error(softmax(logits / temperature, axis=1).max(axis=1), right)
        for temperature in TEMPERATURES
    ]
    return float(TEMPERATURES[np.argmin(steady(np.array(errors)))])


def likeliest_trust(
    hidden: NDArray[np.floating], labels: NDArray[np.int64], lots: Doubles
) -> float:
    """What to multiply logits by, 0 to 1, so that held-out labels are likeliest.

    An inverse temperature (Guo et al., ICML 2017): the least mean log-loss of labels, each third
    of them held out from a model of its own; of equals, the lowest. 0 means that the model tells
    no more than a guess, or that there are too few labels to know. A class that the model has
    not seen counts as likely as its unlikeliest: with one label a class nothing can be trusted.

    hidden, labels, lots : as for `fitted_temperature`
    """
    from scipy.special import log_softmax  # slow to import

    often = np.bincount(labels, minlength=1) >= 2
    if np.count_nonzero(often) < 2:
        return 0.0
    order = np.lexsort([lots, labels])
    labels = labels[order]
    logits, _ = _held_out(hidden[order].astype(np.float64), labels)
    lowest = np.min(logits, axis=1, where=np.isfinite(logits), initial=np.inf)
    logits = np.where(np.isfinite(logits), logits, lowest[:, None])[:, np.unique(labels)]
    class_of_row = np.searchsorted(np.unique(labels), labels)
    losses = [
        -log_softmax(trust * logits, axis=1)[np.arange(len(class_of_row)), class_of_row].mean()
        for trust in TRUSTS
    ]
    return float(TRUSTS[np.argmin(steady(np.array(losses)))])


def _held_out(hidden: Doubles, labels: NDArray[np.int64]) -> tuple[Doubles, NDArray[np.bool_]]:
    """(m, c) logits of models that did not see the sample, and (m,) whether they are right.

    labels : rising, so that the samples of a class are spread over all thirds
    """
    logits = np.full((len(labels), int(labels.max()) + 1), -np.inf)
    folds = np.arange(len(labels)) % FOLDS
    for fold in range(FOLDS):
        held = folds == fold
        classes, values = _fit_and_ask(hidden[~held], labels[~held], hidden[held])
        logits[np.ix_(held, classes)] = values
    return logits, logits.argmax(axis=1) == labels


def _fit_and_ask(
    hidden: Doubles, labels: NDArray[np.int64], queries: Doubles
) -> tuple[NDArray[np.int64], Doubles]:
    """The classes among `labels`, and (a, c) logits of the rows `queries`."""
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    strength = 1 / (PENALTY * len(labels))
    if len(np.unique(labels)) == 2:
        strength *= 2  # as the linear learner does, and for its reason
    model = LogisticRegression(C=strength, max_iter=1000)
    with warnings.catch_warnings():  # a fit that is nearly done is good enough for a temperature
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(hidden, labels)
    values = model.decision_function(queries)
    if values.ndim == 1:  # two classes: the logit of the second against the first
        values = np.column_stack([np.zeros(len(values)), values])
    return model.classes_, values
