from __future__ import annotations

import io
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.model import Config, Site
from aggregator.store import Store
from scoring.engine import Engine
from scoring.relevance.model import RelevanceModel, load_prior
from scoring.replay.runner import Replayed, replay
from scoring.replay.streams import Stream
from tests.scoring.world import CONFIG, EVENTS, NOON, SOURCES


def stream(path: Path, seed: int = 1, lines: int = 150) -> Path:
    """Write a stream of the newsroom: several lines per moment, repeats, corrected titles, unusual sources."""
    rng = random.Random(seed)
    rows = []
    now = NOON
    for number in range(lines):
        now += timedelta(hours=rng.choice([0, 0, 1, 7]))
        event = rng.randrange(len(EVENTS))
        telling = rng.randrange(len(EVENTS[event]))
        title, summary = EVENTS[event][telling]
        if rng.random() < 0.2:
            title = f"Update: {title}"
        source = rng.choice([*(s.id for s in SOURCES), "Quill", "Elsewhere"])
        row = {
            "id": f"e{number}",
            "title": title,
            "summary": summary,
            "source": source,
            "url": f"https://{source.lower()}.example/{event}/{telling}",
            "first_seen": now.isoformat(),
            "content": "<p>Text<script>alert(1)</script></p>",
        }
        if rng.random() < 0.5:
            row["published"] = (now - timedelta(hours=rng.random() * 5)).isoformat()
        rows.append(json.dumps(row))
    path.write_text("\n".join(rows) + "\n")
    return path


def run(path: Path, *, config: Config = CONFIG, db: Store | None = None) -> tuple[str, str, Replayed]:
    assignments, scores = io.StringIO(), io.StringIO()
    summary = replay(Stream(path, "ts"), config, load_prior(), assignments=assignments, scores=scores, db=db)
    return assignments.getvalue(), scores.getvalue(), summary


def test_the_same_stream_gives_the_same_bytes(tmp_path: Path) -> None:
    path = stream(tmp_path / "a.jsonl")
    assert run(path) == run(path)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_store_and_updater_give_what_the_engine_alone_gives(tmp_path: Path, seed: int) -> None:
    path = stream(tmp_path / "a.jsonl", seed)
    with Store.open(tmp_path / "a.db") as db:
        stored = run(path, db=db)

        assert stored == run(path)
        assert db.entries.count() == stored[2].entries
        assert db.stories.count() == stored[2].stories
        assert all("script" not in entry.content for entry in db.entries.each())
        assert stored[2].edits > 0


def test_every_line_has_a_story_and_a_repeat_has_that_of_its_entry(tmp_path: Path) -> None:
    assignments, scores, summary = run(stream(tmp_path / "a.jsonl"))

    stories = dict(line.split("\t") for line in assignments.splitlines())
    assert len(stories) == 150 == summary.entries + summary.repeats
    assert summary.repeats > 0
    shown = [json.loads(line) for line in scores.splitlines()]
    assert [row["id"] for row in shown] == list(stories)
    assert [str(row["story"]) for row in shown] == list(stories.values())
    assert list(shown[0]) == [
        *("id", "story", "at", "score", "trend", "independent_sources", "category", "provisional"),
    ]


def test_the_result_for_an_entry_does_not_depend_on_later_entries(tmp_path: Path) -> None:
    full = stream(tmp_path / "a.jsonl")
    lines = full.read_text().splitlines(keepends=True)
    # Cut between two moments: entries of one moment are one step.
    cut = next(
        n for n in range(75, 150) if json.loads(lines[n])["first_seen"] != json.loads(lines[n - 1])["first_seen"]
    )
    half = tmp_path / "half.jsonl"
    half.write_text("".join(lines[:cut]))

    early, late = run(half), run(full)

    assert late[0].startswith(early[0])
    assert late[1].startswith(early[1])


def test_it_runs_without_any_configured_source_or_category(tmp_path: Path) -> None:
    _, scores, summary = run(stream(tmp_path / "a.jsonl"), config=Config(Site(), (), ()))
    assert {json.loads(line)["category"] for line in scores.splitlines()} == {""}
    assert summary.stories > 0


def test_a_stream_without_sources_does_not_take_everyone_for_one_publisher(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"title": t, "summary": s, "ts": 1_800_000_000 + n * 60} for n, (t, s) in enumerate(EVENTS[0])]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    assignments, _, _ = run(path)

    assert len({line.split("\t")[1] for line in assignments.splitlines()}) == 1


def test_retraining_runs_once_a_day(tmp_path: Path) -> None:
    days = []

    def retrain(engine: Engine, now: datetime) -> RelevanceModel | None:
        days.append(now.date())
        return None

    replay(Stream(stream(tmp_path / "a.jsonl")), CONFIG, load_prior(), retrain=retrain)

    assert len(days) == len(set(days)) > 5


def test_a_database_with_entries_is_refused(tmp_path: Path) -> None:
    path = stream(tmp_path / "a.jsonl")
    with Store.open(":memory:") as db:
        run(path, db=db)
        with pytest.raises(StoreError, match="of its own"):
            run(path, db=db)
