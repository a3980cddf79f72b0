"""The first token of a site is created once, however many sites start on one database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from aggregator.store import Store
from tests.aggregator.store.conftest import OpenStore
from web.auth.credentials import digest, make_first_token, token_file

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


def test_only_the_first_of_two_first_tokens_counts(new_store: OpenStore) -> None:
    store = new_store()

    assert store.sessions.set_first_token("a", NOON)
    assert not store.sessions.set_first_token("b", NOON)
    assert store.sessions.token_digest() == "a"


def test_the_token_that_counts_is_the_one_on_disk(tmp_path: Path) -> None:
    Store.open(tmp_path / "news.db").close()

    def start(machine: str) -> bool:
        (tmp_path / machine).mkdir()
        with Store.open(tmp_path / "news.db") as store:
            return make_first_token(store, tmp_path / machine / "news.db", NOON)

    with ThreadPoolExecutor(3) as pool:
        tokens = list(pool.map(start, "abc"))

    assert sorted(tokens) == [False, False, True]
    (file,) = (path for name in "abc" if (path := token_file(tmp_path / name / "news.db")).exists())
    with Store.open(tmp_path / "news.db") as store:
        assert store.sessions.token_digest() == digest(file.read_text().strip())
