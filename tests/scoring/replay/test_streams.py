from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.errors import StreamError
from scoring.replay.streams import Stream

NOON = "2026-11-17T12:00:00Z"


def written(path: Path, *rows: object) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_entry_arrives_when_first_seen_else_published_else_at_the_named_column(tmp_path: Path, name: str) -> None:
    stream = Stream(
        written(
            tmp_path / name,
            {"title": "a", "first_seen": NOON, "published": "2026-11-17T09:00:00+01:00"},
            {"title": "b", "published": "2026-11-17T12:00:01"},
            {"title": "c", "ts": datetime(2026, 11, 17, 12, 0, 2, tzinfo=UTC).timestamp()},
            {"title": "d", "ts": "1800000000.5"},
        ),
        "ts",
    )

    lines = list(stream)

    assert [(line.id, line.title, line.arrived_at.isoformat()[11:19]) for line in lines] == [
        ("0", "a", "12:00:00"),
        ("1", "b", "12:00:01"),
        ("2", "c", "12:00:02"),
        ("3", "d", "08:00:00"),
    ]
    assert lines[0].published_at == datetime(2026, 11, 17, 8, tzinfo=UTC)
    assert stream.broken == 0


def test_broken_lines_are_counted_with_their_number_and_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    deep = "[" * 100_000
    path = written(
        tmp_path / "a.jsonl",
        {"title": "a", "published": NOON},
        "{",
        "7",
        {"published": NOON},
        {"title": " ", "published": NOON},
        {"title": "no time", "published": "yesterday", "ts": float("nan")},
        {"title": "far", "ts": 1e300},
        deep,
        "",
        {"title": ["list"], "published": NOON},
        {"title": "b", "published": NOON, "summary": 5},
    )
    with path.open("ab") as file:
        file.write(b'{"title": "\xff", "published": "2026-11-17T12:00:00Z"}\n')
    stream = Stream(path, "ts")

    assert [(line.id, line.title) for line in stream] == [("0", "a"), ("10", "b")]
    assert stream.broken == 9
    assert [skipped.line for skipped in stream.skipped] == [2, 3, 4, 5, 6, 7, 8, 10, 12]
    assert stream.skipped[4].message == "no usable time in first_seen, published, ts"


def test_lines_out_of_order_come_in_order_of_arrival_ties_as_they_stand(tmp_path: Path) -> None:
    rows = [{"title": f"{n}", "id": f"x{n}", "ts": ts} for n, ts in enumerate([5, 3, 5, 3, 4])]

    assert [line.id for line in Stream(written(tmp_path / "a.jsonl", *rows), "ts")] == ["x1", "x3", "x4", "x0", "x2"]


def test_markup_in_a_title_becomes_text(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", {"title": "AT&amp;T <b>buys</b>", "published": NOON})
    assert [line.title for line in Stream(path)] == ["AT&T buys"]


def test_a_file_that_ends_in_the_middle_gives_what_it_holds(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl.gz", *({"title": f"title {n}", "published": NOON} for n in range(2_000)))
    path.write_bytes(path.read_bytes()[:-3_000])
    stream = Stream(path)

    assert 0 < len(list(stream)) < 2_000
    assert stream.broken >= 1
    assert "ends in the middle" in stream.skipped[-1].message


def test_a_missing_file_and_a_folder_give_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="cannot read the stream"):
        list(Stream(tmp_path / "none.jsonl"))
    with pytest.raises(StreamError, match="folder"):
        list(Stream(tmp_path))


def test_an_empty_file_is_an_empty_stream(tmp_path: Path) -> None:
    assert list(Stream(written(tmp_path / "a.jsonl", ""))) == []
