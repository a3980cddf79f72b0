"""Training on the site's own past: what is learned, when it is used, and when nothing changes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.model import Draft
from aggregator.parse.identity import digest
from aggregator.store import Arrival, Store
from aggregator.store.files.models import ModelFiles, ModelFolder, ModelsInMemory
from scoring.learning.fitting import WeightLearner
from scoring.learning.labels import Example
from scoring.learning.model_store import current, history, load, use
from scoring.learning.train import past, train
from scoring.learning.trial import attempt, fit
from scoring.relevance.model import load_prior
from tests.scoring.press import CONFIG, DAY, HOUR, MONDAY, publish, signals

NOW = MONDAY + 16 * DAY


@pytest.fixture(scope="module")
def site() -> Iterator[Store]:
    """A site of two weeks, on which some headlines are always widely covered."""
    with Store.open(":memory:") as store:
        publish(store, days=14)
        yield store


@pytest.fixture
def models(site: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFiles:
    """An empty folder for the site's models during one test."""
    folder = ModelFolder(tmp_path)
    monkeypatch.setattr(site, "models", folder)
    return folder


@pytest.fixture(scope="module")
def learned(site: Store) -> list[Example]:
    """The model trained on that site."""
    return past(site, CONFIG, NOW)[0]


def test_a_site_learns_what_is_widely_covered_there(site: Store, models: ModelFiles) -> None:
    report = train(site, CONFIG, NOW)

    assert report.swapped
    assert report.candidate
    assert report.candidate.auc
    assert report.running
    assert report.candidate.log_loss < report.running.log_loss
    assert report.candidate.auc > 0.9
    model = current(models)
    assert model.version == report.version != load_prior().version
    big, small = signals("Zefiro prezentas roboto sensilo 7"), signals("Plejbonaj ofertoj por roboto sensilo 7")
    assert model.score(big).relevance > model.score(small).relevance + 0.2
    assert not model.score(big).provisional


