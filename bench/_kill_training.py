"""Kill what learns, and what takes the new model into use: the old one stays until the new one is whole."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from aggregator.model import Category, Config, Draft, Site, Source
from aggregator.store import Arrival, Store
from aggregator.store.files.models import ModelFolder
from aggregator.store.sqlite.copies import models_folder
from bench._deaths import PEACEFUL, Life, steps_of
from bench._tally import Tally, opened
from bench.timelapse import content
from scoring.learning.model_store import chosen, current
from scoring.learning.train import train
from scoring.relevance.model import load_prior
from scoring.updater import Updater

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS, STORIES_PER_DAY = 20, 40
NOW = FIRST + (DAYS + 1) * DAY
LONGEST_S = 1.5
SOURCES = tuple(
    Source(f"paper{n}", f"Paper {n}", f"https://paper{n}.example/feed", "models", f"paper{n}.example") for n in range(8)
)
CONFIG = Config(Site(), (Category("models", "Models"),), SOURCES)
NAMES = [
    first + second
    for first, second in product(("bra", "kel", "mor", "tis", "vun", "zol", "dap", "rud", "wix", "hob"), repeat=2)
]
NAMES = [first + second for first, second in product(NAMES, ("da", "fen", "gal", "hir", "lo", "pek", "sum", "tor"))]
Models = dict[str, bytes]


def run(folder: Path, kills: int, seed: int = 1) -> Tally:
    """Let a site of three weeks learn until it was killed *kills* times, anew whenever a new model scores."""
    tally, rng, lives = Tally(), random.Random(seed), 0
    made = site(folder / "site.db")
    quiet = _place(folder / "quiet", made)
    Life(PEACEFUL, quiet, learn, quiet / "news.db").wait()
    steps, models, rows = steps_of(quiet), _models(quiet), content(quiet / "news.db")
    if not models:
        tally.findings.append("nothing was learned")
    while tally.killed < kills:
        lives += 1
        place = _place(folder / f"life{lives}", made)
        killed = True
        while killed:
            killed = Life(
                steps.death(rng, LONGEST_S) if tally.killed < kills else PEACEFUL, place, learn, place / "news.db"
            ).wait()
            tally.killed += killed
            tally.findings += _half_done(place, models, tally)
        after = content(place / "news.db")
        tally.findings += [f"{table} is not what it is without kills" for table in rows if after[table] != rows[table]]
        if _models(place) != models:
            tally.findings.append(f"other models than without kills: {sorted(_models(place))}")
    return tally


def site(db: Path, first: datetime = FIRST) -> Path:
    """Make a database of three weeks of news from *first* on, of which some headlines are always widely covered."""
    rng = random.Random(0)
    arrivals = []
    for number in range(DAYS * STORIES_PER_DAY):
        big = number % 10 == 0
        at = first + rng.random() * DAYS * DAY
        title = f"{'Zephyr' if big else 'Again'} {' '.join(rng.sample(NAMES, 5))}"
        voices = rng.randint(3, 6) if big else rng.choice((1, 1, 1, 2))
        # Each paper words it in its own way: the same words would be one voice, and with one other word a series.
        arrivals += [
            (
                at + rng.random() * DAY / 8,
                source,
                " ".join([*rng.sample(title.split(), 6), rng.choice(NAMES)]),
                " ".join(rng.sample(NAMES, 12)),
            )
            for source in rng.sample(SOURCES, voices)
        ]
    with Store.open(db) as store:
        store.feeds.sync(SOURCES, first)
        for number, (at, source, title, words) in enumerate(sorted(arrivals, key=lambda arrival: arrival[0])):
            summary = f"{title}, it says: {words}."
            draft = Draft(guid=f"{number}", link=f"{source.url}/{number}", title=title, summary=summary)
            with store.transaction():
                store.entries.add(source.id, [Arrival(draft, f"{number}", draft.link, f"{number}", 9)], at)
        Updater(store, CONFIG, load_prior()).run(first + (DAYS + 0.5) * DAY)
    return db


def _place(place: Path, site: Path) -> Path:
    place.mkdir()
    shutil.copy(site, place / "news.db")
    return place


def learn(db: Path) -> None:
    """Score, learn, and score with what was learned, as a worker that is started now does."""
    with Store.open(db) as store:
        models = store.models
        updater = Updater(store, CONFIG, current(models))
        updater.run(NOW)
        if not chosen(models):
            train(store, CONFIG, NOW)
            updater.use_model(current(models), NOW)
        updater.run(NOW)


def _models(place: Path) -> Models:
    return {path.name: path.read_bytes() for path in models_folder(place / "news.db").glob("*")}


def _half_done(place: Path, models: Models, tally: Tally) -> list[str]:
    """Return what a kill left that must not be: a model that is not whole, a name of none, a damaged database."""
    folder = models_folder(place / "news.db")
    results = [
        f"{name} is there and not what it is to be"
        for name in models
        if (folder / name).exists() and (folder / name).read_bytes() != models[name]
    ]
    if (name := chosen(ModelFolder(folder))) and not (folder / name).exists():
        results.append(f"{name} is in use and not there")
    with opened(place / "news.db", tally) as store:
        return results + store.faults()
