"""The only SQL: parameters go in, domain objects come out.

`Store` opens the database and has one small object per topic: `feeds`, `entries`, `stories`, `search`, `feedback`,
`decisions`, `state`. Writes that belong together go inside `store.transaction()`. The tables are in `schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from aggregator.errors import StoreError, StoreFault
from aggregator.model import Arrival
from aggregator.store.alerts import Alarms, AlertMessages
from aggregator.store.cluster.jobs import JobQueue
from aggregator.store.cluster.leases import PollLeases
from aggregator.store.connection import Connection
from aggregator.store.derived.counterfactuals import Counterfactuals
from aggregator.store.derived.engine_snapshot import EngineSnapshots, StoredSnapshot, UpdateProgress
from aggregator.store.derived.front_pages import FrontPages
from aggregator.store.derived.growth import Growth
from aggregator.store.derived.languages import EntryLanguages
from aggregator.store.derived.places import Places
from aggregator.store.derived.scorecards import Scorecards
from aggregator.store.derived.story_terms import SimilarStory, StoryTerms
from aggregator.store.derived.summaries import Summaries
from aggregator.store.derived.topics import Topics
from aggregator.store.editorial.config_edits import ConfigEdits, ConfigProblem
from aggregator.store.editorial.decisions import Decisions
from aggregator.store.editorial.feedback import Feedback
from aggregator.store.editorial.sessions import Actions, Sessions
from aggregator.store.editorial.story_rules import StoryRules
from aggregator.store.entries import Entries, KnownEntries
from aggregator.store.events.log import EventLog
from aggregator.store.events.past import PastFacts, Wanted
from aggregator.store.events.pending import PendingSteps
from aggregator.store.feeds import Feeds, PollRecord
from aggregator.store.meaning.embeddings import Embeddings
from aggregator.store.metrics import Metrics
from aggregator.store.readers.marks import ReaderMarks
from aggregator.store.readers.posted import PostedEntries
from aggregator.store.readers.tokens import ReaderTokens
from aggregator.store.source_status import SourceOutline, SourceStatus
from aggregator.store.sqlite.connection import SqliteConnection
from aggregator.store.state import State
from aggregator.store.stories.memberships import Memberships
from aggregator.store.stories.search import Search, SearchResult
from aggregator.store.stories.stories import Stories
from aggregator.store.stories.story_lists import ListQuery, StoryLists
from aggregator.store.websub.deliveries import HubDeliveries
from aggregator.store.websub.hub import HubRequests, HubSubscribers
from aggregator.store.websub.subscriptions import HubSubscriptions

__all__ = [
    "Arrival",
    "ConfigProblem",
    "ListQuery",
    "PollRecord",
    "SearchResult",
    "SimilarStory",
    "SourceOutline",
    "Store",
    "StoreFault",
    "StoredSnapshot",
]


class Store:
    """The database, by topic."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.models = connection.models
        self.pictures = connection.pictures
        self.feeds = Feeds(connection)
        self.entries = Entries(connection)
        self.known_entries = KnownEntries(connection)
        self.events = EventLog(connection)
        self.pending_steps = PendingSteps(connection)
        self.embeddings = Embeddings(connection)
        self.stories = Stories(connection)
        self.memberships = Memberships(connection)
        self.story_lists = StoryLists(connection)
        self.search = Search(connection, self.story_lists)
        self.websub_hub = HubSubscribers(connection)
        self.websub_requests = HubRequests(connection)
        self.feedback = Feedback(connection)
        self.story_terms = StoryTerms(connection)
        self.decisions = Decisions(connection, self.entries, self.stories, self.pending_steps)
        self.state = State(connection)
        self.config_edits = ConfigEdits(connection)
        self.progress = UpdateProgress(self.state)
        self.snapshots = EngineSnapshots(connection)
        self.topics = Topics(connection)
        self.sessions = Sessions(connection)
        self.actions = Actions(connection)
        self.scorecards = Scorecards(connection)
        self.front_pages = FrontPages(connection)
        self.summaries = Summaries(connection)
        self.counterfactuals = Counterfactuals(connection)
        self.places = Places(connection)
        self.metrics = Metrics(connection)
        self.websub_subscriptions = HubSubscriptions(connection)
        self.websub_deliveries = HubDeliveries(connection)
        self.source_status = SourceStatus(connection)
        self.alert_messages = AlertMessages(connection)
        self.alarms = Alarms(connection)
        self.reader_tokens = ReaderTokens(connection)
        self.reader_marks = ReaderMarks(connection)
        self.posted_entries = PostedEntries(connection)
        self.entry_languages = EntryLanguages(connection)
        self.growth = Growth(connection)
        self.story_rules = StoryRules(connection)

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open or create the database at *path*; `:memory:` for a temporary one.

        Raises StoreError, with a remedy, when it cannot be used.
        """
        return cls(SqliteConnection.open(path))

    @classmethod
    def connect(cls, url: str, *, hold: str = "") -> Store:
        """Open the PostgreSQL database at *url*; StoreError, with a remedy, when it cannot be used.

        hold: an advisory lock that every session of this store holds; DatabaseInUseError if another process holds it
        """
        # Imported here: psycopg is an extra.
        try:
            from aggregator.store.postgres import locks
            from aggregator.store.postgres.connection import PostgresConnection
        except ImportError as error:
            raise StoreError(
                f"DATABASE_URL names a PostgreSQL database, and psycopg is not installed ({error}); "
                "`pip install 'groundswell[postgres]'` installs it"
            ) from None
        return cls(PostgresConnection.open(url, locks.holding(hold) if hold else None))

    def poll_leases(self, name: str) -> PollLeases:
        """Return the lease of a poller with a unique *name*; PostgreSQL only."""
        return PollLeases(self._connection, name)

    def job_queue(self) -> JobQueue:
        """Return the queue of background jobs; PostgreSQL only."""
        # Imported here: both libraries are an extra.
        from aggregator.store.postgres.connection import PostgresConnection
        from aggregator.store.postgres.queue.deferring import PostgresJobQueue

        assert isinstance(self._connection, PostgresConnection)
        return PostgresJobQueue(self._connection)

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all writes inside, or none."""
        return self._connection.transaction()

    def faults(self) -> list[str]:
        """Return the errors in the database; empty if it is healthy."""
        return self._connection.maintenance.errors()

    def rebuild_search(self) -> None:
        """Rebuild the text index from the entries."""
        with self.transaction():
            self._connection.text_index.rebuild()

    def count_words(self) -> None:
        """Update the word counts for misspelled searches; some seconds for a million entries."""
        self._connection.text_index.count_words()

    def copy_to(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Copy the database with *files* to *path* while others use it; see `sqlite.copies`."""
        self._connection.maintenance.copy_to(path, files)

    def past_into(self, target: Store, wanted: Wanted) -> PastFacts:
        """Return a copier of past events into *target*, a new database, with the *wanted* entries."""
        return PastFacts(self._connection, target._connection, wanted)

    def compact(self) -> None:
        """Release unused disk space; not inside a transaction."""
        self._connection.maintenance.compact()

    def limit_cache(self, size_bytes: int) -> None:
        """Limit the cache of this connection, in bytes."""
        self._connection.maintenance.limit_cache(size_bytes)

    def displacement(self) -> str:
        """Return "deleted" or "replaced" if the database's path no longer leads to the open file, else ""."""
        return self._connection.maintenance.displacement()

    def release_journal(self) -> None:
        """Write everything into the database file, so that it can be renamed; no other process may use it."""
        self._connection.maintenance.release()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
