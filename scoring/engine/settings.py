"""What feeds.yaml says about an entry: who owns its source, and what its text says of a category.

Knows owners, default categories and the seeds of categories. Leaves what editors correct to `overrides`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from aggregator.model import Config, Embedding, Entry
from scoring.categories.classifier import Categorizer, Correction, Evidence
from scoring.categories.prior import load_category_prior
from scoring.clustering import copies
from scoring.language.terms import terms


class SettingsSnapshot(Struct, array_like=True, frozen=True):
    """The part of feeds.yaml that the state depends on."""

    window_s: float
    categories: str
    """Digest of the categories and their seeds."""
    sources: dict[str, tuple[str, str]]
    """Default category and owner by source."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return what a state that is built with *config* depends on."""
        # Without names, addresses and polling of sources: the state does not depend on them, and they change often.
        return cls(
            config.scoring.window.total_seconds(),
            hashlib.sha256(repr(config.categories).encode()).hexdigest()[:16],
            {source.id: (source.category, source.owner) for source in config.sources},
        )

    def difference(self, now: SettingsSnapshot) -> str:
        """Return what keeps a state that was built with these settings from going on with *now*; "" for nothing.

        Added sources do not: none of their entries is part of the state yet.
        """
        if self.window_s != now.window_s:
            return "the window in feeds.yaml changed"
        if self.categories != now.categories:
            return "the categories in feeds.yaml changed"
        for source_id, settings in self.sources.items():
            if now.sources.get(source_id) != settings:
                return f"source {source_id} in feeds.yaml changed"
        return ""


class EngineSettings:
    """The configuration in the form that the engine needs; `configure` replaces it for all parts of the engine."""

    def __init__(self, config: Config) -> None:
        self.configure(config, ())

    def configure(self, config: Config, corrections: Iterable[Correction]) -> None:
        """Use *config* from now on, and train the categories again on its seeds and on editors' *corrections*."""
        self.config = config
        self.categorizer = Categorizer(config.categories, prior=load_category_prior()).fit(corrections)
        self._owners = copies.Owners(config)
        self._defaults = {source.id: source.category for source in config.sources}
        self._weights = {source.id: source.weight for source in config.sources if source.weight != 1}

    def snapshot(self) -> SettingsSnapshot:
        """Return what the engine's state depends on."""
        return SettingsSnapshot.of(self.config)

    def owner(self, source_id: str) -> str:
        """Return the owner of a source, which is its voice unless it copies another."""
        return self._owners.of_source(source_id)

    def owner_of(self, entry: Entry) -> str:
        """Return the owner of an entry: the publisher that it names, else its source's."""
        return self._owners.of_entry(entry.source_id, entry.link, entry.origin_url)

    def default(self, source_id: str) -> str:
        """Return the category of a source, "" for one that has none or is not configured."""
        return self._defaults.get(source_id, "")

    @property
    def has_weights(self) -> bool:
        """Whether any source has another weight than 1."""
        return bool(self._weights)

    def weight(self, source_id: str) -> float:
        """Return the weight of a source in the order of pages, 1 for one that is not configured."""
        return self._weights.get(source_id, 1.0)

    def evidence(
        self,
        source_id: str,
        title: str,
        summary: str,
        link: str,
        embedding: Embedding | None = None,
    ) -> Evidence:
        """Return the evidence of a source's text for each category."""
        if not self.config.categories:
            return ()
        # The shipped weights read the text and the link, the site's own seeds and corrections only the terms.
        by_prior = self.categorizer.by_prior(title, summary, link, embedding)
        return self.categorizer.evidence(terms(title), terms(summary), self.default(source_id), by_prior)
