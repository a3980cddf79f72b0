"""Edits of feeds.yaml by the program keep the operator's comments, order and spelling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config import parse_config
from aggregator.config.yaml_edit import with_enabled, with_items, without_source
from aggregator.errors import ConfigError

OURS = (Path(__file__).resolve().parents[3] / "feeds.yaml").read_text(encoding="utf-8")
NEW = {"id": "new", "name": "New: the one", "url": "https://new.example/feed"}
TEXT = """\
# What I read.
sources:
  # the first
  - {id: a, url: https://a.example/feed}   # daily
  - id: b
    # about b
    url: https://b.example/feed

  # the last
  - {id: c, url: https://c.example/feed}

# How long.
retention: {polls: 30d}
"""


def test_a_new_source_stands_at_the_end_of_the_list() -> None:
    after = with_items(TEXT, "sources", [NEW])
    written = '  - id: new\n    name: "New: the one"\n    url: https://new.example/feed\n'
    assert after == TEXT.replace("c.example/feed}\n", "c.example/feed}\n" + written)


@pytest.mark.parametrize(
    ("source_id", "gone"),
    [
        ("a", "  - {id: a, url: https://a.example/feed}   # daily\n"),
        ("b", "  - id: b\n    # about b\n    url: https://b.example/feed\n"),
        ("c", "  - {id: c, url: https://c.example/feed}\n"),
    ],
)
def test_a_source_goes_and_all_else_stays(source_id: str, gone: str) -> None:
    assert without_source(TEXT, source_id) == TEXT.replace(gone, "")


@pytest.mark.parametrize(
    "text", ["sources:\n", "sources: []\n", "sources:   # none yet\n", "site: {title: T}", "sources: []"]
)
def test_a_list_that_is_empty_or_missing_begins(text: str) -> None:
    after = with_items(text, "sources", [NEW])
    assert [source.id for source in parse_config(after).sources] == ["new"]
    assert ("none yet" in after) == ("none yet" in text)


def test_a_list_in_brackets_is_left_to_its_owner() -> None:
    text = "sources: [{id: a, url: https://a.example/}]\n"
    with pytest.raises(ConfigError, match="in brackets"):
        with_items(text, "sources", [NEW])
    with pytest.raises(ConfigError, match="in brackets"):
        without_source(text, "a")


@pytest.mark.parametrize(
    ("before", "paused"),
    [
        (
            "sources:\n  - {url: https://a.example/f, id: a, name: A}  # daily\n",
            "sources:\n  - {url: https://a.example/f, id: a, enabled: false, name: A}  # daily\n",
        ),
        (
            "sources:\n  - {id: 'a', enabled: yes, url: https://a.example/f}\n",
            "sources:\n  - {id: 'a', enabled: false, url: https://a.example/f}\n",
        ),
        (
            "sources:\n  - {id: a,\n     url: https://a.example/f, enabled: }\n",
            "sources:\n  - {id: a,\n     url: https://a.example/f, enabled: false}\n",
        ),
        (
            'sources: [{id: "a", url: https://a.example/f}]',
            'sources: [{id: "a", enabled: false, url: https://a.example/f}]',
        ),
        (
            "sources:\n- enabled: on # on purpose\n  url: https://a.example/f\n  id: a",
            "sources:\n- enabled: false # on purpose\n  url: https://a.example/f\n  id: a",
        ),
        (
            "sources:\n  - url: https://a.example/f\n    enabled:\n    id: a\n",
            "sources:\n  - url: https://a.example/f\n    enabled: false\n    id: a\n",
        ),
        (
            "sources:\n  - url: https://a.example/f\n    id: a",
            "sources:\n  - url: https://a.example/f\n    id: a\n    enabled: false\n",
        ),
    ],
)
def test_a_source_is_paused_and_resumed_however_it_is_written(before: str, paused: str) -> None:
    assert with_enabled(before, "a", False) == paused
    [source] = parse_config(with_enabled(paused, "a", True)).sources
    assert source.enabled


def test_every_source_that_ships_can_be_paused_and_resumed() -> None:
    config = parse_config(OURS)
    for source in config.sources:
        paused = with_enabled(OURS, source.id, not source.enabled)
        assert len(paused.splitlines()) == len(OURS.splitlines())
        assert sum(a != b for a, b in zip(OURS.splitlines(), paused.splitlines(), strict=True)) == 1
        changed = {new.id for new, old in zip(parse_config(paused).sources, config.sources, strict=True) if new != old}
        assert changed == {source.id}
        assert parse_config(with_enabled(paused, source.id, source.enabled)) == config


def test_a_missing_source_cannot_be_removed() -> None:
    with pytest.raises(ConfigError, match="no source 'x'"):
        without_source(TEXT, "x")


def test_the_file_that_ships_survives_every_edit() -> None:
    config = parse_config(OURS)
    after = parse_config(with_items(OURS, "sources", [NEW]))
    assert after.sources[:-1] == config.sources
    for source in config.sources:
        left = parse_config(without_source(OURS, source.id))
        assert left == replace(config, sources=tuple(new for new in config.sources if new.id != source.id))
    assert without_source(with_items(OURS, "sources", [NEW]), "new") == OURS


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn", "Zl", "Zp"]), min_size=1, max_size=60
    )
)
def test_a_name_reads_back_as_it_was(name: str) -> None:
    collapsed = " ".join(name.split())
    if not collapsed:
        return
    after = with_items(TEXT, "sources", [NEW | {"name": collapsed}])
    assert parse_config(after).sources[-1].name == collapsed
