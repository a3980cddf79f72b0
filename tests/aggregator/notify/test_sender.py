"""Messages reach real services on this machine, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.config import parse_config
from aggregator.model import AlertTarget, Config
from aggregator.notify import Outcome, Outgoing, Sender, service_of
from aggregator.notify.targets import without_secrets
from tests.services import http_service, mail_service

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MESSAGE = Outgoing(
    "story:7/0/1",
    "Score 91: Größe matters",
    "First line\n\nhttps://site.example/story/7",
    data={"type": "story", "story": {"id": 7}},
)
SECRET = "a secret of the operator"


def config(allow_private: bool = True) -> Config:
    return parse_config(
        f"sources: [{{id: a, url: 'https://a.example/feed'}}]\nalerts: {{secret: {SECRET}, "
        f"allow_private: {'yes' if allow_private else 'no'}}}"
    )


class Post:
    """Sends messages; all tests of this module share the two senders and their processes."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._senders = {allow_private: Sender(config(allow_private)) for allow_private in (True, False)}

    def __call__(self, address: str, message: Outgoing = MESSAGE, *, allow_private: bool = True) -> Outcome:
        return self._runner.run(self._senders[allow_private].send(AlertTarget(address), message, NOW))

    def close(self) -> None:
        for sender in self._senders.values():
            self._runner.run(sender.close())


@pytest.fixture(scope="module")
def send() -> Iterator[Post]:
    with asyncio.Runner() as runner:
        post = Post(runner)
        yield post
        post.close()


def test_a_service_of_apprise_gets_title_and_text(send: Post) -> None:
    with http_service() as ntfy:
        outcome = send(f"ntfy://127.0.0.1:{ntfy.port}/topic")

    assert outcome == Outcome(True, "")
    body = json.loads(ntfy.received[0].body)
    assert (body["topic"], body["title"]) == ("topic", MESSAGE.title)
    assert "https://site.example/story/7" in body["message"]


def test_a_private_address_is_refused_unless_the_operator_allows_it(send: Post) -> None:
    with http_service() as ntfy:
        outcome = send(f"ntfy://127.0.0.1:{ntfy.port}/topic", allow_private=False)
        webhook = send(f"http://127.0.0.1:{ntfy.port}/hook", allow_private=False)

    assert ntfy.received == []
    assert (outcome.sent, outcome.permanent) == (False, True)
    assert "127.0.0.1 is a private address" in outcome.message
    assert "allow_private: yes" in outcome.message
    assert (webhook.sent, webhook.permanent, webhook.message) == (False, True, outcome.message)


def test_a_service_leads_to_no_private_address_however_it_is_spelled(send: Post) -> None:
    hosts = (
        "127.0.0.2 127.1 2130706433 0x7f000001 0177.0.0.1 localhost 0.0.0.0 [::1] [::ffff:127.0.0.1] [2002:7f00:1::]"
    )
    with http_service() as trap:
        for host in hosts.split():
            for address in (f"ntfy://{host}:{trap.port}/topic", f"json://{host}:{trap.port}/a"):
                assert not send(address, allow_private=False).sent, address
        for host in ("169.254.169.254", "10.0.0.1", "[fd00:ec2::254]"):
            assert "is a private address" in send(f"json://{host}/latest", allow_private=False).message
    with mail_service() as mailbox:
        for host in ("127.0.0.1", "localhost"):
            address = f"mailto://{host}:{mailbox.port}/?from=site@news.example&to=one@reader.example"
            assert not send(address, allow_private=False).sent
    assert (trap.received, mailbox.received) == ([], [])


def test_a_redirect_to_another_private_host_is_not_followed(send: Post) -> None:
    with http_service() as ntfy, http_service() as canary:
        ntfy.answers = [(307, {"Location": f"http://127.0.0.2:{canary.port}/"})] * 2
        apprise = send(f"ntfy://127.0.0.1:{ntfy.port}/topic")
        webhook = send(f"http://127.0.0.1:{ntfy.port}/hook")

    assert canary.received == []
    assert not apprise.sent
    assert (webhook.sent, webhook.message) == (False, "status 307")


def test_a_webhook_is_signed_over_timestamp_and_body(send: Post) -> None:
    with http_service() as service:
        outcome = send(f"http://127.0.0.1:{service.port}/hook?key=1")

    assert outcome == Outcome(True, "status 200")
    (request,) = service.received
    timestamp = request.headers["X-Groundswell-Timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Groundswell-Signature"] == f"sha256={expected}"
    assert timestamp == str(int(NOW.timestamp()))
    assert request.headers["X-Groundswell-Id"] == MESSAGE.message_id
    assert json.loads(request.body) == {"id": MESSAGE.message_id, **MESSAGE.data}


