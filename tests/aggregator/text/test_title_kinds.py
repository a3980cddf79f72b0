from __future__ import annotations

import pytest

from aggregator.text.title_kinds import KINDS, entry_kinds, kind_named, kinds, reports_no_event


@pytest.mark.parametrize(
    ("title", "kinds"),
    [
        ("Best early Black Friday deals on laptops", {"deals"}),
        ("Save $200 on the Heron tablet", {"deals"}),
        ("These spring sale tech deals are good", {"deals"}),
        ("Heron discount codes and deals", {"deals"}),
        ("Plover signs $27 billion chip deal with Heron", set()),
        ("Staff quit over the defense deal", set()),
        ("Lawmakers strike a deal on safety rules", set()),
        ("How to block AI crawlers", {"how-to"}),
        ("How to watch the launch online", {"how-to"}),
        ("A practical guide to fine-tuning", {"how-to"}),
        ("Sponsored: the future of data centers", {"sponsored"}),
        ("[Ad] A better keyboard", {"sponsored"}),
        ("Brought to you by Plover: five chips", {"sponsored"}),
        ("Wordle today: hints and answers", {"puzzles"}),
        ("Heron 4 review: a fast tablet", {"reviews"}),
        ("DSA-5512 security update for curl", {"advisories"}),
        ("Court blocks levy on imported servers", set()),
        ("How Plover won the chip race", set()),
        ("Ad spending falls for the third month", set()),
        ("The startup sponsoring open source", set()),
    ],
)
def test_titles_are_recognized_by_their_wording(title: str, kinds: set[str]) -> None:
    assert entry_kinds(title) == kinds


def test_tags_and_sections_of_addresses_count_too() -> None:
    assert entry_kinds("Chips for all", ("News", "Sponsored Content ")) == {"sponsored"}
    assert entry_kinds("Chips for all", (), "https://news.example/sponsored/chips?x=1") == {"sponsored"}
    assert entry_kinds("Chips for all", (), "https://news.example/2026/chips-sponsored") == set()
    assert entry_kinds("Chips for all", (), "https://news.example/?q=/deals/") == set()


def test_a_kind_is_named_in_singular_or_plural() -> None:
    assert all(kind_named(kind) == kind for kind in KINDS)
    assert [kind_named(text) for text in ("deal", "HOW-TO", "howto", "advisory", "news", "")] == [
        "deals", "how-to", "how-to", "advisories", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "title",
    [
        "The best early deals on robot mowers",
        "Plover's robot mower is $300 off",
        "Heron headphones are up to 45 percent off",
        "Save up to 60% on a Heron tablet",
        "The Heron tablet hits its lowest price ever",
        "Plover promo codes for March",
        "The week\u2019s biggest stories, from Plover's layoffs to Heron's chip",
        "This week in chips: Plover expands",
        "This past week in chips: Plover expands",
        "One-minute daily chip news 5/27/2026",
        "Catch up with the chip industry, August 11, 2026",
        "Top Stories: Plover's layoffs, Heron's chip, and more",
        "Chip news round-up",
        "Heron Buds hit $119.99 low price on Amazon",
        "The Heron tablet is the one to buy, and it's on sale right now",
        "The Heron laptop is massively discounted at Best Buy",
        "Several Heron speakers got their first 2026 discounts",
        "12 gifts from just £12 in the Amazon Spring Sale",
        "The best gifts for people who like birds",
        "Cyber Monday monitor deals 2026: what to buy now",
        "Black Friday: Die besten Kopfhörer im Überblick",
        "Die besten Laptop-Angebote der Woche",
        "Black Friday : les meilleures offres sur les téléviseurs",
        "Las mejores ofertas de Black Friday en portátiles",
        "Black Friday: os melhores notebooks em promoção",
        "ブラックフライデー テレビのおすすめセール情報",
        "双11最值得买的电视推荐",
        "Links der Woche: Vögel und Brücken",
    ],
)
def test_bargains_and_sums_of_a_day_or_week_report_no_event(title: str) -> None:
    assert reports_no_event(title, kinds(title))


@pytest.mark.parametrize(
    "title",
    [
        "Plover signs the best trade deal yet",
        "Oil falls to a record low",
        "Copper at its lowest price in a year",
        "Merger would save $5 billion",
        "Shares of Plover are 40% off their peak",
        "Heron tablet goes on sale for $499",
        "Shoppers crowd malls on Black Friday",
        "Black Friday sales hit a record $12 billion",
        "Court fines Heron for offers of Prime Day that were none",
        "Union rejects the best and final offer of Heron",
        "Plover legt das beste Ergebnis seit zehn Jahren vor",
        "Heron macht Aktionären ein Angebot über 3 Milliarden Euro",
        "Heron dévoile sa meilleure offre de rachat",
        "The president's weekly address",
        "A podcast by Plover",
        "Heron grocers start one-hour delivery ahead of their spring sale",
        "Heron makes its 75% discount permanent",
        "The Zenda Daily News sues Plover",
        "Plover can't catch up with the industry",
    ],
)
def test_news_of_prices_and_deals_reports_an_event(title: str) -> None:
    assert not reports_no_event(title, kinds(title))
