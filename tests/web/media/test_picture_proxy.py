from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aggregator.model import Config, Picture
from aggregator.store.files.pictures import PictureFolder
from tests.feedserver import FeedServer
from tests.web.newsroom import NOW, Newsroom, clock
from web.media.picture_proxy import MAX_FETCHES_PER_HOST, MISS_LASTS, Kind, NoTurn, PictureProxy, kind_of


def png(width: int = 640, height: int = 360, padding: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", b"x" * padding) + chunk(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x0b\x08\x01\x68\x02\x80\x01\x00\x00\x00"
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x7f\x02\x00\x67\x01\x00"
LOSSLESS = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", 639 | 359 << 14)
LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 360)


def encoded(kind: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (640, 360), "#0b4f63").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (png(), "image/png"),
        (b"GIF89a" + struct.pack("<HH", 640, 360), "image/gif"),
        (JPEG, "image/jpeg"),
        (WEBP, "image/webp"),
        (LOSSLESS, "image/webp"),
        (LOSSY, "image/webp"),
        *((encoded(kind), f"image/{kind.lower()}") for kind in ("PNG", "JPEG", "GIF", "WEBP", "AVIF")),
    ],
)
def test_a_picture_is_recognised_by_its_bytes(data: bytes, mime: str) -> None:
    assert kind_of(data) == Kind(mime, 640, 360)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n<script>",
        b"%PDF-1.4",
        b"BM" + bytes(50),
        png(1, 1),
        png(40_000, 40_000),
        png(11_000, 11_000),
    ],
)
def test_only_pictures_of_a_sane_size_are_accepted(data: bytes) -> None:
    assert kind_of(data) is None


@given(st.binary(max_size=80), st.sampled_from([b"", b"\xff\xd8\xff", b"RIFF0000WEBP", b"GIF89a", b"0000ftypavif"]))
def test_any_bytes_can_be_looked_at(data: bytes, head: bytes) -> None:
    kind_of(head + data)


# Through the site


@pytest.fixture
def elsewhere() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def site_with_pictures(
    config: Config, room: Newsroom, tmp_path: Path, make_app: Callable[..., Flask]
) -> Callable[..., FlaskClient]:
    """A reader of a site that may fetch pictures from this machine."""

    def make(config: Config = config, clock: Callable[[], datetime] = clock) -> FlaskClient:
        options = {"fallback_config": config, "private_pictures": frozenset({"127.0.0.1"})}
        return make_app(tmp_path / "news.db", clock, **options).test_client()

    return make


def show(room: Newsroom, url: str, caption: str = "", credit: str = "") -> int:
    return room.story("A story with a picture", ["techcrunch_ai"], picture=Picture(url, caption, credit))


