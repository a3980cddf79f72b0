from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from groundswell.cli import cli
from scoring.evaluation import at_arrival, labelled_files
from scoring.evaluation.at_arrival import Arrival
from scoring.evaluation.labelled_files import Label
from scoring.replay.streams import Stream

EDITION = Path(__file__).parents[2] / "data" / "front_page" / "edition.jsonl"
LABELS = EDITION.with_name("edition.labels.tsv")


def run(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(cli, ["evaluate", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    report: dict[str, object] = json.loads(done.stdout)
    return report


def test_any_acceptable_category_is_accepted_and_off_topic_items_count_in_no_share() -> None:
    report = at_arrival.report(
        [
            Arrival(Label(grade=3, categories=("models", "research")), "2026-01-01", 90, "research"),
            Arrival(Label(grade=1, categories=("policy",)), "2026-01-01", 20, "policy"),
            Arrival(Label(grade=0, categories=("none",)), "2026-01-02", 30, "models"),
            Arrival(Label(grade=2, categories=("none", "models")), "2026-01-02", 10, "hardware"),
            Arrival(Label(categories=("models", "none")), "2026-01-02", 10, ""),
        ]
    )
    assert report.exact is not None
    assert report.exact.value == pytest.approx(1 / 4)
    assert report.accepted is not None
    assert report.accepted.value == pytest.approx(3 / 4)
    assert report.accepted_on_topic is not None
    assert report.accepted_on_topic.value == 1.0
    assert report.off_topic == 1
    assert report.score_auc == pytest.approx(0.5)


def test_the_command_measures_categories_and_scores_of_labelled_items_in_a_stream() -> None:
    report = run("categories", str(LABELS), "--stream", str(EDITION), "--feeds", "feeds.yaml")
    assert report["items"] == 54
    assert report["off_topic"] == 15
    accepted = report["accepted_on_topic"]
    assert isinstance(accepted, dict)
    assert accepted["value"] >= 0.6


def test_stories_are_measured_on_the_stream_around_the_labelled_items_without_the_unsure_ones(tmp_path: Path) -> None:
    (tmp_path / "edition.jsonl").write_bytes(EDITION.read_bytes())
    rows = LABELS.read_text().splitlines()
    rows[1] = rows[1].rsplit("\t", 1)[0] + "\t1"
    (tmp_path / "edition.labels.tsv").write_text("\n".join(rows))
    items = labelled_files.read(tmp_path / "edition.labels.tsv")
    assert len(labelled_files.stories_in(Stream(EDITION), items)) == 53

    report = run("stories", str(EDITION), str(tmp_path / "edition.labels.tsv"), "--time", "first_seen")
    assert (report["entries"], report["labelled"]) == (54, 53)
