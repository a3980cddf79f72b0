"""Keep the models of a site in a folder, and read the one in use.

The folder holds `relevance-<when>.json` for each model that was taken into use, and `current`, a line that names the
one in use. It is derived: without it the prior goes on.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from aggregator.errors import ModelFileError
from scoring.learning.trial import Trial, content_of
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration
from scoring.relevance.model import RelevanceModel, load_prior
from scoring.relevance.weights import Weights

log = logging.getLogger(__name__)

KEPT_FILES = 30


def keep(trial: Trial, model: RelevanceModel, now: datetime, out_dir: Path) -> None:
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
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"relevance-{now:%Y%m%dT%H%M%SZ}.json"
    model_file.write(path, file)
    use(out_dir, path.name)
    for old in sorted(out_dir.glob("relevance-*.json"))[:-KEPT_FILES]:
        old.unlink()


def models_dir(db: Path) -> Path:
    """Return where the models of a database are kept: beside it."""
    return db.with_name(f"{db.name}.models")


def use(out_dir: Path, file_name: str) -> None:
    """Make a file of `history` the current model."""
    model_file.replace_with(out_dir / "current", file_name + "\n")


def current(out_dir: Path) -> RelevanceModel:
    """Return the model in use; the prior, with a word in the log, when there is none that can be read."""
    try:
        name = (out_dir / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        log.info("no model was learned here yet; the prior that ships with the program scores")
        return load_prior()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("%s cannot be read: %s; the prior that ships with the program scores", out_dir / "current", error)
        return load_prior()
    try:
        return load(out_dir / Path(name).name)
    except ModelFileError as error:
        log.warning("%s; until then the prior that ships with the program scores", error)
        return load_prior()


def load(path: Path) -> RelevanceModel:
    """Return the model in a file that `train` wrote; ModelFileError, in a sentence, when it cannot be used."""
    return _model(model_file.read(path, "relevance"), path)


def _model(file: model_file.ModelFile, path: Path) -> RelevanceModel:
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
            f"the model file {path} is broken: {error!r}; `groundswell train` makes a new one"
        ) from error
    if made_for != model_file.digest(prior.as_data()):
        raise ModelFileError(
            f"the model file {path} was made for the prior of another version; `groundswell train` makes a new one"
        )
    return RelevanceModel(file.name, prior, local, labels, calibration)


def chosen(out_dir: Path) -> str:
    """Return what names the model in use, for seeing whether another was chosen: "" where it is the prior."""
    try:
        return (out_dir / "current").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A model that was in use, or is."""

    file_name: str
    in_use: bool
    file: model_file.ModelFile | None
    """None when it cannot be read."""
    message: str = ""
    """Why it cannot."""


def history(out_dir: Path) -> list[KeptModel]:
    """Return the models kept in *out_dir*, newest first."""
    name = chosen(out_dir)
    results: list[KeptModel] = []
    for path in sorted(out_dir.glob("relevance-*.json"), reverse=True):
        try:
            results.append(KeptModel(path.name, path.name == name, model_file.read(path, "relevance")))
        except ModelFileError as error:
            results.append(KeptModel(path.name, path.name == name, None, str(error)))
    return results
