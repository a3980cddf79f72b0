"""Four pollers and a scorer as separate processes at the same time produce the site of one process with SQLite.

The network decides which of two polls ends first, so the order of arrivals may differ between runs. The scorer settles
it; one process then polls the same documents in that order, and everything else has to be equal. IDs have gaps where
polls were committed out of order, so entries are compared by their names.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import islice
from pathlib import Path

import pytest

from aggregator.model import Config, Edit, Entry, Reason, ReasonKind
from aggregator.model.clock import SteppedClock
from aggregator.polling.poller import Poller
from aggregator.site.config_watcher import ConfigWatch
from aggregator.store import Store
from aggregator.store.cluster.leases import shard_of
from bench._stream import rows
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.postgres.cluster import Cluster
from tests.postgres.feeds import Feeds, served
from tests.postgres.test_fleet import Fleet, until

POLLERS, SOURCES, ROUNDS, ENTRIES_A_ROUND = 4, 32, 8, 50
IDS = frozenset(("entry_id", "story_id", "lead_entry_id", "merged_into"))

STORIES_IN = {
    ReasonKind.CAME_WITH: 0,
    ReasonKind.LEFT: 0,
    ReasonKind.TOOK_IN: 0,
    ReasonKind.BECAME_PART_OF: 0,
    ReasonKind.WENT_TO: 1,
    ReasonKind.CAME_FROM: 1,
}
"""Reasons that mention a story, and which of their values it is."""

Order = list[tuple[datetime, str]]
"""When a poll that brought something counts as stored, and of which source it was."""

Name = tuple[str, str]
"""Of an entry in any database: its source, and what it is known by there."""


@dataclass(frozen=True)
class Round:
    """What is published at one moment."""

    documents: Mapping[str, str]
    """Those that change, by source."""
    news: int
    """New entries and edits, with those of the rounds before."""


def publications(seed: int) -> list[Round]:
    """Return rounds of a generated stream: every changed document has new items, and some have a corrected one."""
    rng = random.Random(seed)
    stream = rows(ROUNDS * ENTRIES_A_ROUND, a_day=1_000, seed=seed)
    items: dict[str, list[dict[str, str]]] = {f"paper{number}": [] for number in range(SOURCES)}
    rounds, news = [], 0
    for _ in range(ROUNDS):
        items_of: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in islice(stream, ENTRIES_A_ROUND):
            items_of[rng.choice(list(items))].append({"title": row["title"], "summary": row["summary"]})
        for source, new in items_of.items():
            originals = [item for item in items[source] if not item["title"].startswith("Corrected")]
            if originals and rng.random() < 0.3:
                item = rng.choice(originals)
                item["title"] = f"Corrected: {item['title']}"
                news += 1
            items[source] += new
            news += len(new)
        rounds.append(Round({source: document(source, items[source]) for source in items_of}, news))
    return rounds


def document(source: str, items: list[dict[str, str]]) -> str:
    items_xml = "".join(
        f"<item><title>{escape(item['title'])}</title><link>http://{source}.example/{number}</link>"
        f"<guid>{number}</guid><description>{escape(item['summary'])}</description></item>"
        for number, item in enumerate(items)
    )
    head = f"<title>{source}</title><link>http://{source}.example/</link><description/><language>en</language>"
    return f'<rss version="2.0"><channel>{head}{items_xml}</channel></rss>'


def configure(folder: Path, feeds: Feeds) -> Path:
    sources = "".join(
        f"  - {{id: paper{number}, name: Paper {number}, owner: paper{number}.example, "
        f"url: '{feeds.url(number)}', category: world}}\n"
        for number in range(SOURCES)
    )
    path = folder / "feeds.yaml"
    path.write_text(
        f"site: {{}}\nlimits: {{allow_private: [{', '.join(feeds.hosts)}]}}\n"
        f"categories: [{{id: world, name: World}}]\nsources:\n{sources}"
    )
    return path


def publish(feeds: Feeds, source: str, text: str) -> None:
    feeds.documents[source.replace("paper", "/feed")] = text.encode()


def news(store: Store) -> int:
    return store.entries.count() + int(store._connection.value("select count(*) from entry_edits"))


def play_at_once(folder: Path, url: str, store: Store, feeds: Feeds, rounds: list[Round]) -> None:
    """Let the processes take in each round; the next one is published once all of this one is in stories."""
    fleet = Fleet(folder, url)
    shares = "select count(*) from (select poller from poll_shards group by poller having count(*) = 64) as shares"
    with ExitStack() as opened:
        opened.callback(fleet.close)
        for role in ("score", *["poll"] * POLLERS):
            fleet.start(role)
        until("the shares of the pollers", lambda: store._connection.value(shares) == POLLERS, fleet)
        for number, each in enumerate(rounds):
            for source, text in each.documents.items():
                publish(feeds, source, text)
            for source in each.documents:
                store.feeds.make_due([source])
            until(f"round {number}", is_taken_in(store, each.news), fleet)
        at_work = {
            row["shard"]: row["poller"] for row in store._connection.rows("select shard, poller from poll_shards")
        }
        assert len({at_work[shard_of(host)] for host in feeds.hosts}) == POLLERS
        assert all(process.poll() is None for process in (*fleet.pollers, *fleet.scorers))


def is_taken_in(store: Store, expected: int) -> Callable[[], bool]:
    return lambda: news(store) == expected and not store.pending_steps.count()


async def play_in_order(
    config: Config, store: Store, feeds: Feeds, rounds: list[Round], order: list[tuple[datetime, str]]
) -> None:
    """Poll and score in one process what each source published, one document per step."""
    clock = SteppedClock(order[0][0])
    documents = {
        source: iter([each.documents[source] for each in rounds if source in each.documents])
        for source in {source for _, source in order}
    }
    updater = Updater(store, config, load_prior())
    async with Poller(config, store=store, clock=clock, rng=random.Random(1)) as poller:
        for moment, source in order:
            publish(feeds, source, next(documents[source]))
            clock.at = moment
            await poller.poll_now([source])
            updater.run(moment)
    assert all(next(left, None) is None for left in documents.values())


def settled_order(store: Store) -> Order:
    """Return the order that the scorer settled."""
    sources = {entry.entry_id: entry.source_id for entry in store.entries.each()}
    order = []
    for moment, events in store.events.since(None, 10_000):
        [source] = {sources[event.entry_id] for event in events if isinstance(event, (Entry, Edit))}
        order.append((moment, source))
    return order


def site(store: Store) -> dict[str, object]:
    """Return entries, edits, stories and scores, with names instead of IDs."""
    entries = list(store.entries.each())
    names = {entry.entry_id: (entry.source_id, entry.identity) for entry in entries}
    stories = sorted((named(story, names) for story in store.stories.each()), key=str)
    ids = [story.story_id for story in store.stories.each()]
    return {
        "entries": [named(entry, names) for entry in entries],
        "edits": {
            names[entry.entry_id]: [named(edit, names) for edit in store.entries.edits(entry.entry_id)]
            for entry in entries
        },
        "stories": [story | {"trend": 0.0} for story in stories],
        "members": {names[id_]: [named(member, names) for _, member in store.memberships.of_story(id_)] for id_ in ids},
        "ledger": {names[id_]: [named(line, names) for line in store.stories.ledger(id_)] for id_ in ids},
        "front page": [names[listed.story.story_id] for listed in store.story_lists.ranked(limit=100)],
        "watermark": store.progress.watermark(),
    }


def named(value: object, names: Mapping[int, Name]) -> dict[str, object]:
    """Return the fields of a dataclass, with each ID replaced by the name of its entry."""
    assert is_dataclass(value)
    each = {field.name: getattr(value, field.name) for field in fields(value)}
    # An edit is identified by its entry and time.
    each.pop("edit_id", None)
    return {
        key: names.get(item, item) if key in IDS else told(item, names) if isinstance(item, Reason) else item
        for key, item in each.items()
    }


def told(reason: Reason, names: Mapping[int, Name]) -> list[object]:
    """Return a reason, with each story ID replaced by the name of the story's first entry."""
    values: list[object] = [told(value, names) if isinstance(value, Reason) else value for value in reason.values]
    if reason.kind in STORIES_IN:
        place = STORIES_IN[ReasonKind(reason.kind)]
        values[place] = names[int(str(reason.values[place]))]
    return [reason.kind, *values]


@pytest.mark.long
def test_pollers_at_the_same_moment_give_the_site_of_one_process(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.new_database()
    rounds = publications(seed=17)
    with served(SOURCES, answer_after_s=0.02) as feeds, ExitStack() as opened:
        path = configure(tmp_path, feeds)
        together = opened.enter_context(Store.connect(url))
        play_at_once(tmp_path, url, together, feeds, rounds)
        order = settled_order(together)

        alone = opened.enter_context(Store.open(":memory:"))
        config = ConfigWatch(path, alone, {}).start(order[0][0])
        asyncio.run(play_in_order(config, alone, feeds, rounds, order))

        later = order[-1][0] + timedelta(hours=1)
        for store in (together, alone):
            Updater(store, config, load_prior()).run(later)
        expected, actual = site(alone), site(together)
        entry_ids = [entry.entry_id for entry in together.entries.each()]
        assert entry_ids == sorted(entry_ids)
        for part in expected:
            assert actual[part] == expected[part], part
