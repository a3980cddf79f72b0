"""The child process that calls services: one message per input line, one result per output line.

Run as `python -m aggregator.notify.child`. It ends with its standard input, and with its parent.

apprise opens connections itself, without the address check of `aggregator.fetch`. So every connection of this process
is checked with Python's audit events: a private address is refused unless it belongs to the host that the operator
configured, and `alerts.allow_private` permits it. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import smtplib
import socket
import ssl
import sys
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid
from typing import Any
from urllib.parse import urlsplit

import msgspec

from aggregator.notify.message import READY, Reply, Request, private_address, refusal
from aggregator.notify.targets import without_secrets
from aggregator.process import die_with_parent, limit_memory
from aggregator.text.ip_addresses import is_public
from aggregator.translatable import Translatable, stored

MEMORY_BYTES = 300_000_000
CPU_S = 60
TIMEOUT_S = 15.0
MAX_MESSAGE_CHARS = 300


class RefusedConnectionError(OSError):
    """The operator did not allow a connection."""


class ConnectionGuard:
    """Refuses connections to private addresses except those permitted for the current message."""

    def __init__(self) -> None:
        self._permitted: frozenset[str] = frozenset()
        self.refused: Translatable | None = None
        """The refused connection for the current message, for its outcome."""

    def permit(self, hosts: Iterable[str]) -> None:
        """Permit only the current addresses of *hosts*."""
        addresses = set()
        for host in hosts:
            with contextlib.suppress(OSError, UnicodeError):
                addresses |= {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        self._permitted = frozenset(addresses)
        self.refused = None

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Check an audit event of the interpreter; raises RefusedConnectionError."""
        if event not in ("socket.connect", "socket.sendto"):
            return
        address = args[1]
        host = str(address[0]) if isinstance(address, tuple) else ""
        if is_public(host) or host in self._permitted:
            return
        self.refused = private_address(host) if host else refusal(Translatable("a socket of this machine"))
        raise RefusedConnectionError(self.refused)


class _Warnings(logging.Handler):
    """Keeps the last warning of apprise, its only information about a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def main() -> None:
    """Send messages until the input ends."""
    die_with_parent()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    import apprise  # a second and 40 MB: this process exists for it

    limit_memory(MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    socket.setdefaulttimeout(TIMEOUT_S)
    guard, warnings = ConnectionGuard(), _Warnings()
    sys.addaudithook(guard.audit)
    logger = logging.getLogger("apprise")
    logger.addHandler(warnings)
    logger.propagate = False
    asset = apprise.AppriseAsset(
        app_id="Groundswell", app_desc="Groundswell", async_mode=False, secure_logging=True, plugin_paths=[]
    )
    asset.http_redirects = False
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=Request)
        warnings.last = ""
        _limit_cpu()
        reply = _reply(apprise, asset, request, guard, warnings)
        sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
        sys.stdout.buffer.flush()


def _limit_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _reply(apprise: Any, asset: Any, request: Request, guard: ConnectionGuard, warnings: _Warnings) -> Reply:
    try:
        service = apprise.Apprise.instantiate(request.address, asset=asset)
        if service is None:
            unknown = Translatable("apprise does not know this kind of address, or a part of it is missing")
            return Reply(False, stored(unknown), True)
        _use_proxy(request.proxy)
        host = str(getattr(service, "smtp_host", "") or getattr(service, "host", "") or "")
        proxy = urlsplit(request.proxy).hostname or ""
        guard.permit([*([host] if request.allow_private else []), *([proxy] if proxy else [])])
        if request.html and hasattr(service, "smtp_host"):
            _send_mail(service, request)
            return Reply(True)
        if service.notify(title=request.title, body=request.text, body_format=apprise.NotifyFormat.TEXT):
            return Reply(True)
        message = warnings.last
    except smtplib.SMTPResponseException as error:
        code, detail = error.smtp_code, error.smtp_error
        text = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        return Reply(False, _quoted(f"{code} {text}", request), 500 <= code < 600)
    except Exception as error:  # one of a hundred services; none may stop the others
        message = f"{type(error).__name__}: {error}"
    if guard.refused:
        return Reply(False, stored(guard.refused), True)
    if not message:
        return Reply(False, stored(Translatable("the service did not accept the message")))
    return Reply(False, _quoted(message, request))


def _quoted(message: str, request: Request) -> str:
    """Return the response of a service or a library, without secrets, as part of a message."""
    text = " ".join(without_secrets(message, request.address).split())[:MAX_MESSAGE_CHARS]
    return stored(Translatable("the service did not accept the message: %(reason)s", reason=text))


def _use_proxy(proxy: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        os.environ.pop(name, None)
        if proxy:
            os.environ[name] = proxy


def _send_mail(service: Any, request: Request) -> None:
    """Send HTML with its own plain text; apprise would derive that from the HTML and lose the links."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(request.title.split())
    name, sender = service.from_addr
    mail["From"] = formataddr((name or "", sender))
    recipients = [address for _, address in service.targets]
    mail["To"] = ", ".join(recipients)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(request.text)
    mail.add_alternative(request.html, subtype="html")
    everyone = [*recipients, *service.cc, *service.bcc]
    context = ssl.create_default_context()
    if service.secure_mode == "ssl":
        with smtplib.SMTP_SSL(service.smtp_host, service.port, timeout=TIMEOUT_S, context=context) as smtp:
            _hand_over(smtp, service, mail, everyone)
        return
    with smtplib.SMTP(service.smtp_host, service.port, timeout=TIMEOUT_S) as smtp:
        if service.secure_mode == "starttls":
            smtp.starttls(context=context)
        _hand_over(smtp, service, mail, everyone)


def _hand_over(smtp: smtplib.SMTP, service: Any, mail: EmailMessage, everyone: list[str]) -> None:
    if service.user and service.password:
        smtp.login(service.user, service.password)
    smtp.send_message(mail, from_addr=service.from_addr[1], to_addrs=everyone)


if __name__ == "__main__":
    main()
