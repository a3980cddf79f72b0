"""httpx and aiohttp, imported without what they load ahead and is not used here: 100 ms less at each start.

httpx looks for its own command line, and with it comes all of rich and pygments: 60 ms. aiohttp reads the system's
certificates, twice, for sessions that are given none: 32 ms; ours are always given some (`connect`), and one that was
not would trust nobody. And it loads every decoder that is installed, where it is told to decode nothing (that is what
`decode` is for). The rest of the package takes both from here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _nothing_ahead() -> Iterator[None]:
    certificates = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    decoders = [name for name in ("brotli", "brotlicffi", "backports.zstd") if name not in sys.modules]
    os.environ.update(dict.fromkeys(certificates, os.devnull))
    sys.modules.update(dict.fromkeys(decoders))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in decoders:
            del sys.modules[name]
        for name, before in certificates.items():
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


# This is how httpx is told that there is no command line.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

with _nothing_ahead():
    import aiohttp
    import httpx
    from aiohttp.abc import AbstractResolver, ResolveResult
    from aiohttp.resolver import ThreadedResolver
    from httpx_aiohttp import AiohttpTransport

__all__ = ["AbstractResolver", "AiohttpTransport", "ResolveResult", "ThreadedResolver", "aiohttp", "httpx"]
