from __future__ import annotations

import gzip
import hashlib
import itertools
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.demo.edition import load
from aggregator.model import ReasonKind, because
from scoring.clustering import comparison, reclustering
from scoring.clustering.clusterer import Clusterer, Placement
from scoring.clustering.phrases import phrases
from scoring.evaluation import labelled_files
from scoring.language.analysed_text import AnalysedText, analyse, script
from scoring.language.terms import DocumentFrequency, load_background
from scoring.metrics.clustering import bcubed, pairs
from scoring.replay.streams import Stream

LABELLED = Path(__file__).parents[4] / "shared" / "data" / "clustering"
HOUR = 3600.0


def new_clusterer() -> Clusterer:
    return Clusterer(DocumentFrequency(load_background()))


def text(
    number: int, title: str, summary: str = "", *, source: str = "", link: str = "", hours: float = 0
) -> AnalysedText:
    return analyse(
        entry_id=number,
        source_id=source or f"s{number}",
        link=link,
        title=title,
        summary=summary,
        at=hours * HOUR,
        arrived=hours * HOUR,
    )


def place(clusterer: Clusterer, *texts: AnalysedText) -> list[Placement]:
    placements = []
    for item in texts:
        clusterer.expire(item.arrived)
        placement = clusterer.place(item)
        clusterer.add(item, placement.story_id)
        placements.append(placement)
    return placements


def arrivals(texts: Iterable[AnalysedText]) -> dict[int, int]:
    """Return the story of each entry as it arrives, including merges, as in the running program."""
    clusterer = new_clusterer()
    story_of: dict[int, int] = {}
    at_arrival: dict[int, int] = {}
    for item in texts:
        clusterer.expire(item.arrived)
        placement = clusterer.place(item)
        merge = reclustering.merge_of(clusterer, item, placement)
        clusterer.add(item, placement.story_id)
        story_of[item.entry_id] = placement.story_id
        if merge is not None:
            clusterer.merge(merge.into, merge.story_id)
            story_of |= {entry: merge.into for entry, story in story_of.items() if story == merge.story_id}
        at_arrival[item.entry_id] = story_of[item.entry_id]
    return at_arrival


def test_the_same_link_and_the_same_headline_join_at_once() -> None:
    first, link, title = place(
        new_clusterer(),
        text(1, "Plover unveils an error-corrected processor", link="https://a.example/1"),
        text(2, "A chip that corrects itself", link="https://a.example/1"),
        text(3, "Plover unveils an error-corrected processor", link="https://b.example/1"),
    )

    assert first == Placement(1, 0.0, 1.0, because(ReasonKind.FIRST_REPORT))
    assert (link.story_id, link.reason.kind) == (1, ReasonKind.SAME_LINK)
    assert (title.story_id, title.reason.kind) == (1, ReasonKind.SAME_HEADLINE)


def test_a_joined_entry_says_what_it_shares() -> None:
    _, second = place(
        new_clusterer(),
        text(1, "Plover unveils an error-corrected quantum processor"),
        text(2, "Quantum startup Plover presents error-corrected processor", hours=1),
    )

    assert second.story_id == 1
    assert second.reason == because(ReasonKind.SHARES, "error-corrected processor", "Plover", "Quantum")
    assert 0.5 < second.probability < 1
    assert second.similarity > 0


def test_time_parts_what_words_join() -> None:
    clusterer = new_clusterer()
    place(clusterer, text(1, "Ferry strike halts traffic in the fjord"))
    again = text(2, "Talks on ferry strike open in Bergen", hours=1)
    late = text(3, "Talks on ferry strike open in Bergen", hours=71)

    assert clusterer.place(again).story_id == 1
    assert clusterer.place(late).story_id == 3


def test_a_story_is_forgotten_with_everything_that_pointed_to_it() -> None:
    clusterer = new_clusterer()
    place(clusterer, text(1, "Ferry strike halts traffic in the fjord", link="https://a.example/1"))
    same = text(2, "Ferry strike halts traffic in the fjord", link="https://a.example/1", hours=72)

    assert clusterer.expire(same.arrived) == [1]
    assert len(clusterer) == 0
    assert clusterer.place(same).reason.kind == ReasonKind.FIRST_REPORT


def test_a_story_takes_nothing_in_when_it_is_too_old() -> None:
    clusterer = Clusterer(DocumentFrequency(load_background()), longest=timedelta(days=2))
    title = "Ferry strike halts traffic in the whole fjord"
    texts = [text(n, title, link="https://a.example/1", hours=20 * n) for n in range(1, 6)]

    assert [p.story_id for p in place(clusterer, *texts)] == [1, 1, 1, 4, 4]


