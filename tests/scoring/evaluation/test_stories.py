from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import StreamError
from groundswell.cli import cli
from scoring.evaluation.stories import read_gold
from scoring.metrics.clustering import bcubed, bcubed_interval, ceaf_e, nmi, pairs, pairs_interval

# Six entries of two events; one of the first was put with the second, and one of the second is alone.
GOLD = ["a", "a", "a", "b", "b", "b"]
FOUND = [1, 1, 2, 2, 2, 3]


def test_worked_examples() -> None:
    both = bcubed(GOLD, FOUND)
    assert both.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert both.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 2 / 3 + 2 / 3 + 1 / 3) / 6)
    joined = pairs(GOLD, FOUND)
    assert (joined.precision, joined.recall) == (2 / 4, 2 / 6)
    matched = ceaf_e(GOLD, FOUND)
    assert matched.precision == pytest.approx((2 * 2 / 5 + 2 * 2 / 6) / 3)
    assert matched.recall == pytest.approx((2 * 2 / 5 + 2 * 2 / 6) / 2)
    shared = 2 / 6 * math.log(2) + 1 / 6 * math.log(6 / 9) + 2 / 6 * math.log(12 / 9) + 1 / 6 * math.log(2)
    stories = -(2 / 6 * math.log(2 / 6) + 3 / 6 * math.log(3 / 6) + 1 / 6 * math.log(1 / 6))
    assert nmi(GOLD, FOUND) == pytest.approx(shared / math.sqrt(math.log(2) * stories))


def test_all_alone_is_precise_and_all_in_one_is_complete() -> None:
    alone, together = list(range(6)), [0] * 6
    assert bcubed(GOLD, alone).precision == pairs(GOLD, alone).precision == 1
    assert bcubed(GOLD, together).recall == pairs(GOLD, together).recall == 1
    assert bcubed(GOLD, alone).recall == pytest.approx(1 / 3)
    assert nmi(GOLD, together) == 0


labelled = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@given(labelled)
def test_measures_lie_in_0_to_1_and_the_labels_themselves_are_perfect(both: list[tuple[int, int]]) -> None:
    gold, predicted = [g for g, _ in both], [f for _, f in both]
    for rate in (bcubed, pairs, ceaf_e):
        assert 0 <= rate(gold, predicted).f1 <= 1 + 1e-6
        assert rate(gold, gold).f1 == pytest.approx(1)
        assert rate(gold, predicted).precision == pytest.approx(rate(predicted, gold).recall)


@given(labelled)
def test_the_interval_is_reproducible_and_holds_what_was_measured_more_often_than_not(
    both: list[tuple[int, int]],
) -> None:
    gold, predicted = [g for g, _ in both], [f for _, f in both]
    for interval in (bcubed_interval, pairs_interval):
        low, high = interval(gold, predicted, resamples=50)
        assert 0 <= low <= high <= 1
        assert (low, high) == interval(gold, predicted, resamples=50)


def test_the_interval_of_pairs_lies_around_their_f1() -> None:
    gold = [n // 2 for n in range(200)]
    predicted = [n if n % 8 == 1 else n // 4 for n in range(200)]

    low, high = pairs_interval(gold, predicted)

    assert low < pairs(gold, predicted).f1 < high


def test_labels_that_are_none_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.tsv"
    path.write_text("a\tx\n\nb\t\nc\n")
    with pytest.raises(StreamError, match=r"gold.tsv:4: not `id<TAB>story`"):
        read_gold(path)
    path.write_text("a\tx\nb\t\n")
    assert read_gold(path) == {"a": "x"}


def rows(*titles: str, start: int = 0) -> str:
    return "".join(
        json.dumps({"id": f"e{n}", "ts": 1_700_000_000 + 600 * n, "title": title, "source": f"s{n}"}) + "\n"
        for n, title in enumerate(titles, start=start)
    )


def test_the_command_measures_a_stream_with_its_background(tmp_path: Path) -> None:
    items, noise, gold = tmp_path / "items.jsonl", tmp_path / "noise.jsonl", tmp_path / "gold.tsv"
    items.write_text(
        rows(
            "Plover unveils an error-corrected quantum processor",
            "Ferry strike halts all traffic in the fjord",
            "Quantum startup Plover presents error-corrected processor",
        )
    )
    noise.write_text(rows("Museum in Ghent reopens after flood", start=3))
    gold.write_text("e0\tchip\ne1\tferry\ne2\tchip\n")

    result = CliRunner().invoke(
        cli, ["evaluate", "stories", str(items), str(gold), "--background", str(noise), "--json"]
    )

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["entries"], report["labelled"], report["labels"]) == (4, 3, 2)
    assert report["arrival"]["bcubed_f1"] == report["end"]["bcubed_f1"] == 1.0
    table = CliRunner().invoke(cli, ["evaluate", "stories", str(items), str(gold)]).stdout
    assert table.splitlines()[0] == "3 entries, 3 of them with one of 2 labels"


def test_labels_of_another_stream_and_unknown_fields_are_refused_in_a_sentence(tmp_path: Path) -> None:
    items, gold = tmp_path / "items.jsonl", tmp_path / "gold.tsv"
    items.write_text(rows("Ferry strike halts all traffic in the fjord"))
    gold.write_text("x\ty\n")

    other = CliRunner().invoke(cli, ["evaluate", "stories", str(items), str(gold)])
    field = CliRunner().invoke(cli, ["evaluate", "stories", str(items), str(gold), "--fields", "body"])

    assert other.exit_code != 0
    assert field.exit_code != 0
    assert "labels of another stream" in str(other.output) + str(other.exception)
    assert "'body' is not one of title, summary" in str(field.output) + str(field.exception)
