"""Small shortages: what bench/shortage.py plays, without those that wait or need rights."""

from __future__ import annotations

import pytest

from bench import shortage


@pytest.mark.parametrize("name", ["clock"])
def test_all_is_well_again_after_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(shortage, "SOURCES", 6)
    assert shortage.play(name)["findings"] == []
