"""Keep the models of a site, and read the one in use.

`store.models` has `relevance-<when>.json` for each model that was used, and `current`, a line that names the one in
use. They are derived: without them the prior scores.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime

from aggregator.errors import ModelFileError
from aggregator.store.files.models import ModelFiles
from scoring.learning.trial import Trial, content_of
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration
from scoring.relevance.model import RelevanceModel, load_prior
from scoring.relevance.weights import Weights

log = logging.getLogger(__name__)

KEPT_FILES = 30
_CURRENT = "current"


def keep(trial: Trial, model: RelevanceModel, now: datetime, models: ModelFiles) -> None:
    """Save *model*, which *trial* found to be better, and make it the current one; delete the oldest files."""
    assert trial.local is not None
    assert trial.candidate is not None
    assert trial.running is not None
    file = model_file.ModelFile(
        kind="relevance",
        name=model.version,
        window=trial.window,
        measures={"candidate": asdict(trial.candidate), "running": asdict(trial.running)},
        provenance={"trained_at": now.isoformat(), "labels": trial.labels, "relevant": trial.relevant},
        content=content_of(model.prior, trial.local, model.labels, model.calibration),
        versions=model_file.versions(),
    )
    name = f"relevance-{now:%Y%m%dT%H%M%SZ}.json"
    models.write(name, model_file.text_of(file))
    use(models, name)
    for old in _names(models)[:-KEPT_FILES]:
        models.remove(old)


def use(models: ModelFiles, file_name: str) -> None:
    """Make a file of `history` the current model."""
    models.write(_CURRENT, file_name + "\n")


def use_prior(models: ModelFiles) -> None:
    """Score with the model that ships with the program."""
    models.remove(_CURRENT)


def current(models: ModelFiles) -> RelevanceModel:
    """Return the model in use; if it cannot be read, log a warning and return the prior."""
    try:
        name = models.read(_CURRENT)
    except ModelFileError as error:
        log.warning("%s; scoring with the shipped prior", error)
        return load_prior()
    if name is None:
        log.info("no model has been trained here yet; scoring with the shipped prior")
        return load_prior()
    try:
        return load(models, name.strip())
    except ModelFileError as error:
        log.warning("%s; scoring with the shipped prior until then", error)
        return load_prior()


def load(models: ModelFiles, name: str) -> RelevanceModel:
    """Return the model in a file that `train` wrote; ModelFileError when it cannot be used."""
    return _model(_read(models, name), models.label(name))


def _read(models: ModelFiles, name: str) -> model_file.ModelFile:
    text = models.read(name)
    if text is None:
        raise ModelFileError(
            f"the model file {models.label(name)} cannot be read: there is none; `groundswell train` makes a new one"
        )
    return model_file.parse(text, "relevance", models.label(name))


def _names(models: ModelFiles) -> list[str]:
    """Return the names of the model files, oldest first."""
    return [name for name in models.names() if name.startswith("relevance-") and name.endswith(".json")]


def _model(file: model_file.ModelFile, label: str) -> RelevanceModel:
    prior = load_prior().prior
    try:
        made_for = file.content["prior"]
        local = Weights.from_data(file.content["local"])
        labels = int(file.content["labels"])
        calibration = Calibration(float(file.content["slope"]), float(file.content["offset"]))
        if labels < 0 or not calibration.slope >= 0:
            raise ValueError("a number out of range")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"the model file {label} is broken: {error!r}; `groundswell train` makes a new one"
        ) from error
    if made_for != model_file.digest(prior.as_data()):
        raise ModelFileError(
            f"the model file {label} was made for the prior of another version; `groundswell train` makes a new one"
        )
    return RelevanceModel(file.name, prior, local, labels, calibration)


def chosen(models: ModelFiles) -> str:
    """Return the name of the model in use, to notice a change; "" for the prior."""
    try:
        return (models.read(_CURRENT) or "").strip()
    except ModelFileError:
        return ""


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A saved model."""

    file_name: str
    in_use: bool
    file: model_file.ModelFile | None
    """None when it cannot be read."""
    message: str = ""
    """Why it cannot be read."""


def history(models: ModelFiles) -> list[KeptModel]:
    """Return the saved models, newest first."""
    in_use = chosen(models)
    results: list[KeptModel] = []
    for name in reversed(_names(models)):
        try:
            results.append(KeptModel(name, name == in_use, _read(models, name)))
        except ModelFileError as error:
            results.append(KeptModel(name, name == in_use, None, str(error)))
    return results