def test_a_picture_is_proxied_and_fetched_once(
    elsewhere: FeedServer, room: Newsroom, site_with_pictures: Callable[..., FlaskClient]
) -> None:
    url = elsewhere.answer("/a.png", 200, png(), {"Content-Type": "text/html"})
    entry_id = show(room, url, caption="A <b>fab</b>", credit="Photographer")
    client = site_with_pictures()

    page = client.get("/story/" + str(entry_id), follow_redirects=True).text
    assert f'<img src="/picture/{entry_id}" alt="A fab" width="960" height="540" loading="lazy"' in page
    assert "Photographer" in page
    assert url not in page

    for _ in range(2):
        answer = client.get(f"/picture/{entry_id}")
        assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", png())
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert client.get(f"/picture/{entry_id}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert elsewhere.request_count("/a.png") == 1


def test_a_reader_comes_back_later_where_a_server_has_enough_to_do(
    elsewhere: FeedServer,
    room: Newsroom,
    site_with_pictures: Callable[..., FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(*args: object) -> None:
        raise NoTurn

    entry_id = show(room, elsewhere.answer("/a.png", 200, png()))
    monkeypatch.setattr(PictureProxy, "fetch", busy)

    answer = site_with_pictures().get(f"/picture/{entry_id}")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_file_that_is_not_a_picture_is_refused_and_not_fetched_again_soon(
    elsewhere: FeedServer, room: Newsroom, site_with_pictures: Callable[..., FlaskClient]
) -> None:
    entry_id = show(room, elsewhere.answer("/a.png", 200, b"<svg/>", {"Content-Type": "image/png"}))
    client = site_with_pictures()
    for _ in range(2):
        assert client.get(f"/picture/{entry_id}").status_code == 404
    assert elsewhere.request_count("/a.png") == 1
    later = site_with_pictures(clock=lambda: NOW + MISS_LASTS)
    assert later.get(f"/picture/{entry_id}").status_code == 404


@pytest.mark.parametrize("allowed", [(), ("127.0.0.1",)])
def test_pictures_are_never_fetched_from_private_addresses_that_feeds_may_use(
    elsewhere: FeedServer,
    config: Config,
    room: Newsroom,
    tmp_path: Path,
    make_app: Callable[..., Flask],
    allowed: tuple[str, ...],
) -> None:
    entry_id = show(room, elsewhere.answer("/a.png", 200, png()))
    config = replace(config, limits=replace(config.limits, allow_private=allowed))
    client = make_app(tmp_path / "news.db", fallback_config=config).test_client()
    assert client.get(f"/picture/{entry_id}").status_code == 404
    assert elsewhere.request_count("/a.png") == 0


def test_with_pictures_off_none_is_shown_or_fetched(
    elsewhere: FeedServer, config: Config, room: Newsroom, site_with_pictures: Callable[..., FlaskClient]
) -> None:
    entry_id = show(room, elsewhere.answer("/a.png", 200, png()))
    off = replace(config, sources=tuple(replace(source, images=False) for source in config.sources))
    client = site_with_pictures(off)
    assert "<img" not in client.get("/").text
    assert "<img" not in client.get(f"/story/{entry_id}", follow_redirects=True).text
    assert client.get(f"/picture/{entry_id}").status_code == 404
    assert elsewhere.request_count("/a.png") == 0


@pytest.mark.parametrize("path", ["/picture/0", "/picture/999999", "/picture/1x", "/picture/-1"])
def test_only_pictures_of_stored_entries_are_there(path: str, make_app: Callable[..., Flask], edition_db: Path) -> None:
    assert make_app(edition_db).test_client().get(path).status_code == 404


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[PictureProxy]:
    folder = PictureFolder(tmp_path / "pictures", max_bytes=30_000)
    pictures = PictureProxy(lambda: nullcontext(folder), private_hosts=frozenset({"127.0.0.1"}))
    yield pictures
    pictures.close()


def test_the_disk_space_is_bounded(
    elsewhere: FeedServer, config: Config, pictures: PictureProxy, tmp_path: Path
) -> None:
    for i in range(12):
        url = elsewhere.answer(f"/{i}.png", 200, png(padding=5_000))
        pictures.fetch(url, config, NOW + timedelta(seconds=i)).result(10)
        assert pictures.get(url)
        assert sum(path.stat().st_size for path in (tmp_path / "pictures").iterdir()) <= 30_000


def test_one_fetch_for_each_picture_and_a_limit_for_each_server(config: Config, pictures: PictureProxy) -> None:
    with slow_server() as (base, release, requests):
        first = pictures.fetch(f"{base}/0.png", config, NOW)
        assert pictures.fetch(f"{base}/0.png", config, NOW) is first, "who comes second waits for the same"
        others = [pictures.fetch(f"{base}/{i}.png", config, NOW) for i in range(1, MAX_FETCHES_PER_HOST)]
        with pytest.raises(NoTurn):
            pictures.fetch(f"{base}/more.png", config, NOW)
        release.set()
        for future in (first, *others):
            future.result(10)
        assert sorted(requests) == [f"/{i}.png" for i in range(MAX_FETCHES_PER_HOST)]
        assert pictures.get(f"{base}/0.png")
        pictures.fetch(f"{base}/more.png", config, NOW).result(10)


@contextmanager
def slow_server() -> Iterator[tuple[str, threading.Event, list[str]]]:
    """A server that answers with a picture once it is released."""
    release, requests = threading.Event(), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            release.wait(10)
            self.send_response(200)
            self.send_header("Content-Length", str(len(png())))
            self.end_headers()
            self.wfile.write(png())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", release, requests
    release.set()
    server.shutdown()
    server.server_close()
    thread.join()
