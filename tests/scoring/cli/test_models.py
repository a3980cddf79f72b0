"""`groundswell models`: trained models, the active one, and going back."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli.options import Front
from aggregator.errors import GroundswellError, ModelFileError
from aggregator.store import Store
from aggregator.store.files.models import ModelFiles, ModelFolder, ModelsInMemory
from aggregator.store.sqlite.copies import models_folder
from aggregator.translatable import Translatable, read_back
from groundswell.scorer import Scorer
from scoring.cli.commands import train as train_command
from scoring.cli.models import models
from scoring.learning.model_store import current, history
from scoring.learning.train import train
from tests.scoring.press import CONFIG, DAY, MONDAY, publish


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a site that has trained twice."""
    path = tmp_path_factory.mktemp("site") / "g.db"
    with Store.open(path) as store:
        publish(store, 30)
        for hours in (0, 1):
            train(store, CONFIG, MONDAY + 33 * DAY + timedelta(hours=hours))
    return path


def models_of(db: Path) -> ModelFiles:
    """Return the models beside a database."""
    return ModelFolder(models_folder(db))


def test_the_list_shows_window_measures_and_which_is_in_use(db: Path) -> None:
    shown = CliRunner().invoke(models, ["list", "--db", str(db)])
    report = json.loads(CliRunner().invoke(models, ["list", "--db", str(db), "--json"]).stdout)

    assert shown.exit_code == 0, shown.output
    assert "AUC" in shown.output
    assert shown.output.splitlines()[0].startswith("* relevance-")
    assert [row["in_use"] for row in report] == [True, *[False] * (len(report) - 1)]


def test_an_earlier_model_and_the_prior_can_be_used_again(db: Path) -> None:
    newest, *_, oldest = [record.file_name for record in history(models_of(db))]

    CliRunner().invoke(models, ["use", oldest, "--db", str(db)], catch_exceptions=False)
    assert [record.file_name for record in history(models_of(db)) if record.in_use] == [oldest]

    CliRunner().invoke(models, ["use", "prior", "--db", str(db)], catch_exceptions=False)
    assert current(models_of(db)).version.startswith("prior")

    CliRunner().invoke(models, ["use", newest, "--db", str(db)], catch_exceptions=False)
    assert [record.file_name for record in history(models_of(db)) if record.in_use] == [newest]


def test_a_running_worker_takes_up_the_model_that_was_chosen(db: Path) -> None:
    newest = history(models_of(db))[0].file_name
    CliRunner().invoke(models, ["use", "prior", "--db", str(db)], catch_exceptions=False)

    async def choose() -> list[str]:
        scorer, now = Scorer(db, CONFIG), MONDAY + 34 * DAY
        results = []
        for name in ("", newest, "prior"):
            if name:
                CliRunner().invoke(models, ["use", name, "--db", str(db)], catch_exceptions=False)
            await scorer.follow_model(now)
            results.append(scorer.model_version)
        await scorer.close()
        return results

    first, chosen, back = asyncio.run(choose())
    CliRunner().invoke(models, ["use", newest, "--db", str(db)], catch_exceptions=False)

    assert first == back == current(ModelsInMemory()).version
    assert chosen == current(models_of(db)).version != first


def test_a_model_that_is_not_there_or_broken_is_refused_and_changes_nothing(db: Path) -> None:
    (models_folder(db) / "relevance-20200101T000000Z.json").write_text("nonsense", "utf-8")
    before = current(models_of(db)).version

    none = CliRunner().invoke(models, ["use", "x.json", "--db", str(db)])
    broken = CliRunner().invoke(models, ["use", "relevance-20200101T000000Z.json", "--db", str(db)])

    assert isinstance(none.exception, GroundswellError)
    assert isinstance(broken.exception, ModelFileError)
    assert current(models_of(db)).version == before
    assert "broken" in CliRunner().invoke(models, ["list", "--db", str(db)]).output
    (models_folder(db) / "relevance-20200101T000000Z.json").unlink()


def test_the_outcome_of_a_training_is_stored_for_the_page_of_models(tmp_path: Path) -> None:
    db, feeds = tmp_path / "g.db", tmp_path / "feeds.yaml"
    feeds.write_text("sources: [{id: a, url: 'https://a.example/f'}]\n")
    with Store.open(db) as store:
        store.state.set("train_said", "the database cannot be used now")
        done = CliRunner().invoke(
            train_command,
            ["--db", str(db), "--feeds", str(feeds)],
            obj=Front(lambda: MONDAY, {}),
            catch_exceptions=False,
        )
        message = read_back(store.state.get("train_said") or "")
    assert isinstance(message, Translatable)
    assert done.output == f"{message}\n"
