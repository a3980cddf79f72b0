"""`groundswell evaluate relevance`: no information from the future is used, and the floors hold."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.demo import edition
from aggregator.errors import GroundswellError
from aggregator.model import Embedding
from scoring.cli.evaluate import evaluate as command
from scoring.cli.evaluate_labels import _prior_before
from scoring.evaluation.relevance import (
    Row,
    evaluate,
    known_examples,
    labelled,
    learn,
    read_rows,
    result,
    threshold,
    with_embeddings,
)
from scoring.relevance import model_file
from scoring.relevance.model import PRIOR_FILE, RelevanceModel, load_prior
from scoring.relevance.weights import Weights

START = datetime(2026, 6, 1, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
PRESS = SHARED / "labels" / "ai_press_2026_techmeme_dev.jsonl.gz"
PRESS_SHA256 = "2c4cefe68422cb729e2c6a91990cb3d250fb0a311edb5bc8f7b800c03ba04cbf"


FRUIT = ("apple", "pear", "plum", "fig")


def press(count: int = 480, seed: int = 0) -> list[dict[str, object]]:
    """Return invented lines; Zephyr's are picked, and some are undecided."""
    rng = random.Random(seed)
    lines: list[dict[str, object]] = []
    for i in range(count):
        big = rng.random() < 0.3
        lines.append(
            {
                "title": f"{'Zephyr unveils' if big else 'Recipe with'} {rng.choice(FRUIT)} {i}",
                "url": f"https://paper.example/{'business' if big else 'kitchen'}/{i}",
                "source": f"Paper {rng.randrange(5)}",
                "first_seen": (START + i * timedelta(hours=1)).isoformat(),
                "picked": None if i % 10 == 0 else int(big != (rng.random() < 0.1)),
                "points": 100 * big + rng.randrange(50),
            }
        )
    return lines


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_the_command_learns_scores_and_measures(tmp_path: Path) -> None:
    lines = press()
    before, after = write(tmp_path / "a.jsonl", lines[:340]), write(tmp_path / "b.jsonl", lines[340:])

    done = CliRunner().invoke(command, ["relevance", str(after), "--train", str(before), "--label", "picked", "--json"])

    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    score = report["results"][0]
    assert report["cases"] == 126
    assert score["auc"]["low"] <= score["auc"]["value"] <= score["auc"]["high"]
    assert score["auc"]["value"] > 0.8
    assert [r["name"] for r in report["results"][1:]] == [
        "learned once",
        "newest first",
        "most sources",
        "gravity of Hacker News",
        "hot of Reddit",
        "record of the source",
    ]


def test_online_each_day_is_scored_with_the_labels_of_that_morning(tmp_path: Path) -> None:
    lines = press()
    before, after = write(tmp_path / "a.jsonl", lines[:340]), write(tmp_path / "b.jsonl", lines[340:])

    done = CliRunner().invoke(
        command, ["relevance", str(after), "--train", str(before), "--label", "picked", "--online", "--json"]
    )

    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["cases"] == 130  # from midnight of the day on which the file begins
    # The last model knows what arrived at least 48 hours before the last day, and nothing later.
    assert 340 * 0.9 < report["train"] < 480 * 0.9 - 48 * 0.9
    assert report["results"][0]["auc"]["value"] > 0.8


def rows_of(tmp_path: Path, lines: list[dict[str, object]]) -> list[Row]:
    return read_rows(write(tmp_path / "rows.jsonl", lines), "picked")


def test_learning_starts_from_a_prior_only_where_that_helps(tmp_path: Path) -> None:
    examples = known_examples(rows_of(tmp_path, press(300)), START + timedelta(days=20))
    weights = {"zephyr": 2.0, "unveils": 2.0}
    helpful = RelevanceModel("", Weights(-2.0, weights, 2.0, title={"zephyr": 4.0, "unveils": 4.0}))
    misleading = RelevanceModel("", Weights(0.0, weights, 2.0, title={"zephyr": -9.0, "unveils": -9.0}))

    assert learn(examples, helpful).prior is helpful
    assert learn(examples, misleading).prior is None


def test_a_score_that_was_learned_once_is_recalibrated_on_the_days_that_were_judged_since(tmp_path: Path) -> None:
    lines = press(2_400)
    rng = random.Random(1)
    for line in lines[600:]:  # from then on an editor picks far fewer
        line["picked"] = line["picked"] and int(rng.random() < 0.3)
    rows = rows_of(tmp_path, lines)

    score, once, *_ = evaluate(rows[:540], rows[540:]).results

    assert (score.name, once.name) == ("score", "learned once")
    assert score.ece is not None
    assert once.ece is not None
    assert score.ece.value < 0.6 * once.ece.value


def test_the_shipped_prior_takes_no_part_in_measuring_days_that_it_has_seen(tmp_path: Path) -> None:
    _, last = model_file.read(PRIOR_FILE, "prior").window

    assert _prior_before(datetime.fromisoformat(last)) is None
    assert _prior_before(datetime.fromisoformat(last) + timedelta(seconds=1)) is load_prior()


def test_relevance_without_earlier_items_says_what_is_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["relevance", str(write(tmp_path / "a.jsonl", press(50))), "--label", "picked"])
    assert "use --train" in str(done.exception)


def test_numbers_become_labels_by_the_threshold_of_the_training_file(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path / "a.jsonl", press(200)), "points")

    assert threshold(rows, 0.25) > 50
    assert {row.label for row in labelled(rows, 100.0)} == {0.0, 1.0}
    with pytest.raises(GroundswellError, match="--at-least"):
        labelled(rows)


