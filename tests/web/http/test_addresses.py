from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.newsroom import Newsroom
from web.http import clients
from web.http.addresses import SiteAddresses
from web.request.services import services


@pytest.fixture
def addresses(make_app: Callable[..., Flask], edition_db: Path) -> SiteAddresses:
    return services(make_app(edition_db)).addresses


@pytest.mark.parametrize(
    ("path", "query", "canonical"),
    [
        ("/", "x=1", ""),
        ("/", "utm_source=a&fbclid=b", ""),
        ("/icon-512.png", "x=1", ""),
        ("/about", "page=2", ""),
        ("/newest", "page=2&sort=score&x=1", "sort=score&page=2"),
        ("/newest", "sort=score&page=2", "sort=score&page=2"),
        ("/newest", "sort=score&sort=newest", "sort=score"),
        ("/newest", "window=&page=", ""),
        ("/search", "x=1&q=two+words", "q=two+words"),
        ("/search", "q=two%20words", "q=two+words"),
        ("/search.rss", "q=%E4%BA%9A", "q=%E4%BA%9A"),
        ("/search", "q=a%26b%3Dc", "q=a%26b%3Dc"),
        ("/static/site.css", "v=abc&x=1", "v=abc"),
        ("/api/v1/stories", "limit=5&limit=6", "limit=5&limit=6"),
        ("/nothing", "x=1", ""),
    ],
)
def test_only_parameters_that_a_page_reads_make_it_another_page(
    addresses: SiteAddresses, path: str, query: str, canonical: str
) -> None:
    assert addresses.canonical(path, query) == (path, canonical)


def test_a_query_that_is_too_long_is_left_for_the_application_to_refuse(addresses: SiteAddresses) -> None:
    assert addresses.canonical("/", "x=" + "a" * 5_000)[1].startswith("x=aaa")


@pytest.mark.parametrize(
    ("path", "query", "costly"),
    [
        ("/", "", False),
        ("/newest", "page=9", False),
        ("/newest", "page=10", True),
        ("/newest", "page=99999999999999999999", True),
        ("/", "page=10", False),
        ("/search", "", True),
        ("/search.atom", "q=a", True),
        ("/at/2026-01-01T00:00Z", "", True),
        ("/card/1-abc.png", "", True),
        ("/story/1/name", "", False),
        ("/healthz", "", False),
    ],
)
def test_costly_requests_are_recognised_by_their_address(
    addresses: SiteAddresses, path: str, query: str, costly: bool
) -> None:
    assert addresses.is_costly(path, query) is costly


def test_copies_of_a_page_are_not_made(site: FlaskClient, room: Newsroom) -> None:
    room.story("One", ["seedbed"])
    room.rank()
    first = site.get("/?x=1")
    assert {site.get(f"/?x={i}").headers["ETag"] for i in range(5)} == {first.headers["ETag"]}


@pytest.mark.parametrize(
    ("peer", "address"),
    [("192.0.2.1:5000", "192.0.2.1"), ("[2001:db8::1]:80", "2001:db8::1"), ("[::ffff:192.0.2.1]:9", "192.0.2.1")],
)
def test_the_address_of_a_peer(peer: str, address: str) -> None:
    assert clients.host_of_peer(peer) == address


@pytest.mark.parametrize(
    ("values", "proxies", "entry"),
    [
        (["198.51.100.7"], 1, "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7"], 1, "198.51.100.7"),
        (["203.0.113.9", "198.51.100.7"], 1, "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7"], 2, "203.0.113.9"),
        (["198.51.100.7"], 2, ""),
        ([], 1, ""),
    ],
)
def test_only_our_own_proxies_are_believed(values: list[str], proxies: int, entry: str) -> None:
    assert clients.forwarded(values, proxies) == entry


def test_a_client_is_an_ipv4_address_or_the_64_of_an_ipv6_one() -> None:
    assert clients.network("192.0.2.1") == "192.0.2.1"
    assert clients.network("2001:db8:1:2:3::4") == clients.network("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert clients.network("2001:db8:1:3::4") != clients.network("2001:db8:1:2::4")
    assert clients.network("::ffff:192.0.2.1") == "192.0.2.1"
    assert clients.network("unknown") == "unknown"
