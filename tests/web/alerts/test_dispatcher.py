"""Which messages are sent: once per story, once more when it grows, never twice, and none in quiet hours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.model import AlertRule, Alerts, AlertTarget, Backups, Changes, Config, OperatorAlarms, QuietHours, Story
from aggregator.notify import Outcome, Outgoing, Sender
from aggregator.polling.source_health import Alarm as OverdueAlarm
from aggregator.site.backup import Contents
from aggregator.site.last_backup import note_failed, note_made
from aggregator.store import Store
from aggregator.store.alerts import StandingAlarm
from tests.services import HttpService, http_service
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.alerts import Dispatcher, alarms, dispatcher
from web.alerts.wording import alarm_text
from web.alerts.worker_watch import WorkerWatch

MINUTE = timedelta(minutes=1)
SECRET = "a secret of the operator"


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service() as service:
        yield service


@pytest.fixture
def independent(config: Config) -> list[str]:
    """Sources of different owners."""
    return list({source.owner: source.id for source in config.sources}.values())


def alerting(config: Config, service: HttpService, when: str = "score:>60", **changes: object) -> Config:
    target = AlertTarget(f"http://127.0.0.1:{service.port}/hook")
    quiet = changes.pop("quiet", None)
    assert quiet is None or isinstance(quiet, QuietHours)
    alerts = Alerts(secret=SECRET, allow_private=True, rules=(AlertRule("big", when, (target,), quiet),))
    return replace(config, alerts=replace(alerts, **changes))  # type: ignore[arg-type]


def run(operated: Dispatcher, *moments: datetime) -> None:
    async def steps() -> None:
        for moment in moments:
            await operated.step(moment)

    asyncio.run(steps())


def started(config: Config, store: Store, at: datetime = NOW - 2 * HOUR) -> Dispatcher:
    """Return a dispatcher whose rules count since *at*."""
    operated = Dispatcher(config, store, Path())
    run(operated, at)
    return operated


def story_events(service: HttpService) -> list[tuple[str, str]]:
    """Return type and headline of each story sent to a webhook."""
    bodies = [json.loads(request.body) for request in service.received]
    return [(body["type"], body["story"]["headline"]) for body in bodies if "story" in body]


def save(store: Store, story: Story) -> None:
    with store.transaction():
        store.stories.save(Changes(stories=(story,)))
        store.state.next_edition()


def test_a_story_that_matches_is_sent_once_with_links_and_reasons(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service), store)
    story_id = room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    room.story("Minor update", independent[:1], at=NOW - HOUR, score=40)

    run(operated, NOW, NOW + MINUTE, NOW + 5 * MINUTE)
    run(Dispatcher(alerting(config, service), store, Path()), NOW + 6 * MINUTE)

    assert story_events(service) == [("story", "Chip plant opens")]
    story = json.loads(service.received[0].body)["story"]
    assert story["url"] == f"http://127.0.0.1:8000/story/{story_id}/chip-plant-opens"
    assert story["original_url"] == "https://news.example/a-0"
    assert story["independent_sources"] == 3
    assert "Coverage +25.1" in story["why"]
    (message,) = store.alert_messages.newest(10)
    assert (message.outcome, message.attempts) == ("sent", 1)
    assert f"Score 81: {story['why']}" in message.content["text"]


def test_a_new_or_changed_rule_does_not_report_the_past(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    room.story("Old news", independent[:3], at=NOW - 3 * HOUR, score=90)
    operated = started(alerting(config, service), store, NOW)
    operated.reconfigure(alerting(config, service, "score:>50"))
    run(operated, NOW + MINUTE)
    assert service.received == []

    room.story("News", independent[:3], at=NOW + MINUTE, score=90)
    run(operated, NOW + 2 * HOUR)
    assert story_events(service) == [("story", "News")]


def test_a_story_that_grows_by_a_step_is_sent_once_more_and_no_third_time(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service, step=2), store)
    story_id = room.story("Chip plant opens", independent[:2], at=NOW - HOUR, score=81)
    run(operated, NOW)
    for sources in (3, 4, 7, 12):
        story = store.stories.get(story_id)
        assert story is not None
        at = NOW + sources * MINUTE
        save(store, replace(story, independent_sources=sources, sources=sources, last_source_at=at))
        run(operated, at)

    assert story_events(service) == [("story", "Chip plant opens"), ("story.grew", "Chip plant opens")]
    grown = json.loads(service.received[1].body)["story"]
    assert (grown["independent_sources_before"], grown["independent_sources"]) == (2, 4)


def test_a_story_that_takes_in_one_that_was_sent_is_not_sent_again(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service), store)
    sent = room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    run(operated, NOW)
    into = room.story("Chip plant opens in Ohio", independent[3:5], at=NOW - HOUR, score=81)
    room.merge(sent, into)
    run(operated, NOW + 2 * MINUTE)

    assert len(story_events(service)) == 1


def test_quiet_hours_hold_a_story_back_until_they_end(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    minute = NOW.hour * 60 + NOW.minute
    operated = started(alerting(config, service, quiet=QuietHours(minute, (minute + 60) % 1440)), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)

    run(operated, NOW, NOW + 59 * MINUTE)
    assert service.received == []
    run(operated, NOW + 61 * MINUTE, NOW + 63 * MINUTE)
    assert story_events(service) == [("story", "Chip plant opens")]


def test_a_rule_sends_no_more_stories_in_an_hour_than_it_may(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service, per_hour=2), store)
    for number in range(3):
        room.story(f"Plant {number} opens", independent[:2], at=NOW - HOUR, score=81)

    run(operated, NOW, NOW + MINUTE)
    assert len(service.received) == 2
    run(operated, NOW + 62 * MINUTE)
    assert len(service.received) == 3


def test_a_failure_is_tried_again_with_growing_waits(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    service.answers = [(503, {}), (503, {}), (200, {})]

    run(operated, NOW, NOW + MINUTE / 2)
    assert len(service.received) == 1
    run(operated, NOW + MINUTE, NOW + 2 * MINUTE)
    assert len(service.received) == 2
    run(operated, NOW + 3 * MINUTE)

    (message,) = store.alert_messages.newest(10)
    assert (message.outcome, message.attempts) == ("sent", 3)
    assert len({json.loads(request.body)["id"] for request in service.received}) == 1


def test_a_message_is_abandoned_after_ten_attempts(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    service.answers = [(503, {})] * 30
    run(operated, *(NOW + hours * HOUR for hours in range(24)))

    (message,) = store.alert_messages.newest(10)
    assert (message.outcome, message.attempts) == ("failed", 10)


def test_a_gone_target_is_abandoned_immediately(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    service.answers = [(410, {})]
    run(operated, NOW, NOW + 9 * HOUR)

    (message,) = store.alert_messages.newest(10)
    assert (message.outcome, message.outcome_message) == ("failed", "status 410")
    assert len(service.received) == 1


KILLED = """
import asyncio, sys
from datetime import datetime
from aggregator.config import parse_config
from aggregator.store import Store
from aggregator.store.alerts import StandingAlarm
from web.alerts.dispatcher import deliver

