"""`groundswell docs`, and that no message sends people to a file which they may not have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from click.testing import CliRunner

from aggregator.errors import GroundswellError
from groundswell.cli import cli

ROOT = Path(__file__).resolve().parent.parent
FILES = {**{page.stem: page for page in (ROOT / "docs").glob("*.md")}, "changelog": ROOT / "CHANGELOG.md"}
PAGES = sorted(FILES)


def test_every_page_of_the_docs_is_listed_and_printed_as_it_is() -> None:
    listed = CliRunner().invoke(cli, ["docs"]).output
    assert [line.split()[0] for line in listed.splitlines()] == PAGES
    assert re.search(r"^configuration +Configuration: feeds.yaml$", listed, re.M)
    for name in PAGES:
        assert CliRunner().invoke(cli, ["docs", name]).output.strip() == FILES[name].read_text().strip()


def test_a_misspelled_page_is_an_error_with_the_nearest_name() -> None:
    result = CliRunner().invoke(cli, ["docs", "configration"])
    assert isinstance(result.exception, GroundswellError)
    assert "did you mean 'configuration'?" in str(result.exception)


def test_messages_name_pages_that_an_installation_has() -> None:
    """Docstrings and comments are for those who have the sources; everything else is for those who run the program."""
    named = []
    for folder in ("aggregator", "scoring", "web", "groundswell"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in _texts(path):
                named += [f"{path.relative_to(ROOT)}: {text[:80]}"] if re.search(r"\bdocs/[\w/]+\.md", text) else []
                for page in re.findall(r"groundswell docs ([a-z-]+)", text):
                    assert page in PAGES, path
    assert named == []
    assert not re.search(r"\bdocs/", (ROOT / "feeds.yaml").read_text(encoding="utf-8"))


def _texts(path: Path) -> list[str]:
    """Return the strings of a module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [str(node.value) for node in constants if id(node) not in docstrings]
