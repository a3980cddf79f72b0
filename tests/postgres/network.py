"""A network between processes and the server that can be cut, in two ways that close no connection.

    silent     what is sent is acknowledged and goes nowhere: a proxy or a gateway that hangs
    dropped    packets are thrown away: a cable, a router, a firewall

Everything to FAR goes through a forwarder, a process of its own. Dropping needs a network namespace; root can make one.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

FAR = "127.9.9.9"
"""An address of this machine that is as far away as another one."""
_NEW_NETWORK = 0x40000000


class Link:
    """Forwards TCP on FAR to the server's Unix socket, as named in a database URL."""

    def __init__(self, url: str, *, drops: bool) -> None:
        parts = urlsplit(url)
        self._drops = drops
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"],
            cwd=Path(__file__).resolve().parents[2],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.url = f"postgresql://{parts.username}@{FAR}:{int(self._process.stdout.readline())}{parts.path}"

    def cut(self) -> None:
        """Let nothing through from now on."""
        if self._drops:
            _ip("route", "add", "blackhole", f"{FAR}/32", "table", "local")
        else:
            self._process.send_signal(signal.SIGSTOP)

    def mend(self) -> None:
        """Let everything through again."""
        if self._drops:
            _ip("route", "del", "blackhole", f"{FAR}/32", "table", "local")
        else:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the forwarder and its connections."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def network_of_its_own() -> Iterator[bool]:
    """Give this thread and its children a network with only this machine; return False if that is not permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if os.geteuid() != 0 or libc.unshare(_NEW_NETWORK) != 0:
            yield False
            return
        try:
            _ip("link", "set", "lo", "up")
            yield True
        finally:
            assert libc.setns(before, _NEW_NETWORK) == 0
    finally:
        os.close(before)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


async def _forward(socket: str) -> None:
    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))

    server = await asyncio.start_server(serve, FAR, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_forward(sys.argv[1]))
