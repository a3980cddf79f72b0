from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.errors import GroundswellError, StreamError
from aggregator.model import Config, Site
from groundswell.cli import cli
from scoring.engine import Coverage
from scoring.evaluation import front_page, labelled_files, recording
from scoring.evaluation.labelled_files import Label, LabelledItem
from scoring.evaluation.recording import Moment, RecordedEntry, Recording
from scoring.relevance.model import load_prior
from scoring.replay.streams import Line, Stream

EDITION = Path(__file__).parents[2] / "data" / "front_page" / "edition.jsonl"
LABELS = EDITION.with_name("edition.labels.tsv")
START = datetime(2026, 1, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def story(number: int, hour: float, entry_ids: tuple[int, ...] = ()) -> Coverage:
    at = START + hour * HOUR
    return Coverage(
        number, "models", f"s{number}", f"title {number}", at, at, at, 1, 1.3, ((at, 1.0),), entry_ids or (number,)
    )


def recorded(grades: dict[int, int], shown: tuple[int, ...]) -> tuple[Recording, list[LabelledItem]]:
    """Return a recording of one hour in which each story has one entry, and the labels of the entries."""
    entries, items = {}, []
    for number, grade in grades.items():
        line = Line(str(number), START + number * HOUR, None, f"title {number}", url=f"https://a.example/{number}")
        entries[number] = RecordedEntry(number, "s", line.title, "", line.url, None, line.arrived_at)
        items.append(LabelledItem(line, Label(grade=grade, picked=grade == 3)))
    last = START + 25 * HOUR
    items.append(LabelledItem(Line("first", START, None, "before the recording"), Label(grade=0)))
    items.append(LabelledItem(Line("last", last, None, "after the recording"), Label(grade=0)))
    stories = tuple(story(number, number) for number in grades)
    return Recording(entries, [Moment(last, stories, {"": shown})]), items


def test_the_gain_of_a_page_is_its_discounted_grades_over_the_best_possible() -> None:
    past, items = recorded({2: 3, 3: 0, 4: 2}, shown=(3, 4, 2))
    report = front_page.evaluate(past, items)
    shown = next(result for result in report.results if result.name == "as shown")
    gained = 3 / math.log2(3) + 7 / math.log2(4)
    possible = 7 / math.log2(2) + 3 / math.log2(3)
    assert shown.ndcg_at_10 is not None
    assert shown.ndcg_at_10.value == pytest.approx(gained / possible)
    assert shown.worthy is not None
    assert shown.worthy.value == pytest.approx(0.2)
    assert shown.noise is not None
    assert shown.noise.value == pytest.approx(0.1)
    assert shown.picked is not None
    assert shown.picked.value == report.picked_at_best == pytest.approx(0.1)


def test_a_place_repeats_if_a_story_above_is_about_the_same_event() -> None:
    past, items = recorded({2: 3, 3: 2, 4: 2, 5: 1}, shown=(4, 2, 3, 5))
    assert front_page.evaluate(past, items).results[0].repeated is None, "no item has the label of a story"

    events = {"2": "strike", "3": "merger", "4": "strike"}
    labelled = [replace(item, label=replace(item.label, story=events.get(item.line.id, ""))) for item in items]
    shown = front_page.evaluate(past, labelled).results[0].repeated
    assert shown is not None
    assert shown.value == pytest.approx(0.1)

    past.moments[0] = Moment(
        past.moments[0].at, (story(2, 4, (2, 3, 5)), story(4, 4), story(6, 4, (3,))), {"": (4, 2, 6)}
    )
    hour = front_page.Hour(
        past.moments[0], {2: Label(story="x"), 3: Label(story="y"), 4: Label(story="y"), 5: Label(story="y")}
    )
    assert (hour.with_event([4, 2, 6]), hour.repeats([4, 2, 6])) == (3, 2)


def test_a_story_has_the_best_grade_of_its_entries() -> None:
    past, items = recorded({2: 0, 3: 3}, shown=(2,))
    past.moments[0] = Moment(past.moments[0].at, (story(2, 4, (2, 3)),), {"": (2,)})
    shown = front_page.evaluate(past, items).results[0]
    assert shown.ndcg_at_10 is not None
    assert shown.ndcg_at_10.value == pytest.approx(1.0)


def test_the_best_page_is_made_of_all_stories_that_may_be_shown_and_that_of_the_day_of_recent_ones() -> None:
    past, items = recorded({2: 3, 4: 2}, shown=(4, 2))
    recent, old = story(2, 4), story(4, -30)
    past.moments[0] = Moment(past.moments[0].at, (recent, old), {"": (4, 2)})
    shown = front_page.evaluate(past, items).results[0]
    assert shown.ndcg_at_10 is not None
    assert shown.ndcg_at_10.value == pytest.approx((3 + 7 / math.log2(3)) / (7 + 3 / math.log2(3)))
    assert shown.ndcg_of_day is not None
    assert shown.ndcg_of_day.value == 1.0  # 3 + 4.4 of at most 7: yesterday's story gains, too

    past.moments[0] = Moment(past.moments[0].at, (recent, old), {"": (4,)})
    shown = front_page.evaluate(past, items).results[0]
    assert shown.ndcg_of_day is not None
    assert shown.ndcg_of_day.value == pytest.approx(3 / 7)


def test_labels_that_the_stream_does_not_have_are_an_error_that_says_so() -> None:
    past, items = recorded({2: 3}, shown=(2,))
    with pytest.raises(GroundswellError, match="no hour to measure"):
        front_page.evaluate(Recording({}, past.moments[:0]), items, "week.tsv")


def test_a_recording_reads_back_as_it_was_written(tmp_path: Path) -> None:
    past = recording.record(Stream(EDITION), Config(Site(), (), ()), load_prior(), learn=False)
    recording.save(past, tmp_path / "edition.gz")
    again = recording.load(tmp_path / "edition.gz")
    assert [m.at for m in again.moments] == [m.at for m in past.moments]
    assert [m.lists for m in again.moments] == [m.lists for m in past.moments]
    for written, other in zip(again.moments, past.moments, strict=True):
        assert sorted(written.stories, key=lambda c: c.story_id) == sorted(other.stories, key=lambda c: c.story_id)
    assert front_page.evaluate(again, labelled_files.read(LABELS)) == front_page.evaluate(
        past, labelled_files.read(LABELS)
    )


def test_a_file_that_is_not_a_recording_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.gz"
    other.write_bytes(b"not gzip")
    with pytest.raises(StreamError, match="cannot read the recording"):
        recording.load(other)


def test_the_command_prints_each_order_for_a_table_and_for_a_yes_or_no(tmp_path: Path) -> None:
    picks = tmp_path / "picks.jsonl"
    rows = [json.loads(line) for line in EDITION.read_text().splitlines()]
    grades = {item.line.id: item.label.grade for item in labelled_files.read(LABELS)}
    picks.write_text("\n".join(json.dumps(row | {"picked": int(grades[row["id"]] == 3)}) for row in rows))
    file = tmp_path / "edition.gz"

    graded = CliRunner().invoke(
        cli, ["evaluate", "front-page", str(EDITION), str(LABELS), "--recording", str(file), "--json"]
    )
    assert graded.exit_code == 0, graded.output
    report = json.loads(graded.stdout)[0]
    assert (report["labelled"], report["in_stream"]) == (54, 54)
    assert [result["name"] for result in report["results"]][:2] == ["as shown", "by score"]

    missing = CliRunner().invoke(
        cli, ["evaluate", "front-page", str(EDITION), str(LABELS), "--prior", str(tmp_path / "none.json")]
    )
    assert "cannot be read" in str(missing.exception)

    picked = CliRunner().invoke(
        cli,
        ["evaluate", "front-page", str(EDITION), str(picks), "--label", "picked", "--recording", str(file)],
    )
    assert picked.exit_code == 0, picked.output
    assert "at best" in picked.stdout
    assert "as shown" in picked.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name the columns"),
        ("name\tgrade\nx\t2\n", "name the columns"),
        ("id\tgrade\ne-00\t7\n", ":2: grade '7' is not one of 0, 1, 2, 3"),
        ("id\tgrade\nother\t2\n", "has a label"),
    ],
)
def test_a_table_that_cannot_be_read_names_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "edition.labels.tsv"
    table.write_text(text)
    (tmp_path / "edition.jsonl").write_bytes(EDITION.read_bytes())
    with pytest.raises(StreamError, match=message):
        labelled_files.read(table)


def test_a_table_without_its_items_says_where_they_should_be(tmp_path: Path) -> None:
    (tmp_path / "week.labels.tsv").write_text("id\tgrade\na\t2\n")
    with pytest.raises(StreamError, match=r"there is no week\.jsonl"):
        labelled_files.read(tmp_path / "week.labels.tsv")
