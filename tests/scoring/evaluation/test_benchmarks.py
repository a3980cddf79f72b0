"""`groundswell evaluate` without arguments: every task whose data is available."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from click.testing import CliRunner

from scoring.cli.evaluate import evaluate as command
from scoring.evaluation.benchmarks import TASKS
from tests.scoring.evaluation.test_relevance import press


def test_tasks_whose_data_is_not_there_are_named_and_left_out(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--data", str(tmp_path)])

    assert done.exit_code == 0, done.output
    for task in TASKS:
        assert f"{task.name}: skipped; there is no" in done.stdout


def test_a_task_learns_from_the_first_days_and_measures_the_rest(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    with gzip.open(tmp_path / "labels" / "ai_press_2026_techmeme_dev.jsonl.gz", "wt", encoding="utf-8") as file:
        for line in press():
            file.write(json.dumps(line | {"techmeme": line["picked"]}) + "\n")

    read = CliRunner().invoke(command, ["--data", str(tmp_path), "--only", "techmeme"])
    result = CliRunner().invoke(command, ["--data", str(tmp_path), "--only", "techmeme", "--json"])

    assert read.exit_code == result.exit_code == 0, read.output + result.output
    assert "AUC .90, nDCG@10 .75, ECE .03" in read.stdout
    (report,) = json.loads(result.stdout).values()
    assert report["train"] > 2 * report["cases"] > 200
    assert report["results"][0]["auc"]["value"] > 0.8


def test_a_task_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--data", str(tmp_path), "--only", "techmem"])

    assert done.exit_code != 0
    assert "techmeme" in str(done.exception)
