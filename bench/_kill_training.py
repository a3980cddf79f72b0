"""Kill training and the switch to a new model: the old model stays active until the new one is complete."""

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
from bench._kill_points import NO_KILL, KillableProcess, steps_of
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
MAX_LIFE_S = 1.5
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
    """Train on three weeks of news until *kills* kills have happened, starting over once a new model is active."""
    tally, rng, attempts = Tally(), random.Random(seed), 0
    built = site(folder / "site.db")
    undisturbed = _place(folder / "undisturbed", built)
    KillableProcess(NO_KILL, undisturbed, learn, undisturbed / "news.db").wait()
    steps, models, rows = steps_of(undisturbed), _models(undisturbed), content(undisturbed / "news.db")
    if not models:
        tally.findings.append("no model was trained")
    while tally.killed < kills:
        attempts += 1
        place = _place(folder / f"life{attempts}", built)
        killed = True
        while killed:
            killed = KillableProcess(
                steps.draw_kill(rng, MAX_LIFE_S) if tally.killed < kills else NO_KILL, place, learn, place / "news.db"
            ).wait()
            tally.killed += killed
            tally.findings += _invalid_state(place, models, tally)
        after = content(place / "news.db")
        tally.findings += [f"{table} differs from a run without kills" for table in rows if after[table] != rows[table]]
        if _models(place) != models:
            tally.findings.append(f"the models differ from a run without kills: {sorted(_models(place))}")
    return tally


def site(db: Path, first: datetime = FIRST) -> Path:
    """Create a database with three weeks of news from *first* on; some headlines are always widely covered."""
    rng = random.Random(0)
    arrivals = []
    for number in range(DAYS * STORIES_PER_DAY):
        big = number % 10 == 0
        at = first + rng.random() * DAYS * DAY
        title = f"{'Zephyr' if big else 'Again'} {' '.join(rng.sample(NAMES, 5))}"
        voices = rng.randint(3, 6) if big else rng.choice((1, 1, 1, 2))
        # Each paper uses its own wording: identical texts would count as copies, and one word of difference as a
        # series.
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
        for number, (at, source, title, text) in enumerate(sorted(arrivals, key=lambda arrival: arrival[0])):
            summary = f"{title}, it says: {text}."
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
    """Score, train, and score with the new model, as a freshly started worker does."""
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


def _invalid_state(place: Path, models: Models, tally: Tally) -> list[str]:
    """Return what no kill may leave: an incomplete model, an active model without a file, a damaged database."""
    folder = models_folder(place / "news.db")
    results = [
        f"{name} is incomplete or different"
        for name in models
        if (folder / name).exists() and (folder / name).read_bytes() != models[name]
    ]
    if (name := chosen(ModelFolder(folder))) and not (folder / name).exists():
        results.append(f"{name} is active but missing")
    with opened(place / "news.db", tally) as store:
        return results + store.faults()