def test_a_column_with_the_same_headline_every_day_does_not_join_at_once() -> None:
    clusterer = new_clusterer()
    title = "Hints and answers for the big puzzle of today"
    place(clusterer, text(1, title))

    assert clusterer.place(text(2, title, hours=11)).reason.kind == ReasonKind.SAME_HEADLINE
    assert clusterer.place(text(3, title, hours=24)).reason.kind != ReasonKind.SAME_HEADLINE


def test_headlines_that_differ_in_a_time_or_date_are_not_the_same() -> None:
    warning = "Tornado Warning issued November 18 at {} by NWS Birmingham AL"
    clusterer = new_clusterer()
    _, other = place(
        clusterer,
        text(1, warning.format("3:00PM CST until 4:00PM CST"), source="nws"),
        text(2, warning.format("4:21PM CST until 5:00PM CST"), source="nws", hours=1.4),
    )

    assert other.reason.kind is not ReasonKind.SAME_HEADLINE
    assert (
        clusterer.place(text(3, warning.format("4:21PM CST until 5:00PM CST"), hours=2)).reason.kind
        is ReasonKind.SAME_HEADLINE
    )


@pytest.mark.parametrize(
    ("source", "until", "joined"), [("alerts", "5:00PM", False), ("alerts", "4:00PM", True), ("paper", "5:00PM", True)]
)
def test_a_source_that_repeats_a_title_with_other_times_reports_the_next_event(
    source: str, until: str, joined: bool
) -> None:
    clusterer = new_clusterer()
    summary = "A severe thunderstorm capable of producing a tornado moves northeast over Shelby County."
    title = "Tornado Warning issued November 18 at 3:00PM CST until {} CST by NWS Birmingham AL"
    first, second = place(
        clusterer,
        text(1, title.format("4:00PM"), summary, source="alerts"),
        text(2, title.format(until), summary, source=source, hours=0.5),
    )
    assert (second.story_id == first.story_id) is joined


def test_entries_without_any_telling_word_stay_alone() -> None:
    assert [p.story_id for p in place(new_clusterer(), text(1, "The"), text(2, "The"), text(3, "…"))] == [1, 2, 3]


def test_putting_what_was_placed_gives_the_same_state() -> None:
    titles = [
        "Plover unveils quantum processor",
        "Ferry strike in the fjord",
        "Quantum processor of Plover",
        "Fjord ferry",
    ]
    texts = [text(n, title, hours=n) for n, title in enumerate(titles * 3, start=1)]
    first, other = new_clusterer(), new_clusterer()
    for number, placement in zip(texts, place(first, *texts), strict=True):
        other.expire(number.arrived)
        other.add(number, placement.story_id)

    probe = text(99, "Plover quantum processor strike", hours=14)
    assert first.place(probe) == other.place(probe)


def test_reasons_use_the_spelling_of_the_text() -> None:
    shown_text = "AWS orders 1.4 million chips, a record\nThe chips of Trainium; “Project Rainier” takes them."
    shared = {"1.4m": 3.0, "chip": 2.0, "trainium": 4.0, "project": 1.0, "rainier": 2.0, "量子": 0.5}

    assert phrases(shown_text, shared) == ["1.4 million chips", "Trainium", "Project Rainier", "量子"]
    assert phrases("", {}) == []


def test_reasons_in_writing_without_spaces_are_words_and_not_pairs_of_characters() -> None:
    shared = {"谷歌": 2.0, "量子": 3.0, "子处": 3.0, "处理": 2.0, "理器": 2.0, "openai": 1.0}

    assert phrases("谷歌发布新款量子处理器 OpenAI", shared) == ["量子处理器", "谷歌", "OpenAI"]


