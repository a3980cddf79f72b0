"""The shipped prior: content, scores on a new site, and quality."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from scoring.evaluation.priors import further_labels
from scoring.evaluation.priors import relevance as priors
from scoring.evaluation.priors.editorial import Item
from scoring.evaluation.relevance import Row, coverage
from scoring.learning import meaning_fit
from scoring.relevance import editorial_prior, model_file
from scoring.relevance.editorial_prior import EditorialPrior
from scoring.relevance.model import PRIOR_FILE, load_prior
from scoring.relevance.news_context import NewsContext, TitleContext
from scoring.relevance.text_features import text_features
from scoring.relevance.weights import Weights
from tests.scoring.meaning.concepts import ConceptEncoder
from tests.scoring.press import HOUR, signals

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def test_it_holds_weights_and_provenance_and_no_text_of_others() -> None:
    file = model_file.read(PRIOR_FILE, "prior")
    editorial = file.content["editorial"]

    assert PRIOR_FILE.stat().st_size <= 1_000_000
    assert set(file.content) == {"base", "unknown_idf", "others", "terms", "editorial"}
    assert not file.content["terms"]
    assert {name.partition(":")[0] for name in file.content["others"]} <= {"coverage", "velocity", "around", "new"}
    assert set(editorial) == {"base", "center", "unknown_idf", "idf", "words", "pairs", "grams", "others", "meaning"}
    assert set(editorial["meaning"]) == {"text_share", "base", "form"}
    assert all(" " not in word and len(word) < 30 for word in editorial["idf"])
    assert all(len(pair.split(" ")) == 2 for pair in editorial["pairs"])
    assert all(3 <= len(gram) <= 5 for gram in editorial["grams"])
    assert {name.partition(":")[0] for name in editorial["others"]} == {"site", "address", "shape"}
    assert not [name for name in editorial["others"] if name.startswith("site:") and "/" in name]
    assert {"command", "sha256", "label", "grades", "agreement_with_editors", "picks"} <= set(file.provenance)
    assert "a large language model" in file.provenance["grades"]
    assert {"python", "scikit-learn"} <= set(file.versions)


def test_the_shipped_prior_was_made_from_the_recorded_data_and_orders_what_it_had_not_seen() -> None:
    file = model_file.read(PRIOR_FILE, "prior")
    for name, pinned in file.provenance["sha256"].items():
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"the labelled items are not beside this checkout: {path}")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == pinned, f"{name} is other data than the prior is from"

    floors = {"week_2026_05": 0.885, "dense_2026_03": 0.93, "press_2025_05": 0.89, "picks": 0.89}
    for window, floor in floors.items():
        # Far more than a text can predict: then part of the label leaked into the features.
        assert floor <= file.measures[window]["auc"] <= 0.96
    assert file.measures["ece_of_grades"] <= 0.03


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
    others = TitleContext(near=1.5, touched=2.5, best=0.8, burst=1.0)  # five similar titles of other sources
    six = signals(title, delays=[i * HOUR for i in range(6)])

    assert load_prior().score(six).score >= 65
    assert load_prior().score(replace(six, context=others)).score >= 90


def test_coverage_makes_most_of_the_difference_for_words_it_does_not_know() -> None:
    news_context = NewsContext()
    for day in range(20):
        news_context.observe(f"Recipe {day} for soup", "paper9", (signals().first_seen_at + day * HOUR).timestamp())
    seen = [
        news_context.observe("Ljubljana Quixote", f"paper{i}", (signals().first_seen_at + (24 + i) * HOUR).timestamp())
        for i in range(6)
    ]
    alone, six = (
        load_prior().score(
            replace(signals("Ljubljana Quixote", delays=[i * HOUR for i in range(n)]), context=seen[n - 1])
        )
        for n in (1, 6)
    )

    assert alone.score <= 15
    assert six.score >= 60


def test_the_command_builds_a_prior_from_other_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning_fit, "packaged_encoder", ConceptEncoder)
    data = small_press(tmp_path / "data")

    status = priors.main(["--data", str(data), "--out", str(tmp_path / "a.json")])
    priors.main(["--data", str(data), "--out", str(tmp_path / "b.json")])

    assert status == 0
    assert "kB" in capsys.readouterr().out
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    weights = Weights.from_data(model_file.read(tmp_path / "a.json", "prior").content)
    assert weights.editorial
    robot, soup = weights.editorial.worth("Zephyr unveils robot"), weights.editorial.worth("Another recipe for soup")
    assert robot.probability > 0.7 > 0.3 > soup.probability
    assert robot.familiarity == soup.familiarity == 1.0


def test_further_labels_name_lines_of_a_stream_that_must_be_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, labels = small_press(tmp_path / "data"), tmp_path / "labels"
    labels.mkdir()
    lines = gzip.decompress((data / priors.PICKS).read_bytes()).decode()
    (data / "numbered.jsonl").write_text(lines.replace('"id"', '"key"'), "utf-8")
    digest = hashlib.sha256((data / "numbered.jsonl").read_bytes()).hexdigest()
    (labels / "lines.tsv").write_text("id\tcategory\talt\tgrade\n0\tnone\t-\t0\n7\tmodels\tpolicy\t3\n", "utf-8")
    monkeypatch.setattr(further_labels, "TABLES", (further_labels.Table("lines.tsv", "numbered.jsonl", digest),))

    texts, _ = priors.read(data, ConceptEncoder(), labels)
    further = [(text.item.title, text.item.grade) for text in texts if text.window == "further"]
    assert further == [("Another recipe for soup 0", 0), ("Zephyr unveils robot 7", 3)]
    assert further_labels.read(data, None) == []
    assert list(further_labels.digests(labels)) == ["lines.tsv"]

    (data / "numbered.jsonl").write_text("{}\n", "utf-8")
    assert priors.main(["--data", str(data), "--labels", str(labels), "--out", "y"]) == 1
    assert "numbered.jsonl is other data than the stream whose lines lines.tsv names" in capsys.readouterr().err


def test_a_window_that_is_left_out_is_left_out_with_its_days_and_its_titles(tmp_path: Path) -> None:
    texts, _ = priors.read(small_press(tmp_path), ConceptEncoder())
    rest = priors.without(texts, "week_2026_05")
    inside = [text for text in texts if text.window == "week_2026_05"]

    titles = {text.item.title for text in inside}
    assert inside
    assert not [text for text in rest if text.item.title in titles]
    assert not [text for text in rest if inside[0].at <= text.at <= inside[-1].at]


def small_press(folder: Path) -> Path:
    """Write invented labelled items and streams in the layout that the command reads."""
    for name in ("gold", "labels", "stream"):
        (folder / name).mkdir(parents=True)
    lines = []
    for i in range(240):
        picked = i % 2
        at = signals().at + i * timedelta(hours=3)
        lines.append(
            {
                "id": f"item{i}",
                "title": f"Zephyr unveils robot {i}" if picked else f"Another recipe for soup {i}",
                "url": f"https://paper{i % 5}.example/{i}",
                "source": f"Paper {i % 5}",
                "published": at.isoformat(),
                "first_seen": at.isoformat(),
                "techmeme": picked if i % 10 else None,
            }
        )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    tables = [Path(name).name for name in priors.TABLES]
    (folder / "gold" / "training.jsonl").write_text(text, "utf-8")
    for part, table in enumerate(tables):
        if not table.startswith("training"):
            (folder / "gold" / table.replace(".labels.tsv", ".jsonl")).write_text(text, "utf-8")
        rows = [f"item{i}\tmodels\t-\t{3 if i % 2 else 0}\n" for i in range(part, 240, len(tables))]
        (folder / "gold" / table).write_text("id\tcategory\talt\tgrade\n" + "".join(rows), "utf-8")
    for name in (priors.PICKS, *priors.STREAMS):
        with gzip.open(folder / name, "wt", encoding="utf-8") as out:
            out.write(text)
    return folder


def test_the_command_says_which_file_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = priors.main(["--data", str(tmp_path), "--out", "y"])

    assert status == 2
    assert "there is no file" in capsys.readouterr().err


def test_the_command_says_which_windows_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = small_press(tmp_path / "data")
    status = priors.main(["--data", str(data), "--out", "y", "--without", "week_2019"])

    assert status == 1
    assert "there is no window 'week_2019'; there are dense_2026_03" in capsys.readouterr().err


@pytest.mark.parametrize(
    "title",
    [
        "Recette de la soupe aux oignons gratinée",
        "Ljubljana Quixote",
        "某公司举行年度会议",
        "Зефир и пироги на праздничном столе",
    ],
)
def test_a_text_in_words_that_it_does_not_know_is_hardly_judged_and_provisional(title: str) -> None:
    model = load_prior()
    assert model.prior.editorial
    worth = model.prior.editorial.worth(title)

    assert worth.familiarity == 0.0
    assert 0.1 <= worth.probability <= 0.3
    assert model.score(signals(title)).provisional


def test_a_text_of_its_subject_is_judged_in_full() -> None:
    worth = load_prior().prior.editorial.worth("Nvidia unveils a new chip as demand for AI servers grows")  # type: ignore[union-attr]

    assert worth.familiarity == 1.0
    assert not load_prior().score(signals("Nvidia unveils a new chip as demand for AI servers grows")).provisional


def test_the_fast_reading_is_the_sum_of_the_named_features() -> None:
    editorial = load_prior().prior.editorial
    assert editorial
    title, summary, link = (
        "OpenAI raises $2 billion",
        "A round led by Zephyr.",
        "https://www.theverge.com/ai/news/openai",
    )
    by_kind = {
        "word": {w: v for w, (v, _) in editorial.words.items()},
        "pair": editorial.pairs,
        "gram": editorial.grams,
    }
    expected = 0.0
    for name, value in text_features(title, summary, link).items():
        kind, _, text = name.partition(":")
        weights = by_kind.get(kind)
        expected += value * (editorial.others.get(name, 0.0) if weights is None else weights.get(text, 0.0))

    reading = editorial.read(title, summary, link)

    assert reading.familiarity == 1.0
    assert sum(reading.words.values()) + sum(reading.others.values()) == pytest.approx(expected)


def test_the_cache_of_words_is_bounded_and_changes_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = load_prior().prior.editorial
    assert shipped
    monkeypatch.setattr(editorial_prior, "MAX_REMEMBERED_WORDS", 20)
    small = EditorialPrior.from_data(shipped.as_data())
    titles = [f"Nvidia unveils chip number {n} for {name}" for n, name in enumerate(["OpenAI", "Intel", "Zephyr"] * 5)]

    readings = [small.read(title) for title in titles]

    assert readings == [shipped.read(title) for title in titles]
    assert small._look_up.cache_info().currsize == 20


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

    covered = coverage(items, items[-1].arrived_at + HOUR)

    assert [sorted(sources) for sources in covered] == [[], [], ["a"], [], ["a", "b"], []]


def test_days_are_left_out_with_two_days_around_them_and_with_their_titles() -> None:
    def text(number: int, day: float, title: str = "") -> priors.LabelledText:
        at = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(days=day - 1)
        return priors.LabelledText(Item(title or f"Title {number}", "", "", "a", grade=1), at, "further", {})

    texts = [text(1, 1.9), text(2, 2.0), text(3, 4.5, "Again"), text(4, 7.9), text(5, 8.5), text(6, 20, "again")]

    left = priors.without_days(texts, (date(2026, 7, 4), date(2026, 7, 5)))

    assert [known.item.title for known in left] == ["Title 1", "Title 5"]
