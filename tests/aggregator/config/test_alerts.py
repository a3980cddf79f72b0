"""`alerts:` in feeds.yaml: valid values, and errors that do not reveal addresses."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from aggregator.config import parse_config
from aggregator.config.values.basic import AnyVariables
from aggregator.errors import ConfigError
from aggregator.model import Alerts, AlertTarget, QuietHours

BEFORE = """\
categories: [{id: big-tech, name: Big Tech}, {id: science}]
sources: [{id: alpha, url: "https://alpha.example/feed"}]
alerts:
"""


def alerts_of(text: str, env: Mapping[str, str] | None = None) -> Alerts:
    return parse_config(BEFORE + text, env={} if env is None else env).alerts


def errors_of(text: str, env: Mapping[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        alerts_of(text, env)
    return caught.value


def test_rules_take_targets_and_quiet_hours_of_the_section_unless_they_have_their_own() -> None:
    alerts = alerts_of(
        """
  to: ["${PHONE}"]
  quiet: 22:30-7:00
  rules:
    - {name: one, when: "score:>80 category:big-tech sources:>2"}
    - {name: two, when: "category:\\"big tech\\" -layoffs", to: ["file:/run/secrets/chat"], quiet: off}
""",
        {"PHONE": "ntfys://ntfy.example/topic"},
    )

    first, second = alerts.rules
    assert first.to == (AlertTarget("ntfys://ntfy.example/topic"),)
    assert first.quiet == QuietHours(22 * 60 + 30, 7 * 60)
    assert (second.to, second.quiet) == ((AlertTarget("file:/run/secrets/chat"),), None)
    assert alerts.operator.to == first.to


def test_quiet_hours_may_go_over_midnight() -> None:
    night, noon = QuietHours(22 * 60, 7 * 60), QuietHours(12 * 60, 13 * 60)

    assert [night.includes(hour * 60) for hour in (21, 22, 23, 0, 6, 7)] == [False, True, True, True, True, False]
    assert [noon.includes(hour * 60) for hour in (11, 12, 13)] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("  rules: [{name: a, when: 'score:high'}]\n  to: []", 4, 27, "score: takes a number"),
        ("  rules: [{name: a, when: 'sources:many'}]\n  to: []", 4, 27, "sources: takes a number"),
        ("  rules: [{name: a, when: '---'}]\n  to: []", 4, 27, "is not a search"),
        ("  rules: [{name: a, when: 'category:bigtech'}]\n  to: []", 4, 27, "did you mean 'big-tech'"),
        ("  rules: [{name: a, when: x}]", 4, 10, "the rule 'a' has no 'to:'"),
        ("  to: []\n  rules: [{name: a, when: x}, {name: a, when: y}]", 5, 38, "already in line 5"),
        ("  to: []\n  rules: [{name: a}]", 5, 11, "a rule without 'when'"),
        ("  to: []\n  rules: [{name: a, wen: x}]", 5, 21, "did you mean 'when'"),
        ("  quiet: 22-7", 4, 10, "is not off or two times of day"),
        ("  quiet: 22:00-24:00", 4, 10, "a time of day that does not exist"),
        ("  quiet: 07:00-7:00", 4, 10, "starts and ends at the same time"),
        ("  secret: short", 4, 11, "shorter than 16 characters"),
        ("  to: [https://hooks.example/x]", 4, 3, "no 'secret:' to sign it with"),
        ("  to: ['file:relative']", 4, 8, "the absolute path"),
    ],
)
def test_a_mistake_is_reported_at_its_place(text: str, line: int, column: int, message: str) -> None:
    errors = errors_of(text).faults

    assert [(fault.line, fault.column) for fault in errors if message in fault.message] == [(line, column)], errors


@pytest.mark.parametrize("value", ["ntfy//hunter2secret", "hunter2secret", "tgram://hunter2 secret/chat", "x:hunter2"])
def test_no_error_quotes_an_address(value: str) -> None:
    error = errors_of(f"  to: ['{value}']")

    assert "hunter2" not in str(error)
    assert "hunter2" not in error.public
    assert "is not an address" in str(error)


def test_an_address_is_not_printed_with_the_configuration() -> None:
    alerts = alerts_of("  secret: hunter2hunter2hunter2\n  to: ['tgram://hunter2/chat']")

    assert "hunter2" not in repr(alerts)


def test_a_variable_that_is_not_set_is_an_error_where_messages_are_sent_and_none_where_pages_are_served() -> None:
    text = "  secret: '${KEY}'\n  to: ['${PHONE}']\n  rules: [{name: a, when: x}]"

    assert "PHONE, which is not set" in str(errors_of(text))
    assert alerts_of(text, AnyVariables()).rules[0].to == ()
