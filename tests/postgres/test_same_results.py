"""The same polls give the same stories, scores and pages on either database."""

from __future__ import annotations

from aggregator.store import Store
from tests.postgres.cluster import Cluster
from tests.scoring.updater.test_updater import filled, picture, updater
from tests.scoring.world import HOUR, decide, newsroom, publish


def tell(store: Store) -> None:
    """Store and score a few days: some entries change, an editor decides, some polls are committed out of order."""
    polls = newsroom(11)
    running = updater(filled(store))
    for number, poll in enumerate(polls):
        now, arrivals, source = poll
        if number % 5 == 4 and arrivals:
            with store.transaction():
                store.entries.add(source, arrivals, now - 30 * HOUR)
                store.pending_steps.add_poll(source, now - 30 * HOUR)
        else:
            publish(store, poll, "Correction:" if number % 7 == 3 else "")
        running.run(now)
        if number % 6 == 5:
            decide(store, number, now)
            running.run(now)


def test_polls_edits_and_decisions_give_the_same_stories_in_both_databases(postgres: Cluster) -> None:
    with Store.open(":memory:") as expected, Store.connect(postgres.emptied_database()) as store:
        tell(expected)
        tell(store)
        assert picture(store) == picture(expected)
        assert store.events.since(None, 1_000) == expected.events.since(None, 1_000)


def test_a_rebuild_and_a_restart_agree_with_what_ran(postgres: Cluster) -> None:
    with Store.connect(postgres.emptied_database()) as store:
        tell(store)
        live = picture(store)
        again = updater(store)
        again.run(newsroom(11)[-1][0])
        assert picture(store) == live
        again.rebuild(newsroom(11)[-1][0])
        assert picture(store) == live
