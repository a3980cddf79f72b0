"""What robots.txt allows: the examples of RFC 9309, and malformed files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.fetch.robots import ALLOW_ALL, DENY_ALL, read_robots


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/x", True),
        ("User-agent: *\nDisallow: /", "/x", False),
        ("User-agent: *\nDisallow:", "/x", True),
        ("User-agent: other\nDisallow: /", "/x", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Groundswell/1.0\nDisallow: /private", "/x", True),
        ("User-agent: *\nAllow: /\nUser-agent: groundswell\nDisallow: /private", "/private/x", False),
        ("User-agent: other\nUser-agent: GROUNDSWELL\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /a/b\nAllow: /a", "/a/b/c", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf?z", True),
        ("User-agent: *\nDisallow: /*?print", "/x?print=1", False),
        ("User-agent: *\nDisallow: /a$", "/a", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/café", False),
        ("User-agent: *\nDisallow: /café", "/caf%C3%A9", False),
        ("user-AGENT : * # all\ndisallow : /x # this", "/x", False),
        ("Disallow: /\nUser-agent: *\nAllow: /", "/x", True),
        ("<html>not found</html>", "/x", True),
        ("User-agent: *\nCrawl-delay: 10\nDisallow: /x", "/x", False),
    ],
)
def test_a_path_is_allowed_as_the_file_says(text: str, path: str, allowed: bool) -> None:
    assert read_robots(text).allows(f"https://a.example{path}") is allowed


def test_all_and_nothing() -> None:
    assert ALLOW_ALL.allows("https://a.example/")
    assert not DENY_ALL.allows("https://a.example/")


def test_a_pattern_of_stars_takes_no_time() -> None:
    robots = read_robots("User-agent: *\nDisallow: /" + "*a" * 400 + "b$")
    assert robots.allows("https://a.example/" + "a" * 5_000)


@given(st.text(max_size=300), st.text(max_size=40))
def test_no_file_is_an_error(text: str, path: str) -> None:
    read_robots(text).allows(f"https://a.example/{path}")
