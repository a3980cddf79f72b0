"""Pictures are cached up to a number of bytes, in a folder or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.store import Store
from aggregator.store.files.pictures import KeptPictures, PictureFolder
from tests.postgres.cluster import Cluster

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
OpenPictures = Callable[[int], KeptPictures]


@pytest.fixture(params=["folder", "table"])
def pictures_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenPictures]:
    """Open an empty picture cache of that many bytes."""
    if request.param == "folder":
        yield lambda most: PictureFolder(tmp_path / "pictures", most)
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    from aggregator.store.postgres.connection import PostgresConnection
    from aggregator.store.postgres.files import PictureTable

    connection = PostgresConnection.open(cluster.emptied_database())
    yield lambda most: PictureTable(connection, most)
    connection.close()


def test_a_picture_is_returned_as_it_was_stored_last(pictures_of: OpenPictures) -> None:
    pictures = pictures_of(1_000)
    pictures.keep("a", b"first", NOON)
    pictures.keep("a", b"\x89PNG\x00", NOON)

    assert (pictures.get("a"), pictures.get("b")) == (b"\x89PNG\x00", None)


def test_the_oldest_go_when_there_are_too_many_bytes(pictures_of: OpenPictures) -> None:
    pictures = pictures_of(1_000)
    for number in range(12):
        pictures.keep(f"{number:02}", bytes(100), NOON + timedelta(seconds=number))

    remaining = [number for number in range(12) if pictures.get(f"{number:02}") is not None]
    assert remaining == list(range(12 - len(remaining), 12))
    assert 8 <= len(remaining) <= 10


def test_a_folder_that_cannot_be_written_costs_a_picture_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pictures").write_text("a file")
    pictures = PictureFolder(tmp_path / "pictures")
    pictures.keep("a", b"data", NOON)

    assert pictures.get("a") is None
    assert "a picture cannot be kept" in caplog.text


def test_a_store_keeps_pictures_beside_its_file(tmp_path: Path) -> None:
    with Store.open(tmp_path / "news.db") as store:
        store.pictures.keep("a", b"data", NOON)
    assert (tmp_path / "news.db.pictures" / "a").read_bytes() == b"data"