def test_mail_has_our_own_plain_text_beside_its_html(send: Post) -> None:
    message = Outgoing(
        "d", "The day", "Plain: https://site.example/a", "<p>Rich <a href='https://site.example/a'>a</a></p>"
    )
    with mail_service() as server:
        outcome = send(
            f"mailto://127.0.0.1:{server.port}/?from=site@news.example&to=one@reader.example,two@reader.example",
            message,
        )

    assert outcome == Outcome(True, "")
    (mail,) = server.received
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    plain, rich = (part.get_content() for part in mail.iter_parts())
    assert plain.strip() == message.text
    assert "<p>Rich" in rich
    assert mail["Subject"] == "The day"
    assert server.envelopes == [("site@news.example", ["one@reader.example", "two@reader.example"])]


def test_a_refusal_of_the_mail_server_says_whether_it_is_lasting(send: Post) -> None:
    message = Outgoing("d", "The day", "text", "<p>text</p>")
    with mail_service() as server:
        server.answers = ["450 try later", "550 no such reader"]
        address = f"mailto://127.0.0.1:{server.port}/?from=site@news.example&to=one@reader.example"
        later, never = send(address, message), send(address, message)

    assert (later.sent, later.permanent) == (False, False)
    assert (never.sent, never.permanent) == (False, True)
    assert "550" in never.message


@pytest.mark.parametrize("status", [500, 403])
def test_a_service_that_refuses_is_a_failure_that_can_be_tried_again(send: Post, status: int) -> None:
    with http_service() as service:
        service.answers = [(status, {})] * 2
        apprise = send(f"ntfy://hunter2topic:hunter2pass@127.0.0.1:{service.port}/hunter2")
        webhook = send(f"http://127.0.0.1:{service.port}/hunter2")

    for outcome in (apprise, webhook):
        assert (outcome.sent, outcome.permanent, outcome.uncertain) == (False, False, False)
        assert outcome.message
        assert "hunter2" not in outcome.message


def test_an_unknown_service_and_a_missing_file_are_reported(send: Post, tmp_path: Path) -> None:
    unknown = send("nosuchservice://x")
    missing = send(f"file:{tmp_path}/none")
    (tmp_path / "wrong").write_text("hunter2")
    wrong = send(f"file:{tmp_path}/wrong")

    assert unknown.permanent
    assert "apprise does not know" in unknown.message
    assert "cannot be read" in missing.message
    assert "does not contain exactly one address" in wrong.message
    assert "hunter2" not in wrong.message


def test_an_address_can_be_in_a_file(send: Post, tmp_path: Path) -> None:
    with http_service() as service:
        (tmp_path / "hook").write_text(f"http://127.0.0.1:{service.port}/hook\n")
        assert send(f"file:{tmp_path}/hook").sent


def test_a_child_that_is_killed_while_it_sends_leaves_the_outcome_uncertain() -> None:
    async def run() -> tuple[Outcome, Outcome]:
        sender = Sender(config())
        with http_service() as service:
            service.before_answer = lambda: sender._process.kill()  # type: ignore[union-attr]
            target = AlertTarget(f"ntfy://127.0.0.1:{service.port}/topic")
            killed = await sender.send(target, MESSAGE, NOW)
            service.before_answer = lambda: None
            after = await sender.send(target, MESSAGE, NOW)
            await sender.close()
        return killed, after

    killed, after = asyncio.run(run())
    assert (killed.sent, killed.uncertain) == (False, True)
    assert after.sent


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ntfys://user:pass@host/topic", "ntfys"),
        ("https://hooks.example/secret", "webhook"),
        ("file:/run/secrets/chat", "file chat"),
    ],
)
def test_a_target_is_named_without_its_address(address: str, name: str) -> None:
    assert service_of(AlertTarget(address)) == name


def test_parts_of_an_address_are_taken_out_of_messages() -> None:
    message = "cannot reach ntfy.example: topic hunter2topic refused user hunter"

    assert without_secrets(message, "ntfys://hunter:pass@ntfy.example/hunter2topic?x=1") == (
        "cannot reach ...: topic ... refused user ..."
    )
