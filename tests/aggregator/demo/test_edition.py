"""The sample edition is as the demo needs it."""

import re
from collections import Counter
from datetime import timedelta
from importlib import resources
from xml.etree import ElementTree

import pytest

from aggregator.demo import edition as sample
from aggregator.demo.edition import Article, Edition, FeedFormat, as_stream, gold

CATEGORIES = [
    "models", "research", "big-tech", "startups", "policy", "hardware", "open-source", "products", "security",
]  # fmt: skip
# What a news wire would not print: advertising, filler, and signs of generated text.
BANNED = re.compile(
    r"lorem|todo\b|revolutioni[sz]|game.chang|groundbreaking|cutting.edge|seamless|unleash|supercharg|delve|"
    r"paradigm|world.class|next.level|in today's|fast.paced|the future of|stay tuned|excited to|"
    r"it remains to be seen|only time will tell|\bCEO\b|\bspokes(man|woman|person)\b|[“”]|!",
    re.I,
)


def words(article: Article) -> str:
    """Return all visible text of an article, edits included."""
    parts = [article.title, article.summary, article.content]
    for edit in article.edits:
        parts += [edit.title or "", edit.summary or "", edit.content or ""]
    return "\n".join(parts)


def articles_of(edition: Edition, event: str) -> list[Article]:
    return [a for a in edition.articles if a.event == event]


def test_it_has_the_promised_size(edition: Edition) -> None:
    singles = [a for a in edition.articles if a.event == a.id]
    sources_per_event = [len({a.source for a in articles_of(edition, e.id)}) for e in edition.events]

    assert len(edition.sources) == 14
    assert 40 <= len(edition.events) <= 48
    assert 55 <= len(singles) <= 70
    assert 230 <= len(edition.articles) <= 280
    assert 200 <= len(edition.archive) <= 250
    assert sum(bool(a.content) for a in edition.articles) >= 60
    assert max(sources_per_event) == 8
    assert min(sources_per_event) >= 2


def test_nine_categories_are_named_seeded_and_used(edition: Edition) -> None:
    used = Counter(a.category for a in edition.articles)

    assert sorted(c.id for c in edition.categories) == sorted(CATEGORIES)
    assert all(8 <= len(c.seeds) <= 25 for c in edition.categories)
    assert all(used[category] >= 15 for category in CATEGORIES)


def test_formats_and_owners_are_mixed(edition: Edition) -> None:
    formats = Counter(source.format for source in edition.sources)
    owners = Counter(source.owner for source in edition.sources)

    assert formats[FeedFormat.ATOM] >= 2
    assert formats[FeedFormat.JSONFEED] == 2
    assert formats[FeedFormat.RDF] == formats[FeedFormat.RSS091] == 1
    assert sorted(owners.values())[-2:] == [1, 2]
    assert [s.id for s in edition.sources if not s.owner.endswith(".example")] == ["techcrunch_ai"]


def test_every_article_belongs_to_a_source_and_to_the_three_days(edition: Edition) -> None:
    sources = {source.id for source in edition.sources}

    assert {a.source for a in edition.articles} == sources
    assert all(edition.starts_at <= a.released_at < edition.ends_at for a in edition.articles)
    assert len({a.id for a in edition.articles}) == len(edition.articles)
    assert edition.ends_at - edition.starts_at == timedelta(days=3)


def test_events_and_articles_agree_on_the_category(edition: Edition) -> None:
    for event in edition.events:
        assert {a.category for a in articles_of(edition, event.id)} == {event.category}
        assert tuple(a.id for a in articles_of(edition, event.id)) == event.articles


def test_headlines_fit_and_nothing_reads_like_an_advertisement(edition: Edition) -> None:
    for article in edition.articles:
        for title in [article.title, *(edit.title for edit in article.edits if edit.title)]:
            assert 40 <= len(title) <= 110, title
        assert BANNED.search(words(article)) is None, article.id
        assert len(re.findall(r"[.?](?:\s|$)", article.summary)) <= 5, article.id


def test_content_is_well_formed_html_of_two_paragraphs_or_more(edition: Edition) -> None:
    for article in edition.articles:
        for content in [article.content, *(edit.content or "" for edit in article.edits)]:
            root = ElementTree.fromstring(f"<div>{content}</div>")
            assert {element.tag for element in root.iter()} <= {"div", "p", "strong", "em", "a", "ul", "li"}
        live = article.guid.endswith(":ledgerline-live-corvane")
        assert not article.content or live or 2 <= article.content.count("<p>") <= 5, article.id


def test_trainium_is_reported_by_techcrunch_first_and_by_seven_others_on_day_three(edition: Edition) -> None:
    articles = articles_of(edition, "aws-openai-trainium")
    first_by_source = {a.source: a for a in reversed(articles)}
    first_reports = sorted(first_by_source.values(), key=lambda a: a.released_at)

    assert edition.event("aws-openai-trainium").category == "big-tech"
    assert articles[0].source == "techcrunch_ai"
    assert len(first_reports) == 8
    assert all(a.released_at >= edition.starts_at + timedelta(days=2) for a in articles)
    assert first_reports[-1].released_at - first_reports[0].released_at >= timedelta(hours=4)
    assert sum("1.4 million" in words(a) for a in articles) >= 7
    assert sum(bool(re.search(r"\b(2|two) ?-?gigawatts?\b", words(a), re.I)) for a in articles) >= 9


def test_trainium_sources_differ_on_one_figure(edition: Edition) -> None:
    by_mid_2027 = {
        figure: {a.source for a in articles_of(edition, "aws-openai-trainium") if figure in a.content}
        for figure in ("250,000", "200,000")
    }

    assert by_mid_2027 == {"250,000": {"techcrunch_ai", "inference_daily"}, "200,000": {"die_and_wafer"}}