database, port, now = sys.argv[1:]
config = parse_config('''
sources: [{id: a, url: "https://a.example/f"}]
alerts: {secret: a secret of the operator, allow_private: yes, to: ["http://127.0.0.1:%s/hook"]}
''' % port)
with Store.open(database) as store:
    asyncio.run(deliver(store, config, datetime.fromisoformat(now)))
"""


def test_a_message_that_was_being_sent_when_the_program_was_killed_is_not_sent_again(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str], tmp_path: Path
) -> None:
    settings = alerting(config, service)
    operated = started(settings, store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    operated.look(NOW)
    arguments = [str(tmp_path / "news.db"), str(service.port), NOW.isoformat()]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
    service.before_answer = process.kill
    process.wait()
    service.before_answer = lambda: None

    assert len(service.received) == 1
    run(Dispatcher(settings, store, Path()), NOW + MINUTE, NOW + HOUR)
    assert len(service.received) == 1
    (message,) = store.alert_messages.newest(10)
    assert message.outcome == "unknown"
    assert "not sent again" in message.outcome_message


def test_only_one_process_hands_a_message_over(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str], tmp_path: Path
) -> None:
    operated = started(alerting(config, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    operated.look(NOW)
    with Store.open(tmp_path / "news.db") as other:
        (message,) = store.alert_messages.due(NOW)
        claims = [sender.alert_messages.claim(message.message_id) for sender in (store, other)]

    assert claims == [True, False]


def test_a_target_that_left_the_configuration_gets_nothing(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    operated = started(alerting(config, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    operated.look(NOW)
    asyncio.run(dispatcher.deliver(store, config, NOW))

    assert service.received == []
    (message,) = store.alert_messages.newest(10)
    assert "no longer in feeds.yaml" in message.outcome_message


def test_an_unknown_outcome_is_stored_as_unknown(
    store: Store,
    room: Newsroom,
    config: Config,
    service: HttpService,
    independent: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lost(self: Sender, target: AlertTarget, message: Outgoing, now: datetime) -> Outcome:
        return Outcome(False, "timed out after 45 s", uncertain=True)

    monkeypatch.setattr(Sender, "send", lost)
    operated = started(alerting(config, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)
    run(operated, NOW, NOW + HOUR)

    messages = store.alert_messages.newest(10)
    assert [(message.outcome, message.attempts) for message in messages] == [("unknown", 1)]


# Alarms


def test_the_operator_is_notified_when_a_problem_begins_and_ends(
    store: Store, room: Newsroom, config: Config, service: HttpService
) -> None:
    target = AlertTarget(f"http://127.0.0.1:{service.port}/ops")
    settings = alerting(config, service, operator=OperatorAlarms((target,), disk=10**18), failures=3)
    room.polled("seedbed", "timeout", "timed out after 20 s", None)
    room.polled("rulemaker", "gone", "410 Gone", 410)
    operated = Dispatcher(settings, store, Path())
    run(operated, NOW, NOW + 6 * MINUTE)

    room.polled("seedbed")
    settings = replace(settings, alerts=replace(settings.alerts, operator=OperatorAlarms((target,), disk=0)))
    operated.reconfigure(settings)
    run(operated, NOW + 12 * MINUTE)
    # Recovered within six hours: not reported again.
    room.polled("seedbed", "timeout", "timed out after 20 s", None)
    run(operated, NOW + 18 * MINUTE)

    first, second = (json.loads(request.body) for request in service.received)
    began = {alarm["subject"]: alarm for alarm in first["began"]}
    assert "3 failures in a row (timed out after 20 s)" in began["source:seedbed"]["text"]
    assert began["source:seedbed"]["kind"] == "source failing"
    assert began["source:seedbed"]["values"]["failures"] == 3
    assert "gone (410)" in began["source:rulemaker"]["text"]
    assert "of the database has" in began["disk"]["text"]
    assert (len(second["ended"]), second["began"]) == (2, [])
    assert len(alarms.current(store, settings, Path(), OverdueAlarm(), NOW)) == 2


def test_a_worker_that_has_stopped_is_reported_by_the_site_once(
    store: Store, service: HttpService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_HOOK", f"http://127.0.0.1:{service.port}/ops")
    text = f"""
