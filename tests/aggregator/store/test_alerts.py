"""Messages of alerts and digests: stored once per target, claimed by one process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.store import Store, StoreFault
from aggregator.store.alerts import NewMessage
from tests.aggregator.store.conftest import OpenStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MESSAGE = NewMessage("digest", "digest:2026-11-22", 0, "target of the first", "mailto", {"title": "Yesterday"})


@pytest.fixture
def store(new_store: OpenStore) -> Store:
    return new_store()


def test_a_message_is_stored_once_for_each_target(store: Store) -> None:
    messages = [MESSAGE, replace(MESSAGE, target="target of the second")]
    assert store.alert_messages.add(messages, NOON) == 2
    assert store.alert_messages.add([*messages, replace(MESSAGE, target="target of the third")], NOON) == 1
    assert [message.target for message in store.alert_messages.due(NOON)] == [
        "target of the first",
        "target of the second",
        "target of the third",
    ]


def test_messages_about_one_subject_are_stored_for_all_targets_or_for_none(store: Store) -> None:
    no_target: str = None  # type: ignore[assignment]
    with pytest.raises(StoreFault):
        store.alert_messages.add([MESSAGE, replace(MESSAGE, target=no_target)], NOON)
    assert not store.alert_messages.exists("digest", MESSAGE.subject)
    assert store.alert_messages.due(NOON) == []


def test_messages_of_the_last_hour_are_counted_by_subject(store: Store) -> None:
    story = replace(MESSAGE, rule="chips", subject="story:1")
    store.alert_messages.add([story, replace(story, target="target of the second")], NOON)
    store.alert_messages.add([replace(story, subject="story:2")], NOON + HOUR)
    store.alert_messages.add([replace(story, rule="fabs")], NOON + HOUR)

    assert store.alert_messages.made_since("chips", NOON - timedelta(microseconds=1)) == 2
    assert store.alert_messages.made_since("chips", NOON) == 1
    assert store.alert_messages.made_since("chips", NOON + HOUR) == 0


def test_one_process_claims_a_message(store: Store) -> None:
    store.alert_messages.add([MESSAGE], NOON)
    [message] = store.alert_messages.due(NOON)
    assert store.alert_messages.claim(message.message_id)
    assert not store.alert_messages.claim(message.message_id)
    assert store.alert_messages.due(NOON) == []
