"""The estimator keeps scikit-learn's rules, by scikit-learn's own checks, and works where estimators are used."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from striate import Linear
from striate.errors import DataError, SpecError, UnknownNameError
from striate.train import open_run

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import joblib
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

from striate.sklearn import ConvNetClassifier

pytestmark = [  # of trainings that are kept short
    pytest.mark.filterwarnings("ignore:No validation image"),
    pytest.mark.filterwarnings("ignore:.*the same value for every image"),
]
SMALL = "1x8x8: conv 16 3x3 same, relu, linear 10"
X, Y = load_digits(return_X_y=True)
TRAIN, TEST = slice(0, 700), slice(700, 1000)
SKIPPED = {"check_array_api_input": "scikit-learn makes it only where SCIPY_ARRAY_API is set"}


@pytest.fixture(scope="module")
def fitted() -> ConvNetClassifier:
    return ConvNetClassifier(SMALL, epochs=6).fit(X[TRAIN], Y[TRAIN])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_passes_scikit_learns_own_checks() -> None:
    found: list[dict[str, Any]] = check_estimator(ConvNetClassifier(epochs=5), on_fail=None, on_skip=None)
    assert {each["check_name"]: str(each["exception"]) for each in found if each["status"] == "failed"} == {}
    assert {each["check_name"] for each in found if each["status"] != "passed"} <= SKIPPED.keys()
    assert len(found) > 40


def test_it_learns_digits(fitted: ConvNetClassifier, tmp_path) -> None:
    assert fitted.score(X[TEST], Y[TEST]) > 0.85
    assert fitted.classes_.tolist() == list(range(10))
    assert open_run(fitted.save(tmp_path / "run")).data.span == (0.0, 16.0)


def test_values_beyond_those_of_the_training_are_cut_off(fitted: ConvNetClassifier) -> None:
    assert np.array_equal(fitted.predict_proba(X[TEST] * 1e6), fitted.predict_proba((X[TEST] > 0) * 16.0))


def test_pixels_of_every_form_are_one_image(fitted: ConvNetClassifier) -> None:
    cube = ConvNetClassifier(SMALL, epochs=6).fit(X[TRAIN].reshape(-1, 8, 8), Y[TRAIN])
    assert np.array_equal(cube.predict_proba(X[TEST].reshape(-1, 8, 8)), fitted.predict_proba(X[TEST]))
    shaped = ConvNetClassifier(SMALL, epochs=6, image_shape=(8, 8, 1)).fit(X[TRAIN], Y[TRAIN])
    assert np.array_equal(shaped.predict_proba(X[TEST]), fitted.predict_proba(X[TEST]))
    channels = ConvNetClassifier(SMALL, epochs=6, layout="NCHW").fit(X[TRAIN].reshape(-1, 1, 8, 8), Y[TRAIN])
    assert np.array_equal(channels.predict_proba(X[TEST].reshape(-1, 1, 8, 8)), fitted.predict_proba(X[TEST]))
    rows = ConvNetClassifier(epochs=1).fit(X[:100, :40], Y[:100])
    assert rows.fitted_.run.network.input == (1, 1, 40)
    as_bytes = ConvNetClassifier(epochs=1).fit((X[:100] * 15).astype(np.uint8), Y[:100])
    assert as_bytes.span_ is None


def test_three_grey_images_are_three_for_a_network_for_colour_too() -> None:
    found = ConvNetClassifier("3x32x32: conv 8 3x3, relu, linear 10", epochs=1).fit(X[:200], Y[:200])
    assert list(found.predict(X[:3])) == list(found.predict(X[:4]))[:3]


def test_the_last_layer_is_fitted_to_the_classes() -> None:
    some = Y < 3
    words = np.array(["zero", "one", "two"], dtype=object)[Y[some]]
    found = ConvNetClassifier(SMALL, epochs=10).fit(X[some], words)
    assert found.fitted_.run.network.layers[-1] == Linear(3)
    assert found.classes_.tolist() == ["one", "two", "zero"]
    assert found.score(X[some], words) > 0.9


def test_it_works_in_a_pipeline_a_search_and_a_cross_validation() -> None:
    pipeline = make_pipeline(MinMaxScaler(), ConvNetClassifier(SMALL, epochs=3))
    assert min(cross_val_score(pipeline, X[:600], Y[:600], cv=2)) > 0.5
    search = GridSearchCV(
        ConvNetClassifier(SMALL),
        {"epochs": [1, 4], "network": [SMALL, None], "recipe": [None, {"rate": 0.01, "batch": 32}]},
        cv=2,
    ).fit(X[:300], Y[:300])
    assert search.best_params_["epochs"] == 4
    assert search.best_estimator_.predict(X[:5]).shape == (5,)


def test_it_is_cloned_and_pickled(fitted: ConvNetClassifier) -> None:
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(X[TEST])
    with pytest.raises(NotFittedError):
        fresh.save("nowhere")
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    assert np.array_equal(joblib.load(file).predict_proba(X[TEST]), fitted.predict_proba(X[TEST]))


def test_the_random_state_is_the_seed() -> None:
    def answers(state: Any) -> np.ndarray:
        return ConvNetClassifier(SMALL, epochs=1, random_state=state).fit(X[:60], Y[:60]).predict_proba(X[:60])

    assert np.array_equal(answers(3), answers(3))
    assert np.array_equal(answers(np.random.RandomState(5)), answers(np.random.RandomState(5)))
    assert not np.array_equal(answers(3), answers(4))
    assert not np.array_equal(answers(None), answers(None))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"image_shape": (4, 4)}, DataError, r"image_shape is \(4, 4\) for rows of 64 features"),
        ({"image_shape": (64,)}, DataError, r"image_shape is \(64,\)"),
        ({"network": "lenet"}, UnknownNameError, "Did you mean 'lenet5'"),
        ({"network": "1x8x8: conv 4 3x3, rele"}, SpecError, "rele"),
        ({"network": 5}, SpecError, "5 is no network."),
        ({"span": (0, 8)}, None, ""),
    ],
)
def test_parameters_are_checked_by_fit(options: dict[str, Any], error: type[Exception] | None, text: str) -> None:
    classifier = ConvNetClassifier(**options, epochs=1)
    if error is None:
        assert classifier.fit(X[:60], Y[:60]).span_ == (0, 8)
        return
    with pytest.raises(error, match=text):
        classifier.fit(X[:60], Y[:60])