def test_later_items_do_not_change_earlier_examples() -> None:
    def rows(last: str) -> list[Row]:
        titles = ["Zephyr unveils chip", "Recipe for soup", "Zephyr unveils a chip", last]
        return [Row(t, f"s{i}", "", START + i * timedelta(hours=1), label=1.0) for i, t in enumerate(titles)]

    first, other = (
        known_examples(rows(last), START + timedelta(hours=3)) for last in ("Zephyr unveils chip again", "Nothing")
    )

    assert first[:3] == other[:3]
    assert len(first[2].signals.voices) == 2


class Encoder:
    """Encodes two subjects, by their first word."""

    name = "two-subjects"

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        return [
            Embedding(self.name, bytes([127, 0] if t.split()[0] in ("Zephyr", "Wind") else [0, 127])) for t in texts
        ]

    def encode_query(self, text: str) -> Embedding | None:
        return self.encode([text])[0]


def test_titles_of_one_meaning_are_coverage_of_each_other() -> None:
    titles = {"s0": "Zephyr unveils chip", "s1": "Recipe for soup", "s2": "Wind maker shows processor"}
    rows = [Row(t, s, "", START + i * timedelta(hours=1), label=1.0) for i, (s, t) in enumerate(titles.items())]
    rows.append(replace(rows[1], arrived_at=START + timedelta(hours=3)))  # words count if two texts have them
    by_words = known_examples(rows, START + timedelta(hours=4))
    by_meaning = known_examples(with_embeddings(rows, Encoder()), START + timedelta(hours=4))
    assert [len(example.signals.voices) for example in by_words] == [1, 1, 1, 1]
    assert [example.signals.voices for example in by_meaning] == [("s0",), ("s1",), ("s0", "s2"), ("s1",)]
    assert by_meaning[2].signals.first_seen_at == START


def test_an_ending_that_names_the_publisher_goes() -> None:
    def title(text: str, source: str) -> str:
        path_line = {"title": text, "source": source, "first_seen": START.isoformat()}
        from scoring.evaluation.relevance.rows import _row

        return _row(path_line, "").title

    assert title("Storm hits coast - CNN", "cnn") == "Storm hits coast"
    assert title("Storm hits coast - BBC News", "bbc-news") == "Storm hits coast"
    assert title("Storm hits coast - live", "cnn") == "Storm hits coast - live"


@pytest.mark.parametrize(
    ("text", "message"),
    [("nonsense\n", r":1: not a labelled item"), ('{"title": "x"}\n', "says when it arrived"), ("", "no line has")],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text, "utf-8")

    with pytest.raises(GroundswellError, match=message):
        read_rows(path, "picked")


def test_one_class_only_is_refused_in_a_sentence() -> None:
    rows = [Row(f"Recipe {i}", "a", "", START + i * timedelta(hours=6), label=0.0) for i in range(40)]

    with pytest.raises(GroundswellError, match="labels of both kinds"):
        evaluate(rows[:30], rows[30:])


def test_intervals_hold_the_value_and_need_both_classes() -> None:
    days = [f"2026-06-{1 + i // 12:02}" for i in range(120)]
    rng = random.Random(1)
    truth = [int(rng.random() < 0.3) for _ in days]
    measured = result("x", days, [y + rng.gauss(0, 1) for y in truth], truth)

    assert measured.auc is not None
    assert measured.auc.low < measured.auc.value < measured.auc.high
    assert result("x", days, [0.5] * 120, [0] * 120).auc is None


def test_the_prior_finds_the_widely_reported_stories_of_the_sample_edition() -> None:
    # The sample edition: an article is relevant if three or more sources reported its event.
    sources_by_event: dict[str, set[str]] = {}
    stream = edition.as_stream(edition.load())
    for line in stream:
        sources_by_event.setdefault(str(line["event"]), set()).add(str(line["source"]))
    rows = [
        Row(
            str(line["title"]),
            str(line["source"]),
            str(line["url"]),
            datetime.fromisoformat(str(line["first_seen"])),
            str(line["summary"] or ""),
            label=float(len(sources_by_event[str(line["event"])]) >= 3),
        )
        for line in stream
    ]
    examples = known_examples(rows, rows[-1].arrived_at)
    days = [e.day for e in examples]
    score = result(
        "prior", days, [load_prior().logit(e.signals) for e in examples], [int(e.relevant) for e in examples]
    )

    assert score.auc is not None
    assert score.auc.value >= SAMPLE_FLOOR


SAMPLE_FLOOR = 0.69


@pytest.mark.long
@pytest.mark.skipif(not PRESS.exists(), reason=f"the recorded press is not here: {PRESS}")
def test_the_score_keeps_its_floor_on_the_recorded_press() -> None:
    assert hashlib.sha256(PRESS.read_bytes()).hexdigest() == PRESS_SHA256, "other data than the floor is for"
    rows = read_rows(PRESS, "techmeme")
    cut = rows[int(0.7 * len(rows))].arrived_at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

    report = evaluate([r for r in rows if r.arrived_at < cut], [r for r in rows if r.arrived_at >= cut])

    score, _, _, most, *_ = report.results
    assert score.auc is not None
    assert score.ndcg_at_10 is not None
    assert score.ece is not None
    assert most.auc is not None
    assert 0.87 <= score.auc.value <= 0.94
    assert score.ndcg_at_10.value >= 0.74
    assert score.ece.value <= 0.045
    assert score.auc.value > most.auc.value + 0.1
