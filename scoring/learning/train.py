"""Learn from the site's own past, and keep the new model if it is not worse.

`train` takes examples from the store, `trial` decides, and `model_store` saves the model. "Relevant" is defined in
`labels`; the caller decides when to train.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.model import Config, Entry, Membership
from aggregator.store import Store
from aggregator.translatable import Translatable
from scoring.engine import Engine
from scoring.learning.click_feedback import interest
from scoring.learning.labels import Example, Past, examples, from_first_midnight, histories
from scoring.learning.model_store import current, keep
from scoring.learning.trial import attempt, fit
from scoring.metrics.probability import Measures
from scoring.relevance.model import RelevanceModel

WINDOW = timedelta(days=90)
"""How far back training looks: news from a year ago says little about today."""

MAX_ENTRIES = 100_000
"""Only the newest are used; this many train in 35 CPU s and 570 MB (docs/dev/relevance.md)."""


class Learner:
    """Trains daily in a replay, as a site does, on the replay's own past alone."""

    def __init__(self, config: Config, seed: int = 0) -> None:
        self._config = config
        self._seed = seed
        self.past = Past(lambda source_id: "" if (s := config.source(source_id)) is None else s.category)
        """The observer of each step."""
        self.fitted = 0
        """How many models were adopted."""

    def __call__(self, engine: Engine, now: datetime) -> RelevanceModel | None:
        """Return a better model than the one that scores, or None."""
        labelled = self.past.examples(self._config.scoring.top_share, now, now - WINDOW)
        better = fit(labelled, now, engine.model, self._seed)
        self.fitted += better is not None
        return better


@dataclass(frozen=True, slots=True)
class TrainReport:
    """The result of a training."""

    message: Translatable
    swapped: bool
    version: str
    """The version in use afterwards."""
    entries: int
    """Entries read."""
    labels: int
    relevant: int
    candidate: Measures | None = None
    running: Measures | None = None


def train(
    store: Store,
    config: Config,
    now: datetime,
    seed: int = 0,
) -> TrainReport:
    """Learn from the stories in *store*, and save the new model in it if it is not worse.

    The same store at the same *now* gives the same file, byte for byte.
    """
    running = current(store.models)
    votes = {vote.story_id: vote.up for vote in store.feedback.votes() if vote.voted_at <= now}
    shown = store.feedback.impressions((now - WINDOW).date(), now.date())
    labelled, entries = past(store, config, now, votes, interest(shown))
    trial = attempt(labelled, now, running, seed)
    if trial.model is not None:
        keep(trial, trial.model, now, store.models)
    return TrainReport(
        message=trial.message,
        swapped=trial.model is not None,
        version=(trial.model or running).version,
        entries=entries,
        labels=trial.labels,
        relevant=trial.relevant,
        candidate=trial.candidate,
        running=trial.running,
    )


def past(
    store: Store,
    config: Config,
    now: datetime,
    votes: Mapping[int, bool] | None = None,
    interests: Mapping[int, float] | None = None,
) -> tuple[list[Example], int]:
    """Return the examples of the stories in *store* at *now*, and the number of entries read.

    votes:     by the story that was voted on; a vote for a merged story counts for the one that absorbed it
    interests: by story, see `interest`
    """

    def text_of(entry: Entry) -> tuple[str, str]:
        edits = store.entries.edits(entry.entry_id) if entry.edited_at is not None else []
        return (edits[0].title_before, edits[0].summary_before) if edits else (entry.title, entry.summary)

    def category_of(source_id: str) -> str:
        source = config.source(source_id)
        return "" if source is None else source.category

    newest: deque[tuple[Entry, Membership]] = deque(maxlen=MAX_ENTRIES)
    for entry, membership in store.memberships.between(now - WINDOW, now):
        newest.append((replace(entry, content="", tags=(), picture=None), membership))
    if not newest:
        return [], 0
    stories = from_first_midnight(histories(newest, category_of, text_of), newest[0][0].first_seen_at)
    now_of = {entry.entry_id: membership.story_id for entry, membership in newest}
    voted = {now_of.get(story_id, story_id): up for story_id, up in (votes or {}).items()}
    return examples(stories, config.scoring.top_share, now, voted, interests), len(newest)
