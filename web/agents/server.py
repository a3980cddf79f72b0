"""The tools as a server of the Model Context Protocol. The only module that imports the package `mcp`.

`groundswell[mcp]` brings that package; everything else works without it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from io import BufferedReader, RawIOBase, TextIOWrapper
from typing import IO, Any, ParamSpec

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from aggregator.errors import GroundswellError
from web.agents.tools import WARNING, Tools
from web.http.database import Unreadable

P = ParamSpec("P")

INSTRUCTIONS = (
    "News of many sources, grouped into stories. A score (0 to 100) is the probability that an editor would put the "
    f"story on the front page. {WARNING}"
)
SEARCH_LANGUAGE = (
    'Words and "phrases" that one entry of a story must hold, -word, source:id, category:id, score:>80, after:7d, '
    "before:2026-11-20. Orders: best, newest, score."
)
DESCRIPTIONS = {
    "search": f"Search all stories. {SEARCH_LANGUAGE}",
    "stories": "List stories: of all categories, of one, or of a named list. Orders: trending, newest, score.",
    "explain": "Explain a story's score and place, with its score history and the entries of each source.",
    "topics": "List the topics that more sources write about than usual.",
    "sources": "List the sources and their state: ok, failing, silent, waiting, gone, paused.",
}


def server(tools: Tools) -> MCPServer:
    """Return a server with the tools; it starts nothing."""
    mcp = MCPServer("groundswell", instructions=INSTRUCTIONS, version=_version())
    for name, description in DESCRIPTIONS.items():
        mcp.add_tool(
            _explained(getattr(tools, name)),
            name=name,
            description=description,
            annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
        )
    return mcp


def _version() -> str:
    try:
        return version("groundswell")
    except PackageNotFoundError:  # the sources alone, without an installation
        return ""


def serve(tools: Tools) -> None:
    """Answer on stdin and stdout until stdin ends."""
    sys.stdin = TextIOWrapper(BufferedReader(_Requests(sys.stdin.buffer)))
    server(tools).run("stdio")


class _Requests(RawIOBase):
    """Lines of JSON in which half a surrogate pair, such as `\\ud800`, is replaced by U+FFFD.

    The package drops a request with one and never answers it, because its parser accepts only whole characters. An
    agent sends one when it cuts a text within an emoji.
    """

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* from at most one line; 0 at the end."""
        if not self._rest:
            self._rest = _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], self._lines.readline())
        piece = self._rest[: len(buffer)]
        self._rest = self._rest[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


# A whole pair, half of one, or any other escape, so that the `\\ud800` of an escaped backslash stays.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def _explained(tool: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
    """Return *tool* with errors as the agent sees them: only the message."""

    @wraps(tool)
    def call(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            return tool(*args, **kwargs)
        except (GroundswellError, Unreadable) as error:
            raise ToolError(str(error)) from error

    return call
