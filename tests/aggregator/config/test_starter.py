"""The feeds.yaml that `groundswell init` writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli.init import init, require_config
from aggregator.config import parse_config
from aggregator.config.starter import shipped_text, starter_config
from aggregator.errors import ConfigError

OURS = Path(__file__).resolve().parents[3] / "feeds.yaml"
IDS = [category.id for category in parse_config(shipped_text()).categories]


def test_it_is_the_file_at_the_top_of_the_repository() -> None:
    assert shipped_text() == OURS.read_text(encoding="utf-8")
    assert starter_config()[0] == shipped_text()


@pytest.mark.parametrize("topic", IDS)
def test_of_a_topic_all_its_sources_stay_and_no_others(topic: str) -> None:
    shipped = parse_config(shipped_text())
    text, config = starter_config([topic])
    assert config == parse_config(text)
    assert [category.id for category in config.categories] == [topic]
    assert config.sources == tuple(source for source in shipped.sources if source.category == topic)
    assert len(config.sources) >= 5
    # Comments that explain the file stay; headings of removed groups do not.
    assert text.startswith(shipped_text().partition("  - id: models")[0])
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    assert set(text.splitlines()) <= set(shipped_text().splitlines())


def test_topics_add_up() -> None:
    shipped = parse_config(shipped_text())
    assert starter_config(IDS)[1] == shipped
    assert {source.category for source in starter_config(["security", "models"])[1].sources} == {"security", "models"}
    with pytest.raises(ConfigError, match=r"no topic 'securty'; the topics are models.*did you mean 'security'"):
        starter_config(["securty"])


def run(*args: str) -> Result:
    return CliRunner().invoke(init, args)


def test_init_writes_the_file_once(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    result = run("--topic", "security", "--feeds", str(feeds))
    assert result.exit_code == 0, result.output
    assert "8 sources in 1 topic" in result.output
    assert parse_config(feeds.read_text(encoding="utf-8")) == starter_config(["security"])[1]
    before = feeds.read_bytes()
    assert "already exists and was not changed" in str(run("--feeds", str(feeds)).exception)
    assert feeds.read_bytes() == before
    assert "no folder" in str(run("--feeds", str(tmp_path / "nowhere" / "feeds.yaml")).exception)
    assert "security" in run("--list").output


def test_without_a_terminal_nothing_is_written_unless_requested(tmp_path: Path) -> None:
    feeds, db = tmp_path / "feeds.yaml", tmp_path / "news.db"
    with pytest.raises(ConfigError, match=r"feeds\.yaml does not exist; `groundswell init` creates one"):
        require_config(feeds, db, {})
    assert not list(tmp_path.iterdir())
    db.write_bytes(b"")
    require_config(feeds, db, {})  # the database knows the last valid one
    db.unlink()
    require_config(feeds, db, {}, write=True)
    assert parse_config(feeds.read_text(encoding="utf-8")).sources


def test_the_file_of_a_new_site_must_be_valid_and_a_known_site_starts_with_its_last_valid_one(tmp_path: Path) -> None:
    feeds, db = tmp_path / "feeds.yaml", tmp_path / "news.db"
    feeds.write_text("sauces: []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key 'sauces'"):
        require_config(feeds, db, {})
    db.write_bytes(b"")
    require_config(feeds, db, {})
