"""Serve a corpus of `_corpus` on loopback addresses, cheaply enough that the client is what is measured.

    python -m bench._feed_server FOLDER --port 8800 --hosts 250

`/control/round/N` switches to another round, `/control/stats` returns request counts as JSON. A request that carries
the current ETag, or else the current Last-Modified, gets a 304.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from pathlib import Path

from bench import _corpus

_END = b"\r\n\r\n"


class Served:
    """The current round, with every response built in advance."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rounds: dict[int, dict[bytes, tuple[bytes, bytes, bytes, bytes, bytes]]] = {}
        self.number = 0
        self.counts: Counter[str] = Counter()
        self.show(0)

    def show(self, number: int) -> None:
        """Switch to another round."""
        if number not in self._rounds:
            self._rounds[number] = self._read(number)
        self.number = number
        self.counts.clear()

    def _read(self, number: int) -> dict[bytes, tuple[bytes, bytes, bytes, bytes, bytes]]:
        data = (self._folder / f"round{number}.bin").read_bytes()
        answers = {}
        for row in _corpus.rows(self._folder, number):
            validators = f"Last-Modified: {row.last_modified}\r\n" + (f"ETag: {row.etag}\r\n" if row.etag else "")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {row.content_type}\r\n{validators}Cache-Control: max-age=300\r\n"
            body = data[row.offset : row.offset + row.length]
            plain = f"{head}Content-Length: {row.length}\r\n\r\n".encode() + body
            packed = b""
            if row.packed_length:
                packed_head = f"{head}Content-Encoding: gzip\r\nContent-Length: {row.packed_length}\r\n\r\n"
                packed = packed_head.encode() + data[row.packed_offset : row.packed_offset + row.packed_length]
            unchanged = f"HTTP/1.1 304 Not Modified\r\n{validators}\r\n".encode()
            answers[row.path.encode()] = (plain, packed, unchanged, row.etag.encode(), row.last_modified.encode())
        return answers

    def answer(self, head: bytes) -> bytes:
        """Return the response to a request."""
        line, _, rest = head.partition(b"\r\n")
        path = line.split(b" ", 2)[1]
        if path.startswith(b"/control/"):
            return self._control(path.decode())
        answer = self._rounds[self.number].get(path)
        if answer is None:
            self.counts["missing"] += 1
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        headers = dict(part.split(b": ", 1) for part in rest.split(b"\r\n") if b": " in part)
        fields = {name.lower(): value for name, value in headers.items()}
        plain, packed, unchanged, etag, last_modified = answer
        is_unchanged = (
            fields.get(b"if-none-match") == etag if etag else fields.get(b"if-modified-since") == last_modified
        )
        if is_unchanged:
            self.counts["unchanged"] += 1
            return unchanged
        self.counts["sent"] += 1
        return packed if packed and b"gzip" in fields.get(b"accept-encoding", b"") else plain

    def _control(self, path: str) -> bytes:
        if path.startswith("/control/round/"):
            self.show(int(path.rpartition("/")[2]))
        body = json.dumps({"round": self.number, **self.counts}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    """One keep-alive connection; its requests are answered in order."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while _END in self._received:
            head, _, self._received = self._received.partition(_END)
            self._transport.write(self._served.answer(head))


async def serve(folder: Path, port: int, hosts: int) -> None:
    """Serve until cancelled."""
    served = Served(folder)
    loop = asyncio.get_running_loop()
    addresses = [f"127.0.0.{number}" for number in range(1, hosts + 1)]
    server = await loop.create_server(lambda: Connection(served), addresses, port, backlog=1024)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument("--hosts", type=int, default=250)
    args = parser.parse_args()
    asyncio.run(serve(args.folder, args.port, args.hosts))


if __name__ == "__main__":
    main()