def test_a_column_of_one_source_is_a_story_a_day_and_an_event_of_two_sources_is_one() -> None:
    clusterer = new_clusterer()
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    placements = place(
        clusterer,
        *[
            text(n, f"Crossword hints and answers for {day}, clues solved", source="paper", hours=24 * n)
            for n, day in enumerate(days, start=1)
        ],
    )

    assert [p.story_id for p in placements[3:]] == [4, 5, 6]
    quake = "Strong quake shakes Zenda in Ruritania"
    first = text(90, quake, "Dozens are hurt.", source="paper", hours=150)
    second = text(91, "Ruritania: quake hurts dozens in Zenda", source="herald", hours=151)
    assert [p.story_id for p in place(clusterer, first, second)] == [90, 90]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("谷歌发布新款量子处理器,纠错能力提升", "谷歌量子处理器问世,纠错能力创纪录"),
        ("トヨタ、全固体電池の量産を来年開始へ", "全固体電池、トヨタが来年から量産開始"),
        ("Росатом запустил новый реактор в Курске", "В Курске запущен новый реактор Росатома"),
        ("Le Louvre fermé après une grève surprise", "Grève surprise au Louvre, le musée fermé"),
    ],
)
def test_stories_form_in_any_script(first: str, second: str) -> None:
    assert [p.story_id for p in place(new_clusterer(), text(1, first), text(2, second, hours=1))] == [1, 1]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("OpenAI releases GPT-5.4 with computer use", "OpenAI 发布 GPT-5.4 模型", True),
        ("OpenAI releases GPT-5.4 with computer use", "OpenAI 发布 GPT 模型", False),
        ("OpenAI releases new model", "OpenAI выпустила новую модель", False),
        ("東京でAI展示会", "东京 AI 展览会", False),
    ],
)
def test_scripts_part_unless_a_name_and_a_figure_bind(first: str, second: str, joined: bool) -> None:
    assert (place(new_clusterer(), text(1, first), text(2, second, hours=1))[1].story_id == 1) is joined


def test_a_shared_link_binds_across_scripts() -> None:
    link = "https://a.example/1"
    placements = place(
        new_clusterer(), text(1, "Rome floods again", link=link), text(2, "Рим снова затопило", link=link)
    )

    assert placements[1].reason.kind == ReasonKind.SAME_LINK


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("OpenAI", "latin"),
        ("Überfall in Köln", "latin"),
        ("2026", ""),
        ("Росатом: GPT", "cyrillic"),
        ("谷歌发布 AI", "han"),
        ("トヨタの電池", "kana"),
        ("삼성전자", "hangul"),
    ],
)
def test_the_script_of_a_text_is_that_of_most_of_its_letters(written: str, expected: str) -> None:
    assert script(written) == expected


SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def strangers(count: int) -> list[AnalysedText]:
    """Return entries that share no word with any other."""
    tokens = ["".join(syllables) for syllables in itertools.product(SYLLABLES, repeat=2)]
    return [text(1_000 + n, " ".join(tokens[3 * n : 3 * n + 3])) for n in range(count)]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Why the pilot sleeps badly", "What a pilot earns in a year", False),
        ("Plover recalls its kettles", "Recall of Plover kettles widens after a fire", True),
    ],
)
def test_a_common_word_does_not_join_entries_in_a_diverse_stream(first: str, second: str, joined: bool) -> None:
    others = strangers(100)
    clusterer = new_clusterer()
    assert {placement.reason.kind for placement in place(clusterer, text(1, first), *others)} == {
        ReasonKind.FIRST_REPORT
    }

    assert (clusterer.place(text(2, second)).story_id == 1) is joined


def test_a_word_in_common_is_enough_where_most_entries_join() -> None:
    clusterer = new_clusterer()
    place(clusterer, *(text(n, f"Kettles of Plover: recall number {n} in Strelsau widens") for n in range(100, 400)))
    place(clusterer, text(1, "Why the pilot sleeps badly"))

    assert clusterer.place(text(2, "What a pilot earns in a year")).story_id == 1


def test_pairs_of_characters_that_overlap_are_no_more_words_than_they_spell() -> None:
    shared = ["人工", "工智", "智能", "书评"]
    places = {"人工": 1, "工智": 2, "智能": 4, "书评": 64}

    assert comparison.shared_words(shared, places) == 3.0
    assert comparison.shared_words(["plover", "recall"], {}) == 2.0


@pytest.mark.parametrize(("other", "joined"), [("canteen", False), ("gazette", True)])
def test_what_a_source_lists_side_by_side_it_holds_for_two_things(other: str, joined: bool) -> None:
    clusterer = new_clusterer()
    place(clusterer, text(1, "Canteen plan for the museum", source="canteen"))

    assert (clusterer.place(text(2, "Observatory in Bergen has canteen plan", source=other)).story_id == 1) is joined


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Plover Zephyr robot mower maims a hedgehog", "Plover Zephyr robot mower maims a second hedgehog", True),
        ("Plover Zephyr robot mower maims a hedgehog", "Plover Zephyr robot mower is $300 off at Ostrix", False),
        ("Plover Zephyr robot mower is $300 off at Ostrix", "Plover Zephyr robot mower maims a hedgehog", False),
        ("Best early Ostrix deals on Plover mowers", "Plover robot mowers are 40% off at Walmart", False),
        (
            "Plover foundry in Strelsau lays off 400",
            "Plover foundry layoffs, Heron chips and more of the week's biggest stories",
            False,
        ),
    ],
)
def test_a_bargain_or_a_round_up_of_a_week_joins_no_report(first: str, second: str, joined: bool) -> None:
    clusterer = new_clusterer()
    place(clusterer, text(1, first), *strangers(20))

    assert (clusterer.place(text(2, second)).story_id == 1) is joined


