"""Send one message to one target, and return the outcome.

A webhook goes through the guarded client of `aggregator.fetch`; all others go to a child process that is started when
it is first needed and ended by `close`. One message at a time, so that the caller knows which one was interrupted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from aggregator.fetch import Answered, Client, access, call
from aggregator.model import AlertTarget, Config, Failed, FailureKind
from aggregator.notify.message import READY, Outgoing, Reply, Request, private_address
from aggregator.notify.targets import TargetError, address_of
from aggregator.text.urls import host
from aggregator.translatable import Translatable, message_of, read_back

START_WITHIN_S = 60.0
ANSWER_WITHIN_S = 45.0
"""Timeout of a service, after which the outcome is unknown."""
WEBHOOK_TIMEOUT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of sending a message."""

    sent: bool
    message: str
    """For the operator, without addresses."""
    permanent: bool = False
    """Whether another attempt would fail too."""
    uncertain: bool = False
    """Whether it may have arrived anyway."""


class Sender:
    """Sends messages with the settings of one configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._process: Process | None = None

    async def send(self, target: AlertTarget, message: Outgoing, now: datetime) -> Outcome:
        """Send *message* to *target*; errors are an `Outcome`."""
        try:
            address = address_of(target)
        except TargetError as error:
            return Outcome(False, message_of(error))
        if address.startswith(("http://", "https://")):
            return await self._post(address, message, now)
        return await self._through_child(address, message)

    async def close(self) -> None:
        """End the child process."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(2):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _post(self, address: str, message: Outgoing, now: datetime) -> Outcome:
        if not self._config.alerts.secret:
            why = Translatable("alerts.secret is not set, so the webhook cannot be signed")
            return Outcome(False, why, permanent=True)
        body = json.dumps({"id": message.message_id, **message.data}, ensure_ascii=False).encode()
        limits = replace(self._config.limits, fetch=WEBHOOK_TIMEOUT)
        async with Client(limits) as client:
            answer = await call(
                client,
                address,
                limits=limits,
                method="POST",
                content=body,
                headers=(
                    ("Content-Type", "application/json"),
                    ("X-Groundswell-Id", message.message_id),
                    *signature_headers(self._config.alerts.secret, body, now),
                ),
                access=access.of_alert(address, self._config),
            )
        if isinstance(answer, Failed) and answer.kind is FailureKind.REFUSED_ADDRESS:
            return Outcome(False, private_address(host(address)), permanent=True)
        if not isinstance(answer, Answered):
            return Outcome(False, Translatable("the webhook cannot be reached: %(reason)s", reason=answer.message))
        status = Translatable("status %(status)s", status=str(answer.status))
        if 200 <= answer.status < 300:
            return Outcome(True, status)
        # 410 means that the webhook is gone; other 4xx may be a deployment in progress.
        return Outcome(False, status, permanent=answer.status == 410)

    async def _through_child(self, address: str, message: Outgoing) -> Outcome:
        request = Request(
            address,
            message.title,
            message.text,
            message.html,
            self._config.alerts.allow_private,
            self._config.defaults.proxy,
        )
        try:
            process = await self._child()
        except (OSError, TimeoutError) as error:
            await self._kill()
            reason = type(error).__name__
            return Outcome(False, Translatable("the sending process did not start: %(reason)s", reason=reason))
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                process.stdin.write(msgspec.json.encode(request) + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            if line:
                reply = msgspec.json.decode(line, type=Reply)
                return Outcome(reply.sent, read_back(reply.message), reply.permanent)
            why = Translatable("the sending process ended before it answered")
        except TimeoutError:
            why = Translatable("timed out after %(n)s s", n=round(ANSWER_WITHIN_S))
        except (OSError, msgspec.DecodeError) as error:
            why = Translatable("the sending process failed: %(reason)s", reason=type(error).__name__)
        await self._kill()
        return Outcome(False, why, uncertain=True)

    async def _child(self) -> Process:
        """Return the child once it is ready; OSError or TimeoutError if it does not start."""
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "aggregator.notify.child",
                stdin=PIPE,
                stdout=PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            assert self._process.stdout is not None
            async with asyncio.timeout(START_WITHIN_S):
                if await self._process.stdout.readline() != READY:
                    raise ChildProcessError("ended")
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def signature_headers(secret: str, body: bytes, now: datetime) -> tuple[tuple[str, str], ...]:
    """Return the headers for verifying a webhook: the time, and a signature of time and body.

    X-Groundswell-Timestamp: seconds since 1970
    X-Groundswell-Signature: `sha256=` and HMAC-SHA256(secret, timestamp + "." + body) in hex

    The timestamp is signed, so a copy of an old request can be refused.
    """
    timestamp = str(int(now.timestamp()))
    signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return ("X-Groundswell-Timestamp", timestamp), ("X-Groundswell-Signature", f"sha256={signature}")