def test_a_wire_text_is_reprinted_word_for_word_by_three_sources(edition: Edition) -> None:
    for event in ("eu-chips-act-2", "broker-takedown"):
        copies = Counter((a.title, a.summary, a.content) for a in articles_of(edition, event))
        (text, count), *_ = copies.most_common(1)
        printed_by = [a.source for a in articles_of(edition, event) if a.title == text[0]]

        assert count == 4
        assert printed_by[0] == "northline_wire"
        assert len(set(printed_by)) == 4


def test_apart_from_the_wire_no_two_articles_share_a_headline_or_a_sentence(edition: Edition) -> None:
    seen: dict[str, str] = {}
    wire = {a.title for a in edition.articles if a.source == "northline_wire"}
    for article in edition.articles:
        if article.title in wire and article.source != "northline_wire":
            continue
        for sentence in {article.title, *re.split(r"(?<=[.?])\s+|</p>\n<p>", article.summary + article.content)}:
            if len(sentence) > 30:
                assert seen.setdefault(sentence, article.id) == article.id, sentence


def test_near_misses_share_a_day_and_a_name_but_no_article(edition: Edition) -> None:
    assert len(edition.near_misses) >= 8
    for first, second in edition.near_misses:
        days = [{a.released_at.date() for a in articles_of(edition, event)} for event in (first, second)]
        names = [set(re.findall(r"\b[A-Z]\w+", " ".join(map(words, articles_of(edition, e))))) for e in (first, second)]

        assert first != second
        assert days[0] & days[1], (first, second)
        assert names[0] & names[1], (first, second)


def test_dates_and_guids_are_as_untidy_as_in_the_wild(edition: Edition) -> None:
    missing = [a for a in edition.articles if a.published_at is None]
    future = [a for a in edition.articles if a.published_at and a.published_at > a.released_at]
    live = [a for a in edition.articles if sum(edit.republished for edit in a.edits) >= 4]
    markup = [a for a in edition.articles if a.title_html]
    corrected = [a for a in edition.articles if any(not edit.republished for edit in a.edits)]

    assert (len(missing), len(future), len(live), len(markup)) == (1, 1, 1, 1)
    assert "AT&amp;T" in (markup[0].title_html or "")
    assert len(corrected) >= 4


def test_the_night_is_quieter_than_the_day(edition: Edition) -> None:
    by_hour = Counter(a.released_at.hour for a in edition.articles)

    assert sum(by_hour[hour] for hour in range(6)) < sum(by_hour[hour] for hour in range(9, 11))
    assert min(by_hour[hour] for hour in range(8, 18)) >= 10


def test_each_day_breaks_new_stories(edition: Edition) -> None:
    first_days = Counter(
        (articles_of(edition, event.id)[0].released_at - edition.starts_at).days for event in edition.events
    )

    assert all(first_days[day] >= 10 for day in range(3))


def test_the_stream_is_the_edition_in_order_of_arrival(edition: Edition) -> None:
    stream = as_stream(edition)

    assert [line["id"] for line in stream] == [a.id for a in edition.articles]
    assert [line["first_seen"] for line in stream] == sorted(line["first_seen"] or "" for line in stream)
    assert {line["id"]: line["event"] for line in stream} == gold(edition)
    assert stream[0]["first_seen"] == "2026-11-17T00:40:00Z"
    assert not any("techcrunch.com" in (line["url"] or "") for line in stream)
    assert len({line["url"] for line in stream}) == len(stream)


def test_reading_it_twice_gives_the_same_edition(edition: Edition) -> None:
    assert sample.load() == edition


@pytest.mark.parametrize("time", ["d3 24:00", "d10 10:00", "10:00", "d1 9:00"])
def test_a_time_that_is_none_is_refused_with_the_place(time: str) -> None:
    with pytest.raises(ValueError, match=r"^day1.yaml: '.*' is not a time like 'd2 14:05'$"):
        sample._moment(time, "day1.yaml")


def test_the_days_before_have_enough_stories_for_a_scorecard(edition: Edition) -> None:
    by_day: dict[int, set[str]] = {}
    for article in edition.archive:
        assert sample.ARCHIVE_STARTS_AT <= article.released_at < edition.starts_at
        by_day.setdefault(article.released_at.day, set()).add(article.event)
    assert sorted(by_day) == [12, 13, 14, 15, 16]
    # The first day of a site is not measured; the edition's own first day is.
    tuesday = {a.event for a in edition.published if a.released_at.day == 17}
    assert sum(len(events) for day, events in by_day.items() if day > 12) + len(tuesday) >= 200


def test_each_day_has_deals_guides_and_columns_beside_the_news(edition: Edition) -> None:
    kinds = {"deal": r"^(Deal|Save|Black Friday|Early)", "guide": r"^(How to|The best)", "column": r"^(Essay|Opinion)"}
    for day in (17, 18, 19):
        titles = [a.title for a in edition.noise if a.released_at.day == day]
        for kind, pattern in kinds.items():
            assert any(re.search(pattern, title) for title in titles), (day, kind)


def test_pictures_are_small_have_captions_and_sources(edition: Edition) -> None:
    folder = resources.files("aggregator.demo.sample").joinpath("pictures")
    illustrations = {a.illustration for a in edition.published if a.illustration}
    assert len(illustrations) >= 40
    for illustration in illustrations:
        png = folder.joinpath(illustration.file).read_bytes()
        assert png.startswith(b"\x89PNG")
        assert len(png) < 20_000, illustration.file
        assert folder.joinpath(illustration.file.replace(".png", ".svg")).is_file()
        assert illustration.caption.endswith(".")
        assert "drawing" in illustration.credit.lower()
