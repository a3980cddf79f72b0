"""What the embedding of a title adds to its worth: the fit, the file, the parts of a score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aggregator.model import Embedding
from scoring.evaluation.priors import relevance as priors
from scoring.learning import meaning_fit
from scoring.meaning.embeddings import quantize
from scoring.relevance.editorial_prior import EditorialPrior, MeaningWeights
from scoring.relevance.model import RelevanceModel, load_prior
from scoring.relevance.weights import Weights
from tests.scoring.press import signals

SIZE = 6


def vectors(count: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)
    unit: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def embedding(vector: np.ndarray, encoder: str = "small") -> Embedding:
    return Embedding(encoder, quantize(vector))


def fitted(seed: int = 0) -> tuple[np.ndarray, np.ndarray, MeaningWeights]:
    """Return unit vectors, their targets (two overlapping subjects), and the fitted weights."""
    directions = vectors(1_000, seed)
    grades = np.where(directions[:, 0] * directions[:, 1] > 0.02, 3, 0)
    target, counts = priors.meaning_targets(grades, np.full(len(grades), -1))
    coefficients = 6.0 * meaning_fit.solve(meaning_fit.kernel(directions, directions), target, counts)
    form = meaning_fit.form_of(directions, coefficients[:, None], "small")
    return directions, coefficients, MeaningWeights(text_share=0.5, base=-1.0, form=form)


def log_odds(weights: MeaningWeights, vector: Embedding) -> float:
    values = weights.form.values(vector)
    assert values is not None
    return values[0]


def test_the_weights_are_the_fitted_function_multiplied_out() -> None:
    directions, coefficients, weights = fitted()
    unseen = vectors(50, seed=1)

    exact = meaning_fit.kernel(unseen, directions) @ coefficients
    shipped = [log_odds(weights, embedding(vector)) for vector in unseen]

    assert np.corrcoef(exact, np.array(shipped))[0, 1] > 0.99
    assert np.abs(exact - np.array(shipped)).max() < 0.15


def test_they_learn_what_no_linear_form_can() -> None:
    _, _, weights = fitted()
    unseen = vectors(200, seed=2)
    worthy = unseen[:, 0] * unseen[:, 1] > 0.02
    predicted = np.array([log_odds(weights, embedding(vector)) for vector in unseen])

    better = (predicted[worthy][:, None] > predicted[~worthy][None, :]).mean()

    assert better > 0.9


def test_a_model_file_keeps_them() -> None:
    _, _, weights = fitted()
    again = MeaningWeights.from_data(weights.as_data())

    assert again.as_data() == weights.as_data()
    vector = embedding(vectors(1, seed=3)[0])
    assert again.form.values(vector) == weights.form.values(vector)


@pytest.mark.parametrize("broken", ["encoder", "offsets", "steps", "directions", "basis", "linear", "quadratic"])
def test_a_file_without_a_part_of_them_is_refused(broken: str) -> None:
    data = fitted()[2].as_data()
    del data["form"][broken]

    with pytest.raises(KeyError):
        MeaningWeights.from_data(data)


def test_a_file_with_too_few_weights_is_refused() -> None:
    data = fitted()[2].as_data()
    data["form"]["quadratic"] = data["form"]["quadratic"][:8]

    with pytest.raises(ValueError, match="reshape"):
        MeaningWeights.from_data(data)


def test_an_embedding_of_another_encoder_says_nothing() -> None:
    form = fitted()[2].form
    (vector,) = vectors(1)

    assert form.values(embedding(vector)) is not None
    assert form.values(embedding(vector, "other")) is None
    assert form.values(Embedding("small", bytes(SIZE))) is None
    assert form.values(Embedding("small", b"\1\2")) is None


def test_titles_that_were_not_encoded_count_as_unknown() -> None:
    directions = [embedding(vector) for vector in vectors(3)]

    together, encoder = meaning_fit.unit_vectors([directions[0], None, *directions[1:]])

    assert encoder == "small"
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 0, 1, 1])
    with pytest.raises(ValueError, match="no title"):
        meaning_fit.unit_vectors([None])


def small_prior() -> EditorialPrior:
    _, _, weights = fitted()
    word_weights = {"zephyr": (1.0, 2.0), "unveils": (0.5, 2.0), "chip": (-0.3, 2.0)}
    return EditorialPrior(-2.0, 0.1, word_weights, 2.0, {}, {}, {"shape:length": 0.2}, weights)


def test_a_score_has_one_part_for_meaning_and_its_points_add_up() -> None:
    model = RelevanceModel("small", Weights(base=0.0, editorial=small_prior()))
    story = signals("Zephyr unveils chip")
    best = max(vectors(200, seed=4), key=lambda vector: model.logit(replace(story, embedding=embedding(vector))))

    with_meaning = model.score(replace(story, embedding=embedding(best)))
    without = model.score(story)

    parts = {part.name: part for part in with_meaning.contributions}
    assert parts["meaning"].log_odds > 0
    assert "meaning" not in {part.name for part in without.contributions}
    assert sum(part.points for part in with_meaning.contributions) == pytest.approx(with_meaning.score)
    # Half of the words' log-odds: the rest is in the meaning.
    of_word = {part.name: part.log_odds for part in without.contributions}["word:zephyr"]
    assert parts["word:zephyr"].log_odds == pytest.approx(0.5 * of_word)


def test_a_text_that_the_prior_does_not_know_is_not_judged_by_its_meaning() -> None:
    prior = small_prior()
    vector = embedding(vectors(1, seed=5)[0])

    reading = prior.read("Recette de la soupe", embedding=vector)

    assert reading.familiarity == 0
    assert "meaning" not in reading.others


def test_the_shipped_prior_judges_by_meaning() -> None:
    editorial = load_prior().prior.editorial
    assert editorial is not None
    assert editorial.meaning is not None
    assert 0.0 < editorial.meaning.text_share < 1.5
    assert editorial.meaning.form.basis.shape == (meaning_fit.DIRECTIONS, 384)
