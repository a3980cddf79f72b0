"""What feeds.yaml makes of an entry: whose voice it is, and what it says of a category.

Knows owners, default categories and the categories' words. Leaves what editors correct to `rulings`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from aggregator.model import Config, Entry
from scoring.categories.classifier import Categorizer, Evidence, Lesson
from scoring.categories.prior import load_category_prior
from scoring.clustering import copies
from scoring.engine import snapshot
from scoring.language.terms import terms


class Setting:
    """The configuration as the engine's rooms ask it; `configure` changes it for all of them."""

    def __init__(self, config: Config) -> None:
        self.configure(config, ())

    def configure(self, config: Config, lessons: Iterable[Lesson]) -> None:
        """Go by *config* from now on, and by what editors taught."""
        self.config = config
        self.categorizer = Categorizer(config.categories, prior=load_category_prior()).fit(lessons)
        self._owners = copies.Owners(config)
        self._defaults = {source.id: source.category for source in config.sources}

    @property
    def kind(self) -> str:
        """Which checkpoints can be read with it: those of the same program and settings."""
        decides = (
            self.config.categories,
            self.config.scoring.window,
            sorted((source.id, source.category, source.owner) for source in self.config.sources),
        )
        return f"{snapshot.program()}-{hashlib.sha256(repr(decides).encode()).hexdigest()[:16]}"

    def owner(self, source_id: str) -> str:
        """Return whose voice a source is, where it speaks for itself."""
        return self._owners.of_source(source_id)

    def owner_of(self, entry: Entry) -> str:
        """Return whose voice an entry has, where it speaks for itself: its publisher's, else its source's."""
        return self._owners.of_entry(entry.source_id, entry.link, entry.origin_url)

    def default(self, source_id: str) -> str:
        """Return the category of a source, "" for one that has none or is not configured."""
        return self._defaults.get(source_id, "")

    def evidence(self, source_id: str, title: str, summary: str, link: str) -> Evidence:
        """Return what a text of a source says of its category."""
        by_prior = self.categorizer.by_prior(title, summary, link)
        return self.categorizer.evidence(terms(title), terms(summary), self.default(source_id), by_prior)
