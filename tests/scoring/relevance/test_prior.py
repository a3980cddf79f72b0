"""The prior that ships: what it contains, what it says of a fresh site, how well it does."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from scoring.evaluation import make_prior
from scoring.evaluation.relevance import Row, coverage
from scoring.relevance import model_file
from scoring.relevance.model import PRIOR_FILE, load_prior
from scoring.relevance.news_context import Surroundings
from tests.scoring.press import HOUR, signals

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
LABELS = SHARED / "labels" / "ai_press_2026_techmeme_dev.jsonl.gz"
STREAM = SHARED / "stream" / "ai_radar_2026_dev.jsonl.gz"
SHA256 = {
    LABELS: "2c4cefe68422cb729e2c6a91990cb3d250fb0a311edb5bc8f7b800c03ba04cbf",
    STREAM: "e853033a5e839805b60c2a6f09a9b3b6943a5d693305d15b9dd020257b54775a",
}


def test_it_holds_weights_and_provenance_and_no_text_of_others() -> None:
    file = model_file.read(PRIOR_FILE, "prior")

    assert PRIOR_FILE.stat().st_size <= 500_000
    assert set(file.content) == {"base", "unknown_idf", "others", "terms"}
    assert all(" " not in term and len(term) < 30 for term in file.content["terms"])
    assert not [n for n in file.content["others"] if n.startswith(("source:", "time:", "site:", "address:", "tag:"))]
    assert {"command", "sha256", "label"} <= set(file.provenance)
    assert {"auc", "ndcg_at_10", "brier", "ece", "held_out_from"} <= set(file.measures)
    assert {"python", "scikit-learn"} <= set(file.versions)


@pytest.mark.parametrize(
    "title",
    [
        "How to get more out of your robot vacuum this summer",
        "Opinion: why I stopped taking notes on my phone",
        "The best headphones deals of the weekend",
        "Notes from a small conference on compilers",
        "某公司举行年度会议",
    ],
)
def test_an_ordinary_item_of_one_source_scores_low(title: str) -> None:
    assert load_prior().score(signals(title)).score <= 25


@pytest.mark.parametrize(
    "title",
    [
        "OpenAI to rent 2 gigawatts of Trainium chips from Amazon",
        "Nvidia unveils a new chip as demand for AI servers grows",
        "Anthropic raises $2 billion at a $90 billion valuation",
    ],
)
def test_a_strong_story_of_six_sources_scores_high(title: str) -> None:
    story = signals(title, delays=[i * HOUR for i in range(6)])

    assert load_prior().score(story).score >= 80


def test_coverage_makes_most_of_the_difference_for_words_it_does_not_know() -> None:
    surroundings = Surroundings()
    for day in range(20):
        surroundings.take(f"Recipe {day} for soup", "paper9", (signals().first_seen_at + day * HOUR).timestamp())
    seen = [
        surroundings.take("Ljubljana Quixote", f"paper{i}", (signals().first_seen_at + (24 + i) * HOUR).timestamp())
        for i in range(6)
    ]
    alone, six = (
        load_prior().score(
            replace(signals("Ljubljana Quixote", delays=[i * HOUR for i in range(n)]), around=seen[n - 1])
        )
        for n in (1, 6)
    )

    assert alone.score <= 15
    assert six.score >= 60


def test_the_command_makes_it_anew_from_data_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, stream = small_press(tmp_path)

    status = make_prior.main(["--labels", str(labels), "--stream", str(stream), "--out", str(tmp_path / "a.json")])
    make_prior.main(["--labels", str(labels), "--stream", str(stream), "--out", str(tmp_path / "b.json")])

    assert status == 0
    assert "terms" in capsys.readouterr().out
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    terms = model_file.read(tmp_path / "a.json", "prior").content["terms"]
    assert terms["zephyr"][1] > 0 > terms["recipe"][1]


def small_press(folder: Path) -> tuple[Path, Path]:
    """Write 240 press items of our own wording; half of them are picked."""
    lines = []
    for i in range(240):
        picked = i % 2
        lines.append(
            {
                "title": f"Zephyr unveils robot {i}" if picked else f"Another recipe for soup {i}",
                "url": f"https://paper.example/{i}",
                "source": f"Paper {i % 5}",
                "first_seen": (signals().at + i * timedelta(hours=1)).isoformat(),
                "techmeme": picked if i % 10 else None,
            }
        )
    paths = folder / "labels.jsonl.gz", folder / "stream.jsonl"
    with gzip.open(paths[0], "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    paths[1].write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return paths


def test_the_command_says_which_file_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = make_prior.main(["--labels", str(tmp_path / "none"), "--stream", "x", "--out", "y"])

    assert status == 2
    assert "there is no file" in capsys.readouterr().err


def test_coverage_counts_only_what_other_sources_had_before() -> None:
    def item(title: str, source: str, hours: float) -> Row:
        return Row(title, source, "", signals().first_seen_at + hours * HOUR)

    title = "Zephyr Labs unveils chip for data centres"
    items = [
        item(title, "a", 0),
        item(title, "a", 1),
        item(title, "b", 2),
        item("Recipe for soup", "c", 3),
        item(title, "c", 4),
        item(title, "d", 60),
    ]

    told = coverage(items, items[-1].arrived_at + HOUR)

    assert [sorted(sources) for sources in told] == [[], [], ["a"], [], ["a", "b"], []]


@pytest.mark.skipif(not LABELS.exists(), reason=f"the recorded press is not here: {LABELS}")
def test_the_recipe_keeps_its_floor_on_the_recorded_press() -> None:
    for path, pinned in SHA256.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == pinned, f"{path} is other data than the floor is for"

    measures = make_prior.make(LABELS, STREAM).measures

    assert measures["auc"] >= 0.875
    assert measures["ndcg_at_10"] >= 0.72
    assert measures["brier"] <= 0.108
    assert measures["ece"] <= 0.04
    # Far above what words and early coverage can know: then something of the label got in.
    assert measures["auc"] <= 0.93