def test_training_twice_gives_the_same_bytes(site: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        monkeypatch.setattr(site, "models", ModelFolder(tmp_path / name))
        train(site, CONFIG, NOW)

    (first,), (second,) = ((tmp_path / name).glob("relevance-*.json") for name in ("a", "b"))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_a_model_read_from_its_file_scores_as_the_one_that_was_learned(
    learned: list[Example], site: Store, models: ModelFiles
) -> None:
    train(site, CONFIG, NOW)
    in_memory = fit(learned, NOW, load_prior())
    assert in_memory

    for example in learned[:50]:
        assert current(models).score(example.signals) == in_memory.score(example.signals)


def test_the_prior_is_used_until_a_model_is_trained(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert current(ModelsInMemory()) is load_prior()

    assert "no model has been trained here yet" in caplog.text


@pytest.mark.parametrize(
    "fault", ["truncated", "other version", "missing", "other prior", "no weights", "negative slope"]
)
def test_an_unusable_model_file_is_reported_and_the_prior_is_used(
    site: Store, models: ModelFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    train(site, CONFIG, NOW)
    (path,) = tmp_path.glob("relevance-*.json")
    data = json.loads(path.read_text("utf-8"))
    match fault:
        case "truncated":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "other version":
            path.write_text(json.dumps(data | {"version": 99}), "utf-8")
        case "missing":
            path.unlink()
        case "other prior":
            rewrite(path, data, prior="0" * 64)
        case "no weights":
            rewrite(path, data, local=None)
        case "negative slope":
            rewrite(path, data, slope=-1.0)

    assert current(models) is load_prior()

    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert str(path) in record.message
    assert "scoring with the shipped prior" in record.message


def rewrite(path: Path, data: dict[str, Any], **content: object) -> None:
    """Write a file with a correct digest and incorrect content."""
    from scoring.relevance.model_file import digest

    body = {name: data[name] for name in data if name not in ("format", "version", "sha256")}
    body["content"] = body["content"] | content
    path.write_text(json.dumps(data | body | {"sha256": digest(body)}), "utf-8")


def test_stored_models_are_listed_and_an_older_one_can_be_activated(
    site: Store, models: ModelFiles, tmp_path: Path
) -> None:
    first = train(site, CONFIG, NOW - 3 * DAY)
    train(site, CONFIG, NOW)
    (tmp_path / "relevance-20200101T000000Z.json").write_text("x")

    records = history(models)
    use(models, records[-2].file_name)

    assert records[-1].file is None
    assert "is broken" in records[-1].message
    assert records[-2].file
    assert records[-2].file.name == first.version
    assert current(models).version == first.version


# No later information


def test_nothing_that_came_later_changes_what_is_learned_now() -> None:
    with Store.open(":memory:") as short, Store.open(":memory:") as long:
        publish(short, days=12)
        publish(long, days=12)
        publish_later(long)
        now = MONDAY + 11 * DAY

        assert past(short, CONFIG, now) == past(long, CONFIG, now)


def publish_later(store: Store) -> None:
    """Add entries after the twelfth day to old stories, and edit an old title."""
    at = MONDAY + 20 * DAY
    (entry, _), *_ = store.memberships.between(None, at)
    draft = Draft(guid=entry.identity, link=entry.link, title="Changed afterwards", summary="Changed")
    arrival = Arrival(draft, entry.identity, entry.link, digest(draft), 2)
    with store.transaction():
        store.entries.edit(entry.entry_id, arrival, at)
        new = Draft(guid="new", link="https://paper1.example/new", title="New", summary="")
        store.entries.add("paper1", [Arrival(new, "new", new.link, digest(new), 1)], at)


def test_training_uses_titles_as_they_arrived() -> None:
    with Store.open(":memory:") as store:
        publish(store, days=4)
        entries = [entry for entry, _ in store.memberships.between(None, NOW)]
        with store.transaction():
            for i, entry in enumerate(entries):
                draft = Draft(guid=entry.identity, link=entry.link, title="Edited", summary="Edited")
                store.entries.edit(
                    entry.entry_id, Arrival(draft, entry.identity, entry.link, digest(draft), 1), NOW + i * HOUR
                )

        examples, _ = past(store, CONFIG, NOW)

        assert examples
        assert all(example.signals.title != "Edited" for example in examples)


def test_the_first_day_of_a_site_teaches_nothing(learned: list[Example]) -> None:
    # The backlog of the feeds arrived at once; it is not the news of a day.
    assert min(example.day for example in learned) == "2026-06-02"


def test_examples_after_now_are_not_looked_at(learned: list[Example]) -> None:
    now = MONDAY + 9 * DAY
    early = [example for example in learned if example.signals.at <= now]

    full, part = attempt(learned, now, load_prior()), attempt(early, now, load_prior())

    assert full.message == part.message


# When nothing changes


def test_a_lack_of_training_data_is_reported() -> None:
    with Store.open(":memory:") as store:
        report = train(store, CONFIG, NOW)
        assert store.models.names() == []

    assert not report.swapped
    assert report.message.startswith("there are no labelled stories yet")
    assert report.version == load_prior().version


def test_too_little_data_is_reported() -> None:
    with Store.open(":memory:") as store:
        publish(store, days=3)
        report = train(store, CONFIG, NOW)

    assert not report.swapped
    assert report.message.startswith("too little to learn from")


def constant(count: int, relevant: float) -> list[Example]:
    """Return labelled stories over ten days, all with the same outcome."""
    return [
        Example(signals(f"Zefiro roboto {i}", first=MONDAY + i * HOUR), relevant, story_id=i + 1) for i in range(count)
    ]


@pytest.mark.parametrize(
    ("relevant", "expected"), [(1.0, "all of them are relevant"), (0.0, "none of them is relevant")]
)
def test_labels_of_one_class_are_reported(relevant: float, expected: str) -> None:
    trial = attempt(constant(240, relevant), NOW, load_prior())

    assert trial.model is None
    assert expected in trial.message


def test_a_site_on_which_no_day_can_tell_learns_from_the_shares(learned: list[Example]) -> None:
    # Only widely covered stories have a label; of all others, one in thirty is known to have had a place.
    shares = [replace(e, relevant=1.0 if e.relevant == 1.0 else 1 / 30) for e in learned]
    at_first = [e for i, e in enumerate(shares) if e.relevant == 1.0 or i % 2] * 2
    several = [replace(e, story_id=i) for i, e in enumerate(at_first)]

    trial = attempt(several, NOW, load_prior())

    assert trial.labels == trial.relevant > 0
    assert trial.model
    assert trial.candidate
    assert trial.candidate.auc
    assert trial.candidate.ndcg_at_10 is None


def test_labels_of_two_days_are_too_few_to_split() -> None:
    rows = [replace(e, relevant=float(i % 3 == 0)) for i, e in enumerate(constant(240, 1.0))]
    squeezed = [
        replace(e, signals=signals(e.signals.title, first=MONDAY + (i % 48) * HOUR)) for i, e in enumerate(rows)
    ]

    assert "fewer than 3 days" in attempt(squeezed, NOW, load_prior()).message


def test_a_model_that_would_be_worse_is_not_used(learned: list[Example]) -> None:
    good = fit(learned, NOW, load_prior())
    assert good
    # The site changes: on the older days everything was the opposite.
    newest = sorted({e.day for e in learned})[-3]
    turned = [replace(e, relevant=1.0 - e.relevant) if e.day < newest else e for e in learned]

    trial = attempt(turned, NOW, good)

    assert trial.model is None
    assert trial.message.startswith("the new model would be worse")


def test_a_source_with_one_entry_and_entries_without_summary_are_learned_from(learned: list[Example]) -> None:
    bare = [replace(e, signals=replace(e.signals, summary="", source_ids=(f"once{i}",))) for i, e in enumerate(learned)]

    model = fit(bare, NOW, load_prior())
    assert model
    assert model.local

    assert not [name for name in model.local.others if name.startswith("source:")]


def test_using_an_unfitted_model_raises() -> None:
    with pytest.raises(AttributeError):
        _ = WeightLearner().weights_


def test_coverage_never_counts_against_a_story_even_where_the_data_says_so(learned: list[Example]) -> None:
    # The relevant stories are those with one source.
    contrary = [replace(e, relevant=float(len(e.signals.voices) == 1)) for e in learned]

    weights = WeightLearner().fit(contrary).weights_

    assert all(w >= 0 for name, w in weights.others.items() if name.startswith(("coverage:", "velocity:")))


def test_a_fractional_label_counts_in_both_classes() -> None:
    story = signals("robot", first=MONDAY)
    shared = [Example(story, 0.25)] * 8
    split = [Example(story, 1.0)] * 2 + [Example(story, 0.0)] * 6

    a, b = (WeightLearner(min_documents=1).fit(rows).weights_ for rows in (shared, split))

    assert a.base == pytest.approx(b.base, abs=1e-3)


def test_other_scripts_are_learned_from() -> None:
    rows = [
        Example(
            signals(f"某公司发布新芯片{i}" if i % 2 else f"Рецепт пирога {i}", first=MONDAY + i * HOUR), float(i % 2)
        )
        for i in range(60)
    ]

    weights = WeightLearner().fit(rows).weights_

    assert weights.title["芯片"] > 0 > weights.title["рецепт"]


def test_load_refuses_files_that_are_not_models() -> None:
    from aggregator.errors import ModelFileError

    with pytest.raises(ModelFileError, match="cannot be read"):
        load(ModelsInMemory(), "none.json")


def test_a_day_of_waiting_is_all_it_takes(site: Store) -> None:
    # The examples of a day appear when the following day is over, and stay.
    before, _ = past(site, CONFIG, MONDAY + 5 * DAY - timedelta(seconds=1))
    after, _ = past(site, CONFIG, MONDAY + 5 * DAY)

    assert max(e.day for e in before) == "2026-06-03"
    assert [e for e in after if e.day < "2026-06-04"] == before
    assert max(e.day for e in after) == "2026-06-04"