def test_the_sample_edition_stays_above_its_floor() -> None:
    """Without merges: .950 (.964 before series across sources were separated)."""
    edition = load()
    clusterer = new_clusterer()
    labels, predicted = [], []
    for number, article in enumerate(edition.articles, start=1):
        seen = article.released_at.timestamp()
        item = analyse(
            entry_id=number,
            source_id=article.source,
            link=article.id,
            title=article.title,
            summary=article.summary,
            at=min(seen, article.published_at.timestamp()) if article.published_at else seen,
            arrived=seen,
        )
        labels.append(article.event)
        predicted.append(place(clusterer, item)[0].story_id)
    measured = bcubed(labels, predicted)

    assert measured.f1 >= 0.945
    assert measured.precision >= 0.98


QUAKE = ("Earthquake strikes northern Ruritania", "A tremor was felt in the province of Strelsau.")
CHIP = ("Plover unveils an error-corrected processor", "Banks may order the processor of Plover from May.")


def test_a_restored_story_attracts_as_before_and_counts_nothing_twice() -> None:
    counted, recounted = DocumentFrequency(load_background()), DocumentFrequency(load_background())
    clusterer, again = Clusterer(counted), Clusterer(recounted)
    first = text(1, *QUAKE)
    for each in (clusterer, again):
        place(each, first, text(2, *CHIP, hours=1))
    again.replace(1, [first], again.latest(1))

    later = text(3, "Tremor in northern Ruritania: earthquake felt in Strelsau", QUAKE[1], hours=2)

    assert again.place(later).story_id == clusterer.place(later).story_id == 1
    assert again.place(later).similarity == pytest.approx(clusterer.place(later).similarity, rel=0.05)
    assert [recounted.idf(term) for term in later.title] == [counted.idf(term) for term in later.title]


def test_entries_that_are_taken_apart_attract_apart() -> None:
    clusterer = new_clusterer()
    quake, chip = text(1, *QUAKE), text(2, *CHIP)
    place(clusterer, quake)
    clusterer.add(chip, 1)
    clusterer.replace(1, [quake], clusterer.latest(1))
    clusterer.replace(2, [chip], clusterer.latest(1))

    assert clusterer.place(text(3, "Error-corrected processor by Plover for banks", CHIP[1], hours=1)).story_id == 2
    assert clusterer.place(text(4, "Tremor in northern Ruritania felt in Strelsau", QUAKE[1], hours=1)).story_id == 1


def test_a_restored_story_ends_when_it_would_have() -> None:
    clusterer = new_clusterer()
    place(clusterer, text(1, *QUAKE), text(2, *CHIP, hours=30))
    clusterer.replace(1, [text(1, *QUAKE)], 0)

    assert clusterer.expire(71 * HOUR) == []
    assert clusterer.expire(72 * HOUR) == [1]
    assert clusterer.expire(102 * HOUR) == [2]
    clusterer.remove(2)
    assert len(clusterer) == 0


# Quality floors on labelled streams: slightly below the measured values, for files with these digests. BCubed F1 of the
# assignment at arrival, merges included. General news with summaries fell by .02 on 28 November 2026 (allsides .897,
# gnews .890 before), when AI news improved and series across sources were separated.
# One of each stream in `make test`; the others take ten seconds each.
FLOORS = [
    pytest.param("allsides_dev", "ts", ("title", "summary"), True, 0.875, marks=pytest.mark.long),
    ("allsides_dev", "ts", ("title",), True, 0.815),
    pytest.param("allsides_dev", "ts_dense", ("title", "summary"), True, 0.795, marks=pytest.mark.long),
    pytest.param("gnews", "ts", ("title", "summary"), False, 0.860, marks=pytest.mark.long),
    ("gnews", "ts_topic", ("title",), False, 0.745),
    pytest.param("gnews", "ts", ("title",), False, 0.695, marks=pytest.mark.long),
    ("uci_dev", "ts", ("title",), False, 0.750),
]
DIGESTS = {
    "allsides_dev.jsonl.gz": "25354f3fdaeefc088591e7b68fafa0f55391b07624c5e75695827d637dd51169",
    "allsides_background_dev.jsonl.gz": "f5feea0be72107dad78cb0dc7a52e12e4c4dfce6295603eff8a0481eaf23b206",
    "gnews.jsonl.gz": "64924fea5ed33e79f7b30877cbeb5a0fdfd1f9f718eb81050c05e2697100f2d0",
    "uci_dev.jsonl.gz": "2777bec49c205cc45fe50c7971e379bc76c133daffe6180be62b97c803e6df81",
}


