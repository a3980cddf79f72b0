from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.errors import GroundswellError
from groundswell.cli import cli
from scoring.evaluation.categories import Classifier, Row, evaluate, lines, read_rows

WORDS = {
    "sport": (
        "striker scores twice in cup tie",
        "coach praises goalkeeper after derby",
        "sprinter breaks relay record",
    ),
    "science": ("probe maps crater on distant moon", "lab grows crystal in zero gravity", "enzyme splits plastic fast"),
    "business": ("retailer lifts profit forecast", "bank cuts lending rate", "carmaker recalls dividend plan"),
}


def rows(language: str = "en", source: str = "") -> list[Row]:
    return [
        Row(f"{text} {number}", "", source and f"{source}-{category}", language, category)
        for number in range(8)
        for category, texts in WORDS.items()
        for text in texts
    ]


def test_a_fitted_classifier_predicts_new_headlines() -> None:
    new = [
        Row("goalkeeper saves the derby", "", "", "en", "sport"),
        Row("probe finds crater", "", "", "en", "science"),
        Row("bank lifts forecast", "", "", "en", "business"),
    ]
    report = evaluate(new, rows())
    assert report.parts[0].accuracy.value == 1.0
    assert [report.confusion[i][i] for i in range(3)] == [1, 1, 1]
    assert evaluate(new, rows()) == report


def test_each_language_is_learned_by_itself_and_without_one_by_all() -> None:
    report = evaluate([*rows("en")[:9], *rows("fr")[:9], *rows("eo")[:3]], [*rows("en"), *rows("fr")])
    assert [part.name for part in report.parts] == ["all", "en", "eo", "fr"]
    assert report.parts[0].accuracy.value == 1.0


def test_the_source_decides_if_the_words_do_not() -> None:
    learned = Classifier().fit(rows(source="desk"))
    (row,) = learned.probabilities([Row("untold words", "", "desk-science", "en", "science")])
    assert learned.classes_[int(row.argmax())] == "science"


def test_one_category_alone_cannot_be_learned() -> None:
    with pytest.raises(GroundswellError, match="two categories"):
        Classifier().fit([Row("a headline", "", "", "", "only")])


def test_without_a_training_file_the_seeds_speak() -> None:
    report = evaluate([Row("Science: probe lands", "", "", "", "science"), Row("Sport today", "", "", "", "sport")])
    assert report.train == 0
    assert report.parts[0].accuracy.value == 1.0
    assert "by seeds alone" in lines(report)[0]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"title": "a", "category": "b"}\n{"title": ""}\n', "utf-8")
    with pytest.raises(GroundswellError, match=r"broken.jsonl:2"):
        read_rows(path)


def test_the_command_reads_both_files_and_prints_json(tmp_path: Path) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(json.dumps({"title": r.title, "category": r.category}) for r in rows()), "utf-8")
    result = CliRunner().invoke(cli, ["evaluate", "categories", str(path), "--train", str(path), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    assert report["parts"][0]["accuracy"]["value"] == 1.0
    assert report["classes"] == ["business", "science", "sport"]
