"""The first screen of README.md is true."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["refresh"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_the_explanation_is_what_the_program_prints(tmp_path: Path) -> None:
    """If scores change on purpose, run `python docs/refresh.py`."""
    module = refresh()
    shown = module.BLOCK.search(README)
    assert shown is not None
    assert shown.group(0).split("```\n")[1] == module.explanation(module.played(tmp_path))


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_make_targets_and_the_number_of_feeds_are_true() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b", README)):
        if target not in {"it", "anew"}:
            assert re.search(rf"^{target}:", makefile, re.M), target
    sources = yaml.safe_load((ROOT / "feeds.yaml").read_text(encoding="utf-8"))["sources"]
    assert f"polls the {len(sources)} feeds of feeds.yaml" in README
