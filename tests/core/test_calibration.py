import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from labelcycle.core import calibration
from labelcycle.core.calibration import calibration_error, fitted_temperature
from labelcycle.core.threads import one_thread


def test_the_error_by_hand() -> None:
    """Two in the last bin, half of them right; one alone, wrong; one at 0.6, right."""
    confidence = np.array([0.95, 0.97, 0.5, 0.6])
    right = np.array([True, False, False, True])
    expected = (abs(0.95 + 0.97 - 1) + 0.5 + 0.4) / 4
    assert calibration_error(confidence, right) == pytest.approx(expected)


def test_the_upper_end_belongs_to_a_bin() -> None:
    """1/3 closes the fifth bin of 15, where 0.3 lies too; 0 and 1 lie in the first and last."""
    confidence = np.array([0.3, 5 / 15, 0.0, 1.0])
    right = np.array([True, False, False, True])
    assert calibration_error(confidence, right) == pytest.approx(abs(0.3 + 1 / 3 - 1) / 4)


def noisy(m: int, wrong: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes far apart, `wrong` of the labels of which are drawn anew."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, m)
    hidden = 4 * np.eye(3)[labels] + rng.standard_normal((m, 3))
    drawn = rng.random(m) < wrong
    return hidden.astype(np.float32), np.where(drawn, rng.integers(0, 3, m), labels)


def test_the_temperature_has_the_least_error_of_the_grid() -> None:
    hidden, labels = noisy(120, 0.3)
    lots = np.random.default_rng(1).random(120)
    found = fitted_temperature(hidden, labels, lots)
    order = np.lexsort([lots, labels])
    logits, right = calibration._held_out(hidden[order].astype(float), labels[order])
    errors = {
        t: calibration_error(softmax(logits / t, axis=1).max(axis=1), right)
        for t in calibration.TEMPERATURES
    }
    assert errors[found] == pytest.approx(min(errors.values()))
    assert (calibration.TEMPERATURES[0], calibration.TEMPERATURES[-1]) == (1.0, 19.9)


def test_a_model_that_is_too_sure_is_tempered() -> None:
    """Of 30 dimensions, two mean something: 40 labels are learnt by heart."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((40, 30))
    labels = (hidden[:, 0] + 2 * rng.standard_normal(40) > 0).astype(np.int64)
    assert fitted_temperature(hidden.astype(np.float32), labels, rng.random(40)) > 2


def test_nobody_is_asked_about_a_sample_it_was_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[float], set[float]]] = []
    real = calibration._fit_and_ask

    def spied(hidden, labels, asked):  # type: ignore[no-untyped-def]
        seen.append((set(hidden[:, 0]), set(asked[:, 0])))
        return real(hidden, labels, asked)

    monkeypatch.setattr(calibration, "_fit_and_ask", spied)
    hidden, labels = noisy(31, 0.2)
    fitted_temperature(hidden, labels, np.random.default_rng(1).random(31))
    assert len(seen) == 3
    assert all(not fitted & asked for fitted, asked in seen)
    assert set.union(*(asked for _, asked in seen)) == set(hidden[:, 0])


@pytest.mark.parametrize(
    "labels",
    [[], [0] * 30, [0, 1] * 4, [0] * 29 + [1], [0] * 20 + [1, 2, 3]],
    ids=["none", "one class", "eight", "a class with one", "classes with one"],
)
def test_too_little_to_tell_from_leaves_the_model_as_it_is(labels: list[int]) -> None:
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((len(labels), 3)).astype(np.float32)
    assert fitted_temperature(hidden, np.array(labels, dtype=int), rng.random(len(labels))) == 1


def test_classes_with_one_label_beside_larger_ones_do_no_harm() -> None:
    hidden, labels = noisy(30, 0.2)
    labels[:2] = 5, 7
    assert 1 <= fitted_temperature(hidden, labels, np.arange(30) / 30) < 20


def test_a_fit_that_is_nearly_done_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    real = LogisticRegression.fit

    def broken_off(self, *given):  # type: ignore[no-untyped-def]
        return real(self.set_params(max_iter=1), *given)

    monkeypatch.setattr(LogisticRegression, "fit", broken_off)
    hidden, labels = noisy(31, 0.2)
    classes, logits = calibration._fit_and_ask(hidden, labels, hidden)
    assert logits.shape == (31, len(classes))


def test_the_order_of_the_rows_does_not_matter() -> None:
    hidden, labels = noisy(60, 0.4)
    lots = np.random.default_rng(2).random(60)
    order = np.random.default_rng(3).permutation(60)
    with one_thread():
        assert fitted_temperature(hidden, labels, lots) == fitted_temperature(
            hidden[order], labels[order], lots[order]
        )


@pytest.mark.parametrize("classes", [2, 3])
def test_two_classes_are_fitted_with_half_the_penalty(classes: int) -> None:
    """As the linear learner does: scikit-learn gives two classes one row of weights for both."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = np.arange(30) % classes
    hidden = rng.normal(size=(30, 4)) + labels[:, None]
    found, values = calibration._fit_and_ask(hidden, labels, hidden)
    strength = (2 if classes == 2 else 1) * 3000 / 30
    model = LogisticRegression(C=strength, max_iter=1000).fit(hidden, labels)
    wanted = model.decision_function(hidden)
    assert found.tolist() == list(range(classes))
    if classes == 2:
        wanted = np.column_stack([np.zeros(30), wanted])
    np.testing.assert_allclose(values, wanted, rtol=1e-6)