@pytest.mark.parametrize(("name", "column", "fields", "noise", "floor"), FLOORS)
def test_stories_of_labelled_streams_stay_above_their_floors(
    name: str, column: str, fields: tuple[str, ...], noise: bool, floor: float
) -> None:
    files = [f"{name}.jsonl.gz", *(["allsides_background_dev.jsonl.gz"] if noise else [])]
    if not LABELLED.is_dir():
        pytest.skip(f"labelled streams are not part of the repository; none in {LABELLED}")
    rows = []
    for file in files:
        packed = (LABELLED / file).read_bytes()
        if hashlib.sha256(packed).hexdigest() != DIGESTS[file]:
            pytest.skip(f"{file} is not the file that the floor was measured on")
        rows += [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    gold = dict(line.split("\t")[:2] for line in (LABELLED / f"{name}.gold.tsv").read_text().splitlines())
    rows.sort(key=lambda row: (row[column], row["id"]))
    texts = []
    for number, row in enumerate(rows):
        title, summary = (row[field] if field in fields else "" for field in ("title", "summary"))
        at = float(row[column])
        texts.append(
            analyse(entry_id=number, source_id=row["source"], link="", title=title, summary=summary, at=at, arrived=at)
        )
    story_of = arrivals(texts)
    predicted = {row["id"]: story_of[number] for number, row in enumerate(rows)}

    assert bcubed(list(gold.values()), [predicted[key] for key in gold]).f1 >= floor


# Pairs F1 and BCubed F1 at arrival, for windows of AI news within the stream they were taken from: slightly below the
# measured values (`python -m bench.stories` includes re-clustering).
GOLD_FLOORS = [
    ("week_2026_05", "labels/ai_press_2026_techmeme_dev", 0.68, 0.915),
    pytest.param("dense_2026_03", "labels/ai_press_2026_techmeme_dev", 0.72, 0.95, marks=pytest.mark.long),
    pytest.param("press_2025_05", "stream/ai_press_2024_25_dev", 0.52, 0.92, marks=pytest.mark.long),
]
GOLD_DIGESTS = {
    "labels/ai_press_2026_techmeme_dev": "2c4cefe68422cb729e2c6a91990cb3d250fb0a311edb5bc8f7b800c03ba04cbf",
    "stream/ai_press_2024_25_dev": "989fdc43876b9103fc5e0b60773d7c44f27c35e3d0ec786126370d77932ed00c",
}


@pytest.mark.parametrize(("window", "stream", "pairs_floor", "bcubed_floor"), GOLD_FLOORS)
def test_stories_of_ai_news_stay_above_their_floors(
    window: str, stream: str, pairs_floor: float, bcubed_floor: float
) -> None:
    data = LABELLED.parent
    items, labels = data / f"{stream}.jsonl.gz", data / "gold" / f"{window}.labels.tsv"
    if not items.exists() or not labels.exists():
        pytest.skip(f"labelled windows are not part of the repository; none in {data}")
    if hashlib.sha256(items.read_bytes()).hexdigest() != GOLD_DIGESTS[stream]:
        pytest.skip(f"{items} is not the file that the floor was measured on")
    lines = list(Stream(items))
    gold = labelled_files.stories_in(Stream(items), labelled_files.read(labels))
    texts = []
    for number, line in enumerate(lines):
        arrived = line.arrived_at.timestamp()
        texts.append(
            analyse(
                entry_id=number,
                source_id=line.source,
                link=line.url,
                title=line.title,
                summary=line.summary,
                at=min(arrived, (line.published_at or line.arrived_at).timestamp()),
                arrived=arrived,
            )
        )
    texts.sort(key=lambda text: (text.arrived, text.at, text.source_id, text.entry_id))
    story_of = arrivals(texts)
    predicted = {line.id: story_of[number] for number, line in enumerate(lines)}

    assigned = [predicted[key] for key in gold]
    assert pairs(list(gold.values()), assigned).f1 >= pairs_floor
    assert bcubed(list(gold.values()), assigned).f1 >= bcubed_floor
