"""`rules:` of feeds.yaml."""

from __future__ import annotations

from datetime import date

import pytest

from aggregator.config import parse_config
from aggregator.config.yaml_edit import with_items, without_rule
from aggregator.errors import ConfigError
from aggregator.model import RuleEffect, StoryRule

SOURCES = "sources:\n  - {id: alpha, url: https://alpha.example/feed.xml}\n"


def test_rules_are_read_in_their_order() -> None:
    text = SOURCES + (
        'rules:\n  - mute: "layoffs  unless score:>85"\n    until: 2026-12-31\n'
        '  - boost: "risc-v"\n  - {mute: "source:alpha -kind:deals"}\n'
    )
    assert parse_config(text).rules == (
        StoryRule(RuleEffect.MUTE, "layoffs unless score:>85", date(2026, 12, 31)),
        StoryRule(RuleEffect.BOOST, "risc-v"),
        StoryRule(RuleEffect.MUTE, "source:alpha -kind:deals"),
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{mute: a, boost: b}", "a rule needs either 'mute' or 'boost'"),
        ("{until: 2026-12-31}", "a rule needs either 'mute' or 'boost'"),
        ('{mute: "chips", until: tomorrow}', "until 'tomorrow' is not a date such as 2026-12-31"),
        ('{mute: "chips", until: 2026-02-30}', "until '2026-02-30' is not a date such as 2026-12-31"),
        ('{mute: "chips unless"}', "with a search on both sides of unless"),
        ('{mute: "unless chips"}', "with a search on both sides of unless"),
        ('{mute: "chips after:7d"}', "contains after: or before:, which rules do not support; use 'until:'"),
        ('{mute: "chips unless before:2026"}', "contains after: or before:"),
        ('{mute: "kind:poems"}', "kind: takes one of sponsored, advisories, deals"),
        ('{mute: "chips unless score:high"}', "score: takes a number"),
        ('{mute: "source:beta"}', "mute: no source is called 'beta'"),
        ('{boost: "chips unless category:beta"}', "boost: no category is called 'beta'"),
        ("{silence: chips}", "unknown key 'silence' in rule; expected mute, boost, until"),
    ],
)
def test_a_faulty_rule_is_reported_with_the_way_out(rule: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"feeds\.yaml:4:") as caught:
        parse_config(f"{SOURCES}rules:\n  - {rule}\n")
    assert message in str(caught.value)


def test_a_rule_that_is_there_twice_is_reported() -> None:
    with pytest.raises(ConfigError, match="the rule 'chips' occurs twice"):
        parse_config(f"{SOURCES}rules:\n  - mute: chips\n  - boost: chips\n  - mute: chips\n")


def test_the_word_unless_can_be_searched_for_in_quotes() -> None:
    (rule,) = parse_config(SOURCES + """rules:\n  - mute: '"unless chips" ships'\n""").rules
    assert rule.text == '"unless chips" ships'


def test_rules_are_added_and_removed_without_touching_the_rest() -> None:
    commented = SOURCES + "# ours\nrules:\n  - boost: risc-v  # cores\n"
    added = with_items(commented, "rules", [{"mute": '"mass layoffs" unless score:>85', "until": "2026-12-31"}])
    assert parse_config(added).rules[1] == StoryRule(
        RuleEffect.MUTE, '"mass layoffs" unless score:>85', date(2026, 12, 31)
    )
    assert without_rule(added, "mute", '"mass layoffs" unless score:>85') == commented
    with pytest.raises(ConfigError, match="there is no rule 'risc-v'"):
        without_rule(commented, "mute", "risc-v")
