"""What the user documentation contains: blocks of commands and configuration, and commands in the text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from groundswell.cli import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
"""The pages for people who run or read a site; docs/dev is for those who change the program."""

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.M | re.S)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of *page* with a language, without the indentation of surrounding lists."""
    matches = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(language, re.sub(rf"^{indent}", "", text, flags=re.M)) for indent, language, text in matches]


def command_lines(block: Block) -> list[str]:
    """Return the commands of a shell block: continued lines joined, comments and the program's folder removed."""
    text = block.text.replace("\\\n", " ")
    lines = [re.sub(r"\s+# .*", "", line).strip() for line in text.splitlines()]
    return [line.replace(".venv/bin/groundswell", "groundswell") for line in lines if line and not line.startswith("#")]


def mentioned(page: Path) -> Iterator[str]:
    """Yield each code span of *page* that begins with a command of the program, without `groundswell`.

    A span without the program's name (`sources add ADDRESS`, as in tables) counts if its second word is one of the
    command's own.
    """
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for span in _CODE.findall(text):
        tokens = span.split()
        if tokens[0] == "groundswell":
            yield " ".join(tokens[1:])
        elif len(tokens) > 1 and _is_command_of(tokens[0], tokens[1]):
            yield span


@dataclass(frozen=True)
class Usage:
    """A command and some of its options, which a page has to explain before a test may type it."""

    command: tuple[str, ...]
    options: frozenset[str]


def usage(arguments: str) -> Usage:
    """Return the command and options of a command line without the program's name; ValueError names unknown parts."""
    command: click.Command = cli
    path: list[str] = []
    options = set()
    rest = shlex.split(arguments)
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            options_of = {name: param for param in command.params for name in (*param.opts, *param.secondary_opts)}
            if word not in options_of:
                raise ValueError(f"`{' '.join(['groundswell', *path])}` has no option {word}")
            option = options_of[word]
            if isinstance(option, click.Option) and not option.is_flag:
                del rest[:1]
            options.add(word)
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]*", word):
            child = command.get_command(click.Context(command), word)
            if child is None and not (path and command.invoke_without_command):
                raise ValueError(f"there is no command `{' '.join([*path, word])}`")
            command = child or command
            path.append(word)
    return Usage(tuple(path), frozenset(options))


def documented() -> set[Usage]:
    """Return every documented command with its documented options."""
    usages = set()
    for page in PAGES:
        usages |= {usage(span) for span in mentioned(page)}
        for block in blocks(page):
            if block.language == "sh":
                lines = [line for line in command_lines(block) if "groundswell " in line]
                calls = [re.search(r"(?:^|\()groundswell ([^)]*)", line) for line in lines]
                usages |= {usage(call[1]) for call in calls if call}
    return usages


def _is_command_of(group: str, name: str) -> bool:
    command = cli.get_command(click.Context(cli), group)
    return isinstance(command, click.Group) and command.get_command(click.Context(command), name) is not None
