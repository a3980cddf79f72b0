"""Every text that catalogs have to contain, collected from templates and modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from scoring.relevance.features import GROUPS
from web import api
from web.pages import about

ROOT = Path(__file__).resolve().parents[3]
Message = str | tuple[str, str]
"""A text, or the texts for one thing and for several."""

_PLURALS = ("plural", "both_forms")


def messages() -> set[Message]:
    """Return the texts of all translated pages."""
    labels = {group.label for group in GROUPS}
    return (
        labels
        | {message for path in _templates() for message in _of_template(path)}
        | {message for path in (ROOT / "web").rglob("*.py") for message in _of_module(path)}
        | {
            text
            for folder in ("aggregator", "scoring", "web")
            for path in (ROOT / folder).rglob("*.py")
            for text in _deferred(path)
        }
        | set(_of_sources())
        | set(_of_api())
    )


def _deferred(path: Path) -> Iterator[str]:
    """Return the templates of messages that are translated where they are shown."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)) if "Translatable(" in source else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Translatable":
            template = node.args[0]
            assert isinstance(template, ast.Constant), f"{path}: not a literal: {ast.unparse(node)}"
            assert isinstance(template.value, str)
            yield template.value


def _of_sources() -> Iterator[str]:
    """Return the sentences about sources, which `aggregator` composes and a `Speech` words for pages."""
    module = ROOT / "aggregator/polling/source_health.py"
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "text":
            first = node.args[0]
            assert isinstance(first, ast.Constant), ast.unparse(node)
            assert isinstance(first.value, str)
            yield first.value


def _of_api() -> list[str]:
    """Return the descriptions in the API's schemas that its page shows."""
    texts: list[str] = []

    def collect(text: str) -> str:
        texts.append(text)
        return text

    about.operations(api.install(Flask("texts")).spec.to_dict(), collect)
    return texts


def _templates() -> list[Path]:
    return [path for folder in ("", "digest", "admin") for path in (ROOT / "web/templates" / folder).glob("*.html")]


def _of_template(path: Path) -> Iterator[Message]:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    parsed = environment.parse(path.read_text(encoding="utf-8"))
    for _, function, texts in extract_from_ast(parsed, ("_", "gettext", "plural"), babel_style=True):
        strings = [text for text in (texts if isinstance(texts, tuple) else (texts,)) if text is not None]
        yield _plural(*strings) if function == "plural" else strings[0]


def _of_module(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if node.func.id == "gettext" and texts:
            yield texts[0]
        elif node.func.id in _PLURALS and texts and _speaks_for_pages(path):
            yield _plural(*texts)


def _speaks_for_pages(path: Path) -> bool:
    return "from web.i18n" in path.read_text(encoding="utf-8") or path.parent.name == "i18n"


def _plural(noun: str, plural_noun: str = "") -> Message:
    return f"%(n)s {noun}", f"%(n)s {plural_noun or noun + 's'}"
