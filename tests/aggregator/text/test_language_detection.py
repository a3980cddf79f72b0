"""The detected language of headlines whose feed does not state one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.store import Store
from aggregator.text.language_detection import detector
from groundswell.cli import cli
from tests.web import newsroom
from tests.web.newsroom import Newsroom
from web.app import close_app, create_app

HEADLINES = [
    ("OpenAI takes 2 gigawatts of Amazon's Trainium in a deal for 1.4 million chips", "en"),
    ("Die Bundesregierung beschließt ein neues Gesetz über künstliche Intelligenz", "de"),
    ("Le gouvernement adopte la loi sur l'intelligence artificielle", "fr"),
    ("アマゾン、新しい人工知能チップを発表", "ja"),
    ("亚马逊发布新一代人工智能芯片", "zh"),
    ("Nvidia", ""),
    ("GPT-5.5", ""),
    ("", ""),
]


def test_a_headline_has_its_language_or_none() -> None:
    detect = detector()
    assert [detect(text) for text, _ in HEADLINES] == [language for _, language in HEADLINES]


@pytest.mark.parametrize("stated", ["", "fr"])
def test_pages_mark_headlines_in_another_language(tmp_path: Path, stated: str) -> None:
    db = tmp_path / "news.db"
    german = HEADLINES[1][0]
    with Store.open(db) as store:
        room = Newsroom(store, newsroom.sample_config())
        room.story(german, ["seedbed"], language=stated)
        room.story(HEADLINES[0][0], ["seedbed"], language=stated)
        room.rank()
        for expected in ("2 detected", "0 detected") if not stated else ("0 detected",):
            answer = CliRunner().invoke(cli, ["detect-languages", "--db", str(db)])
            assert answer.exit_code == 0, answer.output
            assert expected in answer.stdout
        app = create_app(db, newsroom.clock, fallback_config=newsroom.sample_config())
        page = app.test_client().get("/trending").text
        close_app(app)
    assert f'lang="{stated or "de"}"><a href="/story/1/' in page
    # English on an English page needs no `lang` attribute.
    assert ('dir="auto"><a href="/story/2/' in page) == (not stated)
