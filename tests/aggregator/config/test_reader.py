"""Valid content of feeds.yaml, and the error messages for mistakes."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.config import KEYS, MAX_FILE_BYTES, load_config, owner_of, parse_config, yaml_tree
from aggregator.config.values.basic import AnyVariables, Kind, spelled
from aggregator.errors import ConfigError, Fault
from aggregator.model import (
    AlertRule,
    Alerts,
    AnalysisSettings,
    Backups,
    Category,
    Config,
    DigestSettings,
    Limits,
    MeaningSettings,
    OperatorAlarms,
    PollLimits,
    Retention,
    ScoringSettings,
    SignIn,
    Site,
    Source,
)

ROOT = Path(__file__).parents[3]

GOOD = """\
site:
  title: Groundswell
categories:
  - {id: science, name: Science, seeds: [genome, peer review]}
  - {id: world, name: World}
sources:
  - id: alpha
    url: https://alpha.example.com/feed.xml
    category: world
  - {id: beta_ai, url: "https://beta.example.org/rss", poll: {min: 10m}}
scoring: {window: 48h}
limits: {feed_bytes: 5MB}
"""


def faults_of(text: str, env: Mapping[str, str] | None = None) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, env=env)
    return caught.value.faults


def message_of(text: str, env: Mapping[str, str] | None = None) -> str:
    (fault,) = faults_of(text, env)
    return fault.message


def source(**keys: str) -> str:
    values = {"id": "alpha", "url": "https://example.com/feed", **keys}
    return "sources:\n  - {" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}\n"


def only_source(text: str, env: Mapping[str, str] | None = None) -> Source:
    (parsed,) = parse_config(text, env=env).sources
    return parsed


# Valid content


def test_a_complete_file_becomes_a_config() -> None:
    config = parse_config(GOOD)

    assert config.categories == (
        Category("science", "Science", ("genome", "peer review")),
        Category("world", "World"),
    )
    assert config.source("alpha") == Source(
        "alpha", "Alpha", "https://alpha.example.com/feed.xml", "world", owner="example.com"
    )
    assert config.source("beta_ai") == Source(
        "beta_ai",
        "Beta AI",
        "https://beta.example.org/rss",
        "science",
        owner="example.org",
        poll=PollLimits(min=timedelta(minutes=10)),
    )
    assert config.scoring == ScoringSettings(window=timedelta(hours=48))
    assert config.limits == Limits(feed_bytes=5_000_000)


def test_an_id_and_an_address_are_enough() -> None:
    config = parse_config("sources: [{id: a, url: https://example.com/}]")

    assert config == Config(
        Site(),
        (Category("news", "News"),),
        (Source("a", "A", "https://example.com/", "news", owner="example.com"),),
    )


def test_a_section_with_everything_commented_out_is_as_if_it_were_not_there() -> None:
    assert parse_config("site:\nsources:\ndefaults:\nlimits:\n").site == Site()


def test_sources_inherit_defaults_and_may_say_otherwise() -> None:
    config = parse_config(
        """
        categories: [{id: one}, {id: two}]
        defaults:
          {category: two, weight: 2, images: off, full_text: yes, language: de, user_agent: Tide/1,
           poll: {min: 10m, max: 2h}, headers: {X-Key: abc, X-Other: d}}
        sources:
          - {id: heir, url: https://a.example.com/}
          - {id: rebel, url: https://b.example.com/, category: one, weight: 0.5, images: on, full_text: no,
             language: "", user_agent: "", poll: {min: 1h}, headers: {x-key: zzz}}
        """
    )

    heir, rebel = config.sources
    assert heir == Source(
        "heir",
        "Heir",
        "https://a.example.com/",
        "two",
        owner="example.com",
        weight=2.0,
        poll=PollLimits(timedelta(minutes=10), timedelta(hours=2)),
        full_text=True,
        images=False,
        language="de",
        user_agent="Tide/1",
        headers=(("X-Key", "abc"), ("X-Other", "d")),
    )
    assert rebel == Source(
        "rebel",
        "Rebel",
        "https://b.example.com/",
        "one",
        owner="example.com",
        weight=0.5,
        poll=PollLimits(timedelta(hours=1), timedelta(hours=2)),
        headers=(("x-key", "zzz"), ("X-Other", "d")),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [("30s", 30), ("10m", 600), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("'90s'", 90)],
)
def test_a_duration_is_a_number_and_a_unit(written: str, meant: int) -> None:
    assert only_source(source(poll=f"{{min: {written}, max: 30d}}")).poll.min == timedelta(seconds=meant)


@pytest.mark.parametrize("written", ["10", "10 min", "m", "-5m", "1.5h", "0x10m", "9999999999m", "forever", "١٠m"])
def test_a_duration_that_can_be_misread_is_refused(written: str) -> None:
    assert "is not a duration such as 30s, 10m, 24h or 7d" in message_of(source(poll=f"{{min: {written}}}"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("10MB", 10**7), ("100kB", 10**5), ("512MiB", 2**29), ("2000000", 2 * 10**6), ("5 mb", 5 * 10**6)],
)
def test_a_size_is_a_number_of_bytes_with_or_without_a_unit(written: str, meant: int) -> None:
    assert parse_config(f"limits: {{feed_bytes: {written}}}").limits.feed_bytes == meant


def test_retention_of_entries_is_unlimited_or_a_duration() -> None:
    assert parse_config("retention: {entries: forever}").retention.entries is None
    assert parse_config("retention: {entries: 365d}").retention.entries == timedelta(days=365)


def test_words_that_yaml_takes_for_something_else_stay_text() -> None:
    config = parse_config("site: {title: 2024, language: no}\ncategories: [{id: on, seeds: [yes, 1.50, null-safety]}]")

    assert (config.site.title, config.site.language) == ("2024", "no")
    assert config.categories == (Category("on", "On", ("yes", "1.50", "null-safety")),)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert parse_config("\ufeff" + GOOD.replace("\n", "\r\n")) == parse_config(GOOD)


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("https://feeds.arstechnica.com/arstechnica/index", "arstechnica.com"),
        ("http://feeds.bbci.co.uk/news/rss.xml", "bbci.co.uk"),
        ("https://lilianweng.github.io/index.xml", "lilianweng.github.io"),
        ("https://NEWS.Example.COM.:8443/feed", "example.com"),
        ("http://127.0.0.1:9000/a.xml", "127.0.0.1"),
        ("http://[::1]/a.xml", "::1"),
        ("http://localhost/a.xml", "localhost"),
        ("https://github.io/feed", "github.io"),
    ],
)
def test_the_owner_is_the_registrable_domain(url: str, owner: str) -> None:
    assert owner_of(url) == owner
    assert only_source(source(url=f"'{url}'")).owner == owner


def test_an_owner_in_the_file_overrides_the_domain() -> None:
    assert only_source(source(owner="The Example Group")).owner == "The Example Group"


def test_a_header_takes_a_variable_from_the_environment() -> None:
    text = source(headers='{Authorization: "Bearer ${TOKEN}", X-Pair: "${A}-${A}"}')

    assert only_source(text, {"TOKEN": "s3cret", "A": "x"}).headers == (
        ("Authorization", "Bearer s3cret"),
        ("X-Pair", "x-x"),
    )


# Error messages


def test_a_fault_names_file_line_column_and_the_nearest_valid_name() -> None:
    text = GOOD.replace("category: world", "category: scince")

    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="/etc/feeds.yaml")

    assert str(caught.value) == (
        "/etc/feeds.yaml:9:15: category 'scince' is not one of science, world; did you mean 'science'?"
    )
    assert caught.value.faults == (
        Fault(9, 15, "category 'scince' is not one of science, world; did you mean 'science'?"),
    )


def test_all_errors_of_a_file_are_reported_together_in_order() -> None:
    text = """\
site: {titel: Tide, timezone: Europe/Berln}
categories:
  - {id: science}
  - {id: Wörld}
sources:
  - {id: a, url: ftp://example.com/feed}
  - {id: b, url: https://example.com/feed/, category: scince}
  - {id: b, url: http://EXAMPLE.com:80/feed#top, weight: 11}
  - {name: c, enabled: maybe}
limits: {redirects: many, tags: -1}
"""
    with pytest.raises(ConfigError) as caught:
        parse_config(text)

    assert str(caught.value).splitlines() == [
        "feeds.yaml:1:8: unknown key 'titel' in site; expected title, url, language, timezone, hub, metrics; "
        "did you mean 'title'?",
        "feeds.yaml:1:31: timezone 'Europe/Berln' is not a time zone such as UTC or Europe/Berlin; "
        "did you mean 'Europe/Berlin'?",
        "feeds.yaml:4:10: id 'Wörld' is not an id: at most 64 of a-z, 0-9, '-' and '_', "
        "beginning with a letter or digit; did you mean 'w-rld'?",
        "feeds.yaml:6:18: url 'ftp://example.com/feed' is not a web address: scheme 'ftp' is neither http nor https",
        "feeds.yaml:7:55: category 'scince' is not one of science, Wörld; did you mean 'science'?",
        "feeds.yaml:8:10: the source 'b' is already in line 7",
        "feeds.yaml:8:18: the feed 'http://EXAMPLE.com:80/feed#top' is already in line 7",
        "feeds.yaml:8:58: weight '11' is above the maximum, 10",
        "feeds.yaml:9:5: a source without 'id'",
        "feeds.yaml:9:5: a source without 'url'",
        "feeds.yaml:9:24: enabled 'maybe' is not yes or no",
        "feeds.yaml:10:21: redirects 'many' is not a whole number from 0 to 50",
        "feeds.yaml:10:33: tags '-1' is below the minimum, 0",
    ]


FAULTY = {
    # YAML itself
    "an empty file": ("", 1, 1, "the file is empty"),
    "only comments": ("# nothing\n\n", 1, 1, "the file is empty"),
    "a bracket left open": ("sources: [1, 2", 1, 15, "did not find expected ',' or ']'"),
    "a quote left open": ("site: {title: 'x", 1, 17, "not closed"),
    "two colons": ("site:\n  title: a: b", 2, 11, "put quotes around"),
    "a tab before a key": ("site:\n\ttitle: x", 2, 1, "a tab; YAML is indented with spaces"),
    "a tab after spaces": ("site:\n  title: x\n \turl: y", 3, 2, "a tab; YAML is indented with spaces"),
    "an at sign": ("site:\n  title: @home", 2, 10, "no value begins with '@'; quote it"),
    "a NUL byte": ("site:\n  title: a\0b", 2, 11, "U+0000 is not text"),
    "a lone surrogate": ("site: \ud800", 1, 7, "U+D800 is not text"),
    "an anchor": ("site: &x {title: a}", 1, 7, "anchors (&) and aliases (*)"),
    "an alias": ("site: *x", 1, 7, "anchors (&) and aliases (*)"),
    "a tag": ("site: !!python/object:os.system {}", 1, 7, "tags (!)"),
    "two documents": ("site: {}\n---\nsite: {}", 2, 1, "second document"),
    "deep nesting": ("[" * 1_000, 1, 21, "nested deeper than"),
    # Shapes
    "sign-in without users": (
        "sign_in: {header: Remote-User, proxies: [127.0.0.1]}",
        1,
        10,
        "sign_in lacks users; it needs header, users and proxies",
    ),
    "a proxy that is a name": (
        "sign_in: {header: Remote-User, users: [maria], proxies: [proxy]}",
        1,
        58,
        "is not an IP address or network",
    ),
    "a list on top": ("- a", 1, 1, "found a list; expected sections: site, categories"),
    "a word on top": ("sources", 1, 1, "found the text 'sources'"),
    "a section that does not exist": ("source: []", 1, 1, "did you mean 'sources'?"),
    "a section given twice": ("site: {}\nsite: {}", 2, 1, "the key 'site' is already in line 1"),
    "a key given twice": ("site: {title: a, title: b}", 1, 18, "is already in line"),
    "a key that is a list": ("site: {[a]: b}", 1, 8, "found a list as a key of site"),
    "a list where keys belong": ("site: [a]", 1, 7, "site is a list; expected keys and values: title"),
    "keys where a list belongs": ("sources: {a: b}", 1, 10, "expected a list"),
    "a word where a list belongs": ("categories: a", 1, 13, "expected a list"),
    "a list where text belongs": ("site: {title: [a]}", 1, 15, "title is a list; expected text"),
    "no value": ("site:\n  title:", 2, 9, "title has no value"),
    "an item with nothing in it": ("sources:\n  -", 2, 4, "source is nothing"),
    "an item that is a word": ("sources: [techcrunch]", 1, 11, "source is the text 'techcrunch'; expected keys"),
    "seeds in one text": ("categories: [{id: a, seeds: x y}]", 1, 29, "expected a list such as"),
    "headers as a list": (source(headers="[a]"), 2, 57, "expected names and values"),
    "poll as one duration": (source(poll="5m"), 2, 54, "expected keys and values: min, max"),
    # Values
    "an empty title": ("site: {title: ' '}", 1, 15, "is empty"),
    "a long title": (f"site: {{title: {'x' * 101}}}", 1, 15, "has 101 characters; at most 100"),
    "a control character": ('site: {title: "a\\0b"}', 1, 15, "a character that is not text"),
    "a bad language": ("site: {language: english please}", 1, 18, "is not a language code"),
    "a zone from a path": ("site: {timezone: ../../etc/passwd}", 1, 18, "is not a time zone"),
    "a folder of zones": ("site: {timezone: America}", 1, 18, "is not a time zone"),
    "a site with a query": ("site: {url: 'https://a.example/?b'}", 1, 13, "contains '?' or '#'"),
    "a bad number": ("alerts: {failures: 1e3}", 1, 20, "is not a whole number from 1 to 1000"),
    "not a number": (source(weight=".nan"), 2, 56, "is not a number from 0 to 10"),
    "a negative weight": (source(weight="-1"), 2, 56, "is below the minimum, 0"),
    "a huge size": ("limits: {feed_bytes: 100GB}", 1, 22, "is not between 1kB and 1GB"),
    "a made-up unit": ("limits: {feed_bytes: 10XB}", 1, 22, "is not a size such as"),
    "too long a wait": ("limits: {fetch: 999999999w}", 1, 17, "is above the maximum, 10m"),
    "an address for a host": ("limits: {allow_private: ['http://x']}", 1, 26, "write only its host"),
    "a host with a port": ("limits: {allow_private: ['x:80']}", 1, 26, "no port"),
    # Between values
    "min above max": (source(poll="{min: 2h, max: 1h}"), 2, 54, "poll.min 2h is above poll.max 1h"),
    "min above the default max": (source(poll="{min: 48h}"), 2, 54, "poll.min 2d is above poll.max 24h"),
    "defaults with min above max": ("defaults: {poll: {min: 2d}}", 1, 18, "poll.min 2d is above poll.max 24h"),
    "an unknown default category": ("defaults: {category: sport}", 1, 22, "category 'sport' is not one of news"),
    "entries that go too soon": ("retention: {entries: 24h}", 1, 22, "is below scoring.window 3d"),
    "a category given twice": ("categories: [{id: a}, {id: a}]", 1, 28, "the category 'a' is already in line 1"),
}


@pytest.mark.parametrize("text, line, column, expected", FAULTY.values(), ids=FAULTY)  # noqa: PT006
def test_an_error_is_reported_at_its_position(text: str, line: int, column: int, expected: str) -> None:
    (fault,) = faults_of(text)

    assert (fault.line, fault.column) == (line, column)
    assert expected in fault.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("feed.xml", "no http:// or https://"),
        ("/feed.xml", "no http:// or https://"),
        ("htps://example.com/", "scheme 'htps' is neither http nor https; did you mean 'http"),
        ("javascript:alert(1)", "scheme 'javascript'"),
        ("https:///feed", "no host"),
        ("https://:80/feed", "no host"),
        ("https://example.com:99999/", "is not an address: Port out of range"),
        ("https://[::1/", "is not an address"),
        ("https://exa mple.com/", "white space"),
        ("https://a..example/", "no usable host"),
        ("https://a%2e.example/", "no usable host"),
        (f"https://{'a' * 64}.example/", "no usable host"),
        (f"https://example.com/{'a' * 2_000}", "has 2020 characters; an address has at most 2,000"),
    ],
)
def test_an_address_that_no_request_can_go_to_is_refused(url: str, expected: str) -> None:
    assert expected in message_of(source(url=f"'{url}'"))


def test_an_error_message_does_not_contain_a_password() -> None:
    in_address = message_of(source(url="https://tide:s3cret@example.com/feed"))
    in_header = message_of(source(headers='{X-Key: "s3cret${"}'))
    from_environment = message_of(source(headers='{X-Key: "${KEY}"}'), {"KEY": "s3cret\nX-More: y"})

    assert "user name or password" in in_address
    assert "'X-Key' contains '${' without the name" in in_header
    assert "'X-Key' has an invalid value" in from_environment
    assert "s3cret" not in in_address + in_header + from_environment


@pytest.mark.parametrize("env", [{}, {"TOKEN": ""}])
def test_a_variable_that_is_not_set_is_named(env: dict[str, str]) -> None:
    message = message_of(source(headers='{Authorization: "Bearer ${TOKEN}"}'), env)

    assert message.startswith("the header 'Authorization' names the environment variable TOKEN, which is not set")


@pytest.mark.parametrize("name", ["Host", "content-length", "User-Agent", "If-None-Match", "'X Key'", "'X:'"])
def test_headers_that_are_not_the_operators_are_refused(name: str) -> None:
    assert message_of(source(headers=f"{{{name}: x}}")).startswith("the header ")


@pytest.mark.parametrize("id_", ["A", "-a", "a b", "a.b", "ü", "a" * 65, "''", "a/b"])
def test_an_id_has_to_be_usable_in_an_address(id_: str) -> None:
    assert "is not an id" in message_of(source(id=id_))


@pytest.mark.parametrize(
    "other", ["http://example.com/feed", "https://EXAMPLE.com/feed/", "https://example.com:443/feed#x"]
)
def test_one_feed_is_refused_under_two_ids(other: str) -> None:
    text = source() + f"  - {{id: beta, url: '{other}'}}\n"

    assert message_of(text) == f"the feed '{other}' is already in line 2"


@pytest.mark.parametrize(
    "other", ["https://example.com/Feed", "https://example.com/feed?lang=de", "https://feeds.example.com/feed"]
)
def test_two_feeds_of_one_host_are_two(other: str) -> None:
    assert len(parse_config(source() + f"  - {{id: beta, url: '{other}'}}\n").sources) == 2


def test_a_faulty_list_of_categories_makes_no_fault_of_each_source() -> None:
    assert message_of("categories: science\n" + source(category="science")).startswith("categories is the text")


def test_an_error_is_one_line_whatever_the_file_contains() -> None:
    text = 'categories: [{id: "a\\nb"}]\n' + source(category='"x\\ny"')

    with pytest.raises(ConfigError) as caught:
        parse_config(text)

    assert len(str(caught.value).splitlines()) == len(caught.value.faults) == 2


def test_telling_stops_where_nobody_reads_on() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("".join(f"key{n}: x\n" for n in range(50_000)))

    assert len(caught.value.faults) == 200
    assert str(caught.value).endswith("feeds.yaml: and more; the rest of the file was not read")


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 40)),
        "[" * 1_000_000,
        "{a: " * 300_000,
        "- " * 300_000,
        "? " * 300_000,
    ],
    ids=["aliases", "lists", "mappings", "dashes", "keys"],
)
def test_a_bomb_is_refused_quickly(bomb: str) -> None:
    begun = time.process_time()

    assert len(faults_of(bomb)) == 1
    assert time.process_time() - begun < 2


# The file on disk


def test_a_file_is_read_with_its_path_in_the_faults(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(GOOD)
    assert load_config(path, env={}) == parse_config(GOOD)

    path.write_text("sources: 1")
    with pytest.raises(ConfigError, match=re.escape(f"{path}:1:10: sources is the text '1'")):
        load_config(path, env={})


def test_a_missing_file_is_reported_with_the_way_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist; `groundswell init` creates one"):
        load_config(tmp_path / "feeds.yaml", env={})


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, env={})


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"site:\n  title: caf\xe9\n", Fault(2, 13, "the byte 0xe9 is not UTF-8; save the file as UTF-8")),
        (
            GOOD.encode("utf-16"),
            Fault(1, 1, "the byte 0xff is not UTF-8 but UTF-16; save the file as UTF-8"),
        ),
    ],
)
def test_a_file_that_is_not_utf_8_is_reported_at_the_first_wrong_byte(
    tmp_path: Path, body: bytes, fault: Fault
) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_bytes(body)

    with pytest.raises(ConfigError) as caught:
        load_config(path, env={})

    assert caught.value.faults == (fault,)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    with pytest.raises(ConfigError, match="larger than 20 MB"):
        load_config(path, env={})
    assert "larger than 20 MB" in message_of("#" * (MAX_FILE_BYTES + 1))


# Arbitrary text

TOKENS = st.sampled_from(
    [*KEYS, *KEYS["sources"].keys, *"[]{},:-?&*!|>'\"%@`#\t\n ", ": ", "\n  - ", "\n    ", "${X}", "24h", "10MB", "~"]
)


def survives(text: str) -> None:
    try:
        parse_config(text)
    except ConfigError as error:
        raised = error
    else:
        return
    lines = len(re.split("[\n\r\x85\u2028\u2029]", text))
    assert raised.faults
    assert all(1 <= fault.line <= lines and fault.column >= 1 and fault.message for fault in raised.faults)
    assert len(str(raised).split("\n")) == len(raised.faults)


@given(st.text())
@example("\ud800")
@example("a: \x85b: c: d")
def test_any_text_is_a_config_or_a_fault(text: str) -> None:
    survives(text)


@example("---")
@given(st.lists(TOKENS, max_size=60).map("".join))
def test_any_heap_of_yaml_is_a_config_or_a_fault(text: str) -> None:
    survives(text)


@settings(max_examples=300)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 20), st.one_of(TOKENS, st.text(max_size=5))),
        min_size=1,
        max_size=4,
    )
)
def test_any_edit_of_a_good_file_is_a_config_or_a_fault(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for begin, length, put in edits:
        text = text[:begin] + put + text[begin + length :]
    survives(text)


@given(key=st.sampled_from(["url", "name", "owner", "weight", "language", "user_agent", "id"]), value=st.text())
def test_any_value_is_accepted_or_reported(key: str, value: str) -> None:
    survives(yaml.safe_dump({"sources": [{"id": "a", "url": "https://example.com/", key: value}]}))


def test_without_libyaml_the_faults_have_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = {name: faults_of(text) for name, (text, *_) in FAULTY.items()}
    monkeypatch.setattr(yaml_tree, "_Loader", yaml.SafeLoader)

    for name, (text, *_) in FAULTY.items():
        assert [(fault.line, fault.column) for fault in faults_of(text)] == [
            (fault.line, fault.column) for fault in fast[name]
        ], name


# The page that documents the keys


def documented() -> dict[str, tuple[str, str]]:
    """Return type and default of each key in docs/configuration.md."""
    rows = {}
    section = ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif section in KEYS and (row := re.match(r"\| `(\S+)` \| (.+?) \| (.+?) \| .+ \|$", line)):
            rows[f"{section}.{row[1]}"] = (row[2], row[3])
    return rows


def known(keys: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, shape in keys.items():
        if hasattr(shape, "keys"):
            yield from known(shape.keys, f"{prefix}{key}.")
        else:
            yield prefix + key, shape


SHAPES = {name: shape for section, shape in KEYS.items() for name, shape in known(shape.keys, f"{section}.")}


def test_the_page_has_every_key_with_its_type_and_no_other() -> None:
    assert {name: kind for name, (kind, _) in documented().items()} == {
        name: shape.name for name, shape in SHAPES.items()
    }


def test_the_defaults_on_the_page_are_those_of_the_program() -> None:
    nouns = {
        "site": Site,
        "sources": Source,
        "defaults": Source,
        "sources.poll": PollLimits,
        "defaults.poll": PollLimits,
        "scoring": ScoringSettings,
        "retention": Retention,
        "alerts": Alerts,
        "alerts.rules": AlertRule,
        "alerts.operator": OperatorAlarms,
        "limits": Limits,
        "analysis": AnalysisSettings,
        "backup": Backups,
        "sign_in": SignIn,
        "digest": DigestSettings,
        "meaning": MeaningSettings,
    }
    for name, (_, default) in documented().items():
        section, _, key = name.rpartition(".")
        if section == "categories" or not default.startswith("`"):
            continue
        (field,) = (field for field in dataclasses.fields(nouns[section]) if field.name == key)
        shape = SHAPES[name]
        assert isinstance(shape, Kind)
        assert shape.read(default.strip("`")) == field.default, name


def test_every_field_of_the_configuration_has_its_key() -> None:
    for section, noun in {"limits": Limits, "site": Site, "sources": Source, "scoring": ScoringSettings}.items():
        assert set(KEYS[section].keys) == {field.name for field in dataclasses.fields(noun)}
    assert set(KEYS) == {field.name for field in dataclasses.fields(Config)}


def test_the_examples_on_the_page_are_right() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.S)

    assert len(examples) == len(KEYS) + 1
    for text in examples:
        parse_config(text, env={"EXAMPLE_TOKEN": "x"})


@given(st.integers(1, 10**7))
def test_a_duration_is_spelled_as_it_is_read(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    text = source(poll=f"{{min: {spelled(span)}, max: 30d}}")
    if span <= timedelta(days=30):
        assert only_source(text).poll.min == span


# The shipped file


@pytest.fixture(scope="module")
def shipped() -> Config:
    return load_config(ROOT / "feeds.yaml", env={})


def test_the_shipped_file_has_about_80_sources_in_9_categories(shipped: Config) -> None:
    assert [category.id for category in shipped.categories] == [
        "models",
        "research",
        "big-tech",
        "startups",
        "policy",
        "hardware",
        "open-source",
        "products",
        "security",
    ]
    assert 75 <= len(shipped.sources) <= 95
    assert {source.category for source in shipped.sources} == {category.id for category in shipped.categories}
    techcrunch = shipped.source("techcrunch_ai")
    assert techcrunch is not None
    assert techcrunch.url == "https://techcrunch.com/category/artificial-intelligence/feed/"


def test_no_seed_of_the_shipped_file_speaks_for_two_categories(shipped: Config) -> None:
    seeds = [seed.lower() for category in shipped.categories for seed in category.seeds]

    assert len(seeds) == len(set(seeds))
    assert all(10 <= len(category.seeds) <= 40 for category in shipped.categories)


def test_hosts_with_many_authors_are_no_owners_in_the_shipped_file(shipped: Config) -> None:
    shared = {"substack.com", "wordpress.com", "medium.com", "feedburner.com", "raw.githubusercontent.com"}

    assert not shared & {source.owner for source in shipped.sources}


SECRET = "s3cretKEY"


@pytest.mark.parametrize(
    "text",
    [
        f"sources:\n  - {{id: a, url: 'https://a.example/f?k={SECRET}'}}\n  - {{id: b, url: 'http://a.example/f?k={SECRET}'}}",
        f"sources:\n  - {{id: a, url: 'https://a.example/ {SECRET}'}}",
        f"sources:\n  - {{id: a, url: '{SECRET}://a.example/'}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, headers: 'Authorization Bearer {SECRET}'}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, headers: {{Authorization {SECRET}: }}}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, headers: {{Authorization: '${{{SECRET}'}}}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, headers: {{Authorization: '${{{SECRET}}}'}}}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, headers: [{SECRET}]}}",
        f"sources:\n  - {{id: a, https://a.example/f?k={SECRET}}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, {SECRET}}}",
        f"sources:\n  - {SECRET}",
        f"sources: {SECRET}",
        f"{SECRET}",
        f"analysis: {{endpoint: 'ftp://{SECRET}@a.example/', stories: {SECRET}}}",
        f"site: {SECRET}",
        f"limits: {{fetch: {SECRET}, feed_bytes: {SECRET}, allow_private: 'http://{SECRET}/'}}",
        f"sources:\n  - {{id: {SECRET}, url: https://a.example/, enabled: {SECRET}, category: {SECRET}}}",
        f"sources:\n  - {{id: a, url: https://a.example/f, '{SECRET}': 1, '{SECRET}': 2}}",
    ],
)
def test_errors_shown_to_readers_quote_no_value(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="feeds.yaml")
    assert SECRET.lower() not in caught.value.public.lower()
    assert re.search(r"feeds\.yaml:[0-9]+:[0-9]+: \w", caught.value.public)


def test_readers_see_the_unknown_key_and_the_operator_also_its_value() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("sauces: []\nsite: {language: '12'}\n", name="feeds.yaml")
    assert "feeds.yaml:1:1: unknown key 'sauces' in the file" in caught.value.public
    assert "feeds.yaml:2:18: the value of language is not valid; expected language" in caught.value.public
    assert "'12' is not a language code" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("defaults: {owner: Example}", "'owner' belongs to a source"),
        ("site: {top_share: 0.1}", "'top_share' belongs to scoring"),
        ("scoring: {min: 5 min}", "'min' belongs to poll of a source or poll of defaults"),
        ("alerts: {when: chips}", "'when' belongs to rules of alerts"),
        # Similar to `site`, but that is not meant.
        ("title: News", "'title' belongs to site"),
        ("site: {digest: {at: 07:00}}", "'digest' is a section of its own"),
    ],
)
def test_the_error_for_a_key_in_the_wrong_section_names_the_right_one(text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert f"; {hint}" in str(caught.value)
    assert f"; {hint}" in caught.value.public


def test_a_site_that_polls_nothing_needs_no_variables() -> None:
    text = source(headers="{Authorization: 'Bearer ${NOT_SET}'}", proxy="'${NOT_SET_EITHER}'")
    assert only_source(text, env=AnyVariables()).id
