"""The docs refer to things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCE_ROOTS = ("aggregator", "scoring", "web", "groundswell", "bench", "tests", "docs")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http", "mailto")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "docs/dev/glossary.md", "docs/dev/architecture.md"])
def test_every_module_that_a_page_names_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(rf"`((?:{'|'.join(SOURCE_ROOTS)})/[\w/]+(?:\.\w+)?)/?`", text):
        assert (ROOT / path).exists() or (ROOT / f"{path}.py").exists(), path


def test_the_glossary_has_one_entry_for_each_term() -> None:
    text = (ROOT / "docs/dev/glossary.md").read_text(encoding="utf-8")
    terms = [
        re.sub(r"[*`]", "", row) for row in re.findall(r"^\| ([^|]+) \|", text, re.M) if row not in ("term", "---")
    ]
    assert len(terms) >= 60
    assert len(set(terms)) == len(terms)
