"""A machine with a poller and the scorer loses its connection to the database: others take over, and it recovers."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.postgres.cluster import Cluster
from tests.postgres.feeds import Feeds, served
from tests.postgres.network import Link, network_of_its_own
from tests.postgres.test_fleet import PATIENCE_S, Fleet, configure, document, until

HOSTS, FEEDS = 16, 16


class Machines:
    """Two machines with a poller and a scorer each: the far one works over a link, the near one is the standby."""

    def __init__(self, folder: Path, url: str, link: Link, feeds: Feeds, store: Store) -> None:
        self._feeds = feeds
        self._store = store
        self._published = 0
        self.far, self.near = (self._fleet(folder / name, at) for name, at in (("far", link.url), ("near", url)))
        self.far_log = folder / "far" / "score.log"

    def _fleet(self, folder: Path, url: str) -> Fleet:
        folder.mkdir()
        configure(folder, self._feeds, FEEDS)
        return Fleet(folder, url)

    def start(self) -> None:
        self.far.start("score")
        until("the far scorer", self.far.holds_lock, self.far)
        for fleet, role in ((self.near, "score"), (self.far, "poll"), (self.near, "poll")):
            fleet.start(role)
        self.publish()
        until("the first entries", self.has_scored, self.near)
        until("the shares", lambda: self.shares() == [128, 128], self.near)
        assert self.far.holds_lock()

    def publish(self) -> None:
        self._published += 1
        for number in range(FEEDS):
            self._feeds.documents[f"/feed{number}"] = document(f"feed{number}", self._published)

    def has_scored(self) -> bool:
        """Make every source due again, and return whether everything published is in stories."""
        # One by one: updating all rows would deadlock with a transaction of polls.
        for number in range(FEEDS):
            self._store.feeds.make_due([f"feed{number}"])
        return bool(self._store._connection.value("select count(*) from memberships") == FEEDS * self._published)

    def shares(self) -> list[int]:
        rows = self._store._connection.rows(
            "select count(*) from poll_shards where poller is not null group by poller order by 1"
        )
        return [row[0] for row in rows]

    def entries(self) -> list[tuple[str, str]]:
        return [(entry.source_id, entry.identity) for entry in self._store.entries.each()]

    def is_everything_there(self) -> bool:
        entries = self.entries()
        return len(entries) == len(set(entries)) == FEEDS * self._published


@pytest.mark.long
@pytest.mark.parametrize("drops", [False, True], ids=["silent", "dropped"])
def test_a_machine_without_network_is_replaced_and_comes_back(postgres: Cluster, tmp_path: Path, drops: bool) -> None:
    url = postgres.new_database()
    with ExitStack() as opened:
        if drops and not (shutil.which("ip") and opened.enter_context(network_of_its_own())):
            pytest.skip("needs root, network namespaces and iproute2")
        feeds = opened.enter_context(served(HOSTS, answer_after_s=0.05))
        store = opened.enter_context(Store.connect(url))
        link = Link(url, drops=drops)
        opened.callback(link.close)
        machines = Machines(tmp_path, url, link, feeds, store)
        opened.callback(machines.near.close)
        opened.callback(machines.far.close)
        machines.start()

        link.cut()
        cut_at = time.monotonic()
        machines.publish()
        scorer_s = poller_s = noticed_s = 0.0

        def is_replaced() -> bool:
            nonlocal scorer_s, poller_s, noticed_s
            after_s = time.monotonic() - cut_at
            scorer_s = scorer_s or after_s * machines.near.holds_lock()
            poller_s = poller_s or after_s * (machines.shares() == [256])
            noticed_s = noticed_s or after_s * ("failed" in machines.far_log.read_text())
            return bool(scorer_s and poller_s) and machines.has_scored()

        until("the other machine", is_replaced, machines.near, within_s=PATIENCE_S)
        print(
            f"scorer replaced after {scorer_s:.0f} s, poller after {poller_s:.0f} s, "
            f"everything scored after {time.monotonic() - cut_at:.0f} s, noticed after {noticed_s:.0f} s"
        )
        # If packets are dropped, the far machine notices by itself; if they are acknowledged, it cannot.
        assert bool(noticed_s) == drops

        link.mend()
        machines.publish()
        until("the entries after that", machines.has_scored, machines.near)
        until("the far poller", lambda: machines.shares() == [128, 128], machines.far)
        assert machines.is_everything_there()
        assert feeds.overlaps == []
        assert "Traceback" not in machines.far_log.read_text()
