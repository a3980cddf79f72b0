"""The shared nouns: frozen values that every layer uses.

    feeds.yaml -> config      Source, Category, Limits, Config
    a request  -> polling     Fetched, NotModified or Failed; FeedState remembers
    a document -> entries     Draft -> Arrival -> Entry, and Edit when it changes
    an editor  -> decisions   Decision, Undo; with Entry and Edit the engine's Event
    scoring    -> stories     Story, Membership, Contribution, LedgerLine, Changes, Ranking
               -> reasons     Reason: why, as a kind and values
    pages      -> sources     SourceHealth, HostLedger

Holds no behaviour beyond what follows from a value itself. How values come about is for the modules that make
them, how they are kept for `store`. Every `datetime` is aware and in UTC (`time.utc`).
"""

from __future__ import annotations

from aggregator.model.config import (
    AlertRule,
    Alerts,
    AlertTarget,
    AnalysisSettings,
    Backups,
    Category,
    Config,
    Defaults,
    DigestSettings,
    Limits,
    MeaningSettings,
    NamedList,
    OperatorAlarms,
    PollLimits,
    QuietHours,
    Retention,
    RuleEffect,
    ScoringSettings,
    SignIn,
    Site,
    Source,
    StoryRule,
)
from aggregator.model.decisions import Decision, DecisionKind, Event, Undo
from aggregator.model.entries import (
    BACKLOG_AGE,
    CLOCK_TOLERANCE,
    Arrival,
    DocumentMemory,
    Draft,
    Edit,
    Embedding,
    Enclosure,
    Entry,
    KnownEntry,
    ParsedFeed,
    Picture,
)
from aggregator.model.polling import Failed, FailureKind, FeedState, Fetched, Hints, NotModified, Outcome, Validators
from aggregator.model.reasons import NO_REASON, Reason, ReasonKind, because
from aggregator.model.sources import HostLedger, HubStatus, SourceHealth
from aggregator.model.stories import (
    PLACES,
    Cause,
    Changes,
    Contribution,
    Impression,
    LedgerLine,
    Listed,
    Membership,
    Ranking,
    Story,
    Topic,
    Vote,
    follow_merges,
    place_of,
)
from aggregator.model.time import Clock, utc

__all__ = [
    "BACKLOG_AGE",
    "CLOCK_TOLERANCE",
    "NO_REASON",
    "PLACES",
    "AlertRule",
    "AlertTarget",
    "Alerts",
    "AnalysisSettings",
    "Arrival",
    "Backups",
    "Category",
    "Cause",
    "Changes",
    "Clock",
    "Config",
    "Contribution",
    "Decision",
    "DecisionKind",
    "Defaults",
    "DigestSettings",
    "DocumentMemory",
    "Draft",
    "Edit",
    "Embedding",
    "Enclosure",
    "Entry",
    "Event",
    "Failed",
    "FailureKind",
    "FeedState",
    "Fetched",
    "Hints",
    "HostLedger",
    "HubStatus",
    "Impression",
    "KnownEntry",
    "LedgerLine",
    "Limits",
    "Listed",
    "MeaningSettings",
    "Membership",
    "NamedList",
    "NotModified",
    "OperatorAlarms",
    "Outcome",
    "ParsedFeed",
    "Picture",
    "PollLimits",
    "QuietHours",
    "Ranking",
    "Reason",
    "ReasonKind",
    "Retention",
    "RuleEffect",
    "ScoringSettings",
    "SignIn",
    "Site",
    "Source",
    "SourceHealth",
    "Story",
    "StoryRule",
    "Topic",
    "Undo",
    "Validators",
    "Vote",
    "because",
    "follow_merges",
    "place_of",
    "utc",
]
