"""The only SQL: parameters go in, domain objects come out.

`Store` opens the database and gives one small object a topic: `feeds`, `entries`,
`stories`, `search`, `feedback`, `decisions`, `state`. Writes that belong together go inside
`store.transaction()`. The tables are in `schema`, how they came about in `migrations`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from aggregator.model import Arrival
from aggregator.store import copies
from aggregator.store.alerts import Alarms, AlertMessages
from aggregator.store.connection import Connection
from aggregator.store.derived.counterfactuals import Counterfactuals
from aggregator.store.derived.engine_snapshot import EngineSnapshots, StoredSnapshot, UpdateProgress
from aggregator.store.derived.front_pages import FrontPages
from aggregator.store.derived.growth import Growth
from aggregator.store.derived.languages import EntryLanguages
from aggregator.store.derived.places import Places
from aggregator.store.derived.scorecards import Scorecards
from aggregator.store.derived.search import Search, SearchResult
from aggregator.store.derived.stories import ListQuery, Stories
from aggregator.store.derived.story_terms import SimilarStory, StoryTerms
from aggregator.store.derived.summaries import Summaries
from aggregator.store.derived.topics import Topics
from aggregator.store.editorial.config_edits import ConfigEdits, ConfigProblem
from aggregator.store.editorial.decisions import Decisions
from aggregator.store.editorial.feedback import Feedback
from aggregator.store.editorial.sessions import Actions, Sessions
from aggregator.store.entries import Entries, KnownEntries
from aggregator.store.events.log import EventLog
from aggregator.store.events.pending import PendingSteps
from aggregator.store.feeds import Feeds, PollRecord
from aggregator.store.meaning.embeddings import Embeddings
from aggregator.store.metrics import Metrics
from aggregator.store.readers.marks import ReaderMarks
from aggregator.store.readers.posted import PostedEntries
from aggregator.store.readers.tokens import ReaderTokens
from aggregator.store.source_status import SourceOutline, SourceStatus
from aggregator.store.state import State
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

StoreFault = sqlite3.Error
"""What a read or a write raises when the disk is full, the file is locked or damaged."""


class Store:
    """The database, by topic."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.feeds = Feeds(connection)
        self.entries = Entries(connection)
        self.known_entries = KnownEntries(connection)
        self.events = EventLog(connection)
        self.pending_steps = PendingSteps(connection)
        self.embeddings = Embeddings(connection)
        self.stories = Stories(connection)
        self.search = Search(connection, self.stories)
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

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open or create the database at *path*; `:memory:` for one of its own.

        Raises StoreError with a way out when it cannot be used.
        """
        return cls(Connection.open(path))

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all writes inside, or none."""
        return self._connection.transaction()

    def faults(self) -> list[str]:
        """Return what is wrong with the database; an empty list is a healthy one."""
        errors = [row[0] for row in self._connection.rows("pragma quick_check(20)") if row[0] != "ok"]
        errors += [
            f"{row['table']} row {row['rowid']} names a {row['parent']} that is not there"
            for row in self._connection.rows("pragma foreign_key_check")
        ]
        try:
            self._connection.run("insert into entries_fts (entries_fts, rank) values ('integrity-check', 1)")
        except sqlite3.Error as error:
            errors.append(
                f"the text index does not match the entries: {error}; `groundswell update --rebuild` fixes it"
            )
        return errors

    def rebuild_search(self) -> None:
        """Make the text indexes anew from the entries."""
        self._connection.run("insert into entries_fts (entries_fts) values ('rebuild')")

    def copy_to(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Copy the database to *path* while others go on using it, with *files* in it; see `copies`."""
        copies.write_copy(self._connection.raw, path, files)

    def compact(self) -> None:
        """Write the database file anew without the space that removed rows left; not inside a transaction.

        Readers go on meanwhile, writers wait: about a second for 100 MB. Needs as much free disk as the file has.
        """
        self._connection.run("vacuum")
        self._connection.run("pragma wal_checkpoint(truncate)")

    def displacement(self) -> str:
        """Return "deleted" or "replaced" where the database's name no longer leads to the open file, else ""."""
        return self._connection.displacement()

    def release_journal(self) -> None:
        """Write everything into the database file itself, so that it can be renamed alone; for its only user."""
        self._connection.run("pragma journal_mode=delete")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
