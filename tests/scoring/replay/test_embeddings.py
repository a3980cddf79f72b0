"""A replay with a sentence encoder: embeddings are facts, so live, rebuild and replay of an export agree."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from aggregator.cli.database import stream_line
from aggregator.model import Embedding
from aggregator.store import Store
from aggregator.store.sqlite.embedding_cache import EmbeddingCache
from scoring.meaning.cached_encoder import CachedEncoder
from scoring.relevance.model import load_prior
from scoring.replay.runner import replay
from scoring.replay.streams import Stream
from scoring.updater import Updater
from tests.scoring.meaning.concepts import ConceptEncoder
from tests.scoring.world import CONFIG, NOON, newsroom, publish


class Contrary(ConceptEncoder):
    """Another encoder, whose embeddings say that everything is the same."""

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        return super().encode(["quake"] * len(texts))


def replayed(stream: Stream, db: Store | None = None) -> tuple[str, str]:
    assignments, scores = io.StringIO(), io.StringIO()
    replay(stream, CONFIG, load_prior(), assignments=assignments, scores=scores, db=db)
    return assignments.getvalue(), scores.getvalue()


def exported(store: Store, path: Path, embeddings: bool = True) -> Path:
    path.write_text("".join(json.dumps(stream_line(entry, embeddings)) + "\n" for entry in store.entries.each()))
    return path


@pytest.fixture
def site(tmp_path: Path) -> Store:
    """A site that began without an encoder, had one, and has none now."""
    store = Store.open(":memory:")
    store.feeds.sync(CONFIG.sources, NOON)
    for number, poll in enumerate(newsroom(7, polls=12)):
        publish(store, poll)
        Updater(store, CONFIG, load_prior(), encoder=ConceptEncoder() if 3 <= number < 9 else None).run(poll[0])
    return store


def test_a_replay_of_an_export_gives_the_stories_of_the_site(site: Store, tmp_path: Path) -> None:
    stream = exported(site, tmp_path / "export.jsonl")
    contrary = Contrary("other")

    assert len({entry.embedding is None for entry in site.entries.each()}) == 2
    with Store.open(":memory:") as again:
        replayed(Stream(stream, encoder=contrary), again)
        assert stories(again) == stories(site)
        assert embeddings(again) == embeddings(site)
    assert contrary.texts == []


def stories(store: Store) -> list[tuple[int, list[int]]]:
    return [
        (story.story_id, sorted(entry.entry_id for entry, _ in store.memberships.of_story(story.story_id)))
        for story in store.stories.each()
    ]


def embeddings(store: Store) -> list[Embedding | None]:
    return [entry.embedding for entry in store.entries.each()]


def test_an_export_without_embeddings_is_encoded_again_with_and_without_a_database(site: Store, tmp_path: Path) -> None:
    stream = exported(site, tmp_path / "export.jsonl", embeddings=False)
    encoder = ConceptEncoder()

    in_memory = replayed(Stream(stream, encoder=encoder))
    assert len(encoder.texts) == site.entries.count()
    with Store.open(":memory:") as store:
        stored = replayed(Stream(stream, encoder=ConceptEncoder()), store)
        assert None not in embeddings(store)
        before = stories(store)
        Updater(store, CONFIG, load_prior(), encoder=Contrary("other")).rebuild(NOON)
        assert stories(store) == before

    assert stored == in_memory
    assert in_memory != replayed(Stream(stream, encoder=Contrary("other")))


def test_a_damaged_embedding_is_a_broken_line_with_a_reason(tmp_path: Path) -> None:
    row = {"title": "Quake in Chile", "first_seen": "2026-01-01T00:00:00Z", "encoder": "concepts"}
    path = tmp_path / "stream.jsonl"
    values = ("§", "AAAA", "AQID" * 400, "AQID")  # no Base64, zero, too long, fine
    rows = [row, *(row | {"embedding": value} for value in values)]
    path.write_text("\n".join(map(json.dumps, rows)))
    stream = Stream(path, encoder=ConceptEncoder())

    assert [line.embedding for line in stream] == [Embedding("concepts", b"\x01\x02\x03")]
    assert [fault.line for fault in stream.skipped] == [1, 2, 3, 4]


def test_what_was_encoded_once_is_read_from_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "embeddings.db"
    first, second, other = ConceptEncoder(), ConceptEncoder(), ConceptEncoder("other")
    texts = ["Quake in Chile", "", "Quake in Chile", "Ferry"]
    with EmbeddingCache(file) as cache:
        encoded = CachedEncoder(first, cache).encode(texts)
    with EmbeddingCache(file) as cache:
        assert CachedEncoder(second, cache).encode(texts) == encoded
        CachedEncoder(other, cache).encode(texts)

    assert first.texts == other.texts == ["Quake in Chile", "", "Ferry"]
    assert second.texts == []


def test_the_older_half_of_a_full_cache_goes(tmp_path: Path) -> None:
    file = tmp_path / "embeddings.db"
    with EmbeddingCache(file, max_texts=4) as cache:
        for number in range(6):
            cache.add("concepts", {str(number): b"x"})
    with EmbeddingCache(file, max_texts=4) as cache:
        assert sorted(cache.get("concepts", [str(number) for number in range(6)])) == ["4", "5"]


def test_a_cache_that_cannot_be_used_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    damaged = tmp_path / "embeddings.db"
    damaged.write_bytes(b"no database" * 1_000)
    for path in (tmp_path / "file" / "embeddings.db", damaged, None):
        encoder = ConceptEncoder()
        with EmbeddingCache(path) as cache:
            cached = CachedEncoder(encoder, cache)
            assert cached.encode(["Quake"]) == cached.encode(["Quake"])
        assert encoder.texts == ["Quake", "Quake"]