sources: [{{id: a, url: "https://a.example/f"}}]
alerts: {{to: ["${{OPERATOR_HOOK}}"], secret: {SECRET}, allow_private: yes}}
"""
    store.config_edits.save(text, None, NOW)
    store.state.beat(NOW)
    watch = WorkerWatch(tmp_path / "news.db")

    assert not watch.step(NOW + 4 * MINUTE)
    assert watch.step(NOW + 6 * MINUTE)
    assert watch.step(NOW + 7 * MINUTE)

    (request,) = service.received
    (alarm,) = json.loads(request.body)["began"]
    assert alarm == {
        "subject": "worker",
        "kind": "worker",
        "values": {"seconds": 360},
        "text": "the worker has not run for 6 minutes; nothing is polled",
    }


def test_a_failed_or_missing_backup_is_an_alarm(store: Store, config: Config) -> None:
    def alarm(settings: Config, now: datetime = NOW) -> str | None:
        backup = alarms.current(store, settings, Path(), OverdueAlarm(), now).get("backup")
        return alarm_text(StandingAlarm("backup", backup, "", now)) if backup else None

    scheduled = replace(config, backup=Backups(folder="backups", every=timedelta(hours=24)))
    assert alarm(scheduled) is None  # none was due yet
    store.state.set_moment("backed_up_at", NOW)
    note_failed(store, "cannot write backups/groundswell-x.db: No space left on device")
    assert alarm(scheduled) == "the last backup failed: cannot write backups/groundswell-x.db: No space left on device"
    assert alarm(config) is None  # no longer requested
    note_made(store, Path("backups/groundswell-x.db"), Contents(5, 3, 0, True, 2_000_000))
    assert alarm(scheduled, NOW + timedelta(hours=48)) is None
    assert alarm(scheduled, NOW + timedelta(hours=49)) == "no backup was made for 2 days"


def test_messages_about_stories_are_in_the_language_of_the_site(
    store: Store, room: Newsroom, config: Config, service: HttpService, independent: list[str]
) -> None:
    german = replace(config, site=replace(config.site, language="de"))
    operated = started(alerting(german, service), store)
    room.story("Chip plant opens", independent[:3], at=NOW - HOUR, score=81)

    run(operated, NOW)

    (message,) = store.alert_messages.newest(10)
    assert message.content["title"].endswith(" 81: Chip plant opens")
    assert "3 Quellen" in message.content["text"]
    assert "Zuerst gesehen: " in message.content["text"]
    assert not any(english in message.content["text"] for english in ("First seen", "sources", "Score "))
