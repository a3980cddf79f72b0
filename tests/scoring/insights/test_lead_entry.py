from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator.model import NO_REASON, Embedding, Entry, Membership, Picture
from bench.headline import LABELS
from scoring.insights.lead_entry import Headline, agreement, choose, clarity, closeness, pictured, rated
from scoring.metrics.ranking import auc
from tests.scoring.world import NOON, entry

DATA = Path(__file__).parents[4] / "shared" / "data"

CLEAR = "Amazon opens a data centre in Ohio"


@pytest.mark.parametrize(
    "worse",
    [
        "Amazon opens",
        "LIVE updates: Amazon opens a data centre",
        "AMAZON OPENS A DATA CENTRE IN OHIO",
        "Amazon opens?",
        "This cloud giant just opened a data centre",
        "The real reason behind the data centre in Ohio",
        "19 data centres that Amazon opens in Ohio",
        "3 big takeaways from the data centre in Ohio",
        "Amazon opens your perfect data centre in Ohio",
        "Can Amazon open a data centre in Ohio",
        "A data centre in Ohio? Amazon opens one",
        "Read the memo: Amazon opens a data centre in Ohio",
        "Amazon opens a data centre in Ohio: updating live",
        "One-minute daily cloud news: a data centre in Ohio",
        "Amazon opens a data centre in Ohio - how to visit it",
    ],
)
def test_a_clear_headline_is_better_than_bait_capitals_and_fragments(worse: str) -> None:
    assert clarity(CLEAR, "") > clarity(worse, "")


def test_the_clearest_wins_of_equals_the_first_and_the_present_one_stays_unless_clearly_beaten() -> None:
    assert choose([(1, 0.5), (2, 1.0), (3, 1.0)], None) == 2
    assert choose([(1, 0.9), (2, 1.0)], 1) == 1
    assert choose([(1, 0.5), (2, 1.0)], 1) == 2


def test_news_comes_before_comment() -> None:
    news = "OpenAI takes 2 gigawatts of Trainium in a deal for 1.4 million chips"
    assert clarity(news, "") > clarity("What 1.4 million Trainium chips mean for Amazon's racks", "")
    assert clarity(news, "") > clarity("The 12 best laptop deals of the week", "")


@pytest.mark.parametrize(
    ("news", "comment"),
    [
        (
            "Stadtrat stoppt Hafentunnel, Kosten doppelt so hoch",
            "Warum der Stadtrat den teuren Hafentunnel jetzt stoppt",
        ),
        ("Le port abandonne son tunnel, au coût doublé", "Pourquoi le port abandonne son tunnel au coût doublé"),
        ("Le port abandonne son tunnel, au coût doublé", "EN DIRECT - Le port abandonne son tunnel au coût doublé"),
        ("El puerto cancela el túnel por su coste doble", "¿Por qué cancela el puerto el túnel de coste doble?"),
        ("Порт отказался от туннеля из-за двойной цены", "Почему порт отказался от туннеля из-за двойной цены"),
        ("市议会叫停海港隧道 成本翻倍", "海港隧道为何被市议会叫停 成本翻倍"),
        ("市議会、港湾トンネルを中止 費用が2倍に", "市議会はなぜ港湾トンネルを中止 費用が2倍に"),
        ("Heron unveils its Fold 4 phone in Lisbon", "Fold 4, phones: everything Heron unveiled in Lisbon"),
        ("Plover publishes its compiler under a free license", "Our compiler is published under a free license"),
    ],
)
def test_news_comes_before_comment_in_other_languages_and_before_what_vendors_say(news: str, comment: str) -> None:
    assert clarity(news, "") >= clarity(comment, "") + 0.2


def test_what_a_product_does_for_its_users_is_a_statement() -> None:
    statement = "Corvid Code can now use your computer to complete tasks"
    assert clarity(statement, "") > clarity("Velora hands Corvid Code more control, but keeps it on a leash", "") - 0.25
    assert clarity(statement, "") > clarity("Your computer is now an employee of Corvid Code, tasks and all", "")
    assert clarity(statement, "") > clarity("How you let Corvid Code use your computer to complete tasks", "")


@pytest.mark.parametrize(
    ("plain", "beside"),
    [
        ("Velora will let you pick the model that answers in Corvid", "Velora tells you to pick a model for Corvid"),
        ("Velora lets agents make podcasts of any page", "Velora podcast: agents that make episodes of any page"),
        ("Velora workers vote to unionize over military AI deals", "Velora workers find the best military AI deals"),
        ("Velora and Ostrix sign AI deals in Ohio", "Velora and Ostrix sign mind-blowing AI contracts in Ohio"),
    ],
)
def test_words_that_bait_shares_with_news_count_only_as_bait(plain: str, beside: str) -> None:
    assert clarity(plain, "") >= clarity(beside, "") + 0.2


def lead_of(*titles: str, copies: tuple[int, ...] = ()) -> str:
    """Return the headline that leads a story after its entries arrived one by one."""
    present = None
    for count in range(1, len(titles) + 1):
        headlines = [Headline(n, t, clarity(t, ""), n in copies) for n, t in enumerate(titles[:count])]
        present = choose(rated(headlines), present)
    assert present is not None
    return titles[present]


OBLIQUE = "The hottest stock market mints another giant"


def test_an_off_topic_headline_is_replaced_by_what_the_others_say() -> None:
    reports = ("Chip maker Velora crosses $1tn", "Velora is worth $1tn on demand for memory")
    assert lead_of(OBLIQUE, reports[0]) == OBLIQUE  # two cannot show which of them is off the point
    assert lead_of(OBLIQUE, *reports) in reports


def test_reprints_do_not_outvote_the_others() -> None:
    reports = (OBLIQUE, OBLIQUE, OBLIQUE, "Chip maker Velora crosses $1tn", "Velora is worth $1tn on memory")
    assert lead_of(*reports, copies=(1, 2)) == reports[3]


def test_agreement_is_a_share_whatever_the_headlines_hold() -> None:
    titles = ["", "?!", "Velora buys Ostrix", "Velora buys Ostrix", "Velora Velora buys the Ostrix of Ohio"]
    values = agreement(titles)
    assert values[:2] == [0.0, 0.0]
    assert all(0.0 <= value <= 1.0 for value in values)
    assert values[2] == values[3]


def meaning(*components: int, encoder: str = "x") -> Embedding:
    return Embedding(encoder, bytes(component % 256 for component in components))


EVENT, RUMOR = meaning(100, 10, 0), meaning(20, 100, 0)


def leads_of(*headlines: tuple[str, Embedding | None]) -> list[str]:
    """Return the headline that leads a story after each of its entries."""
    rows = [Headline(n, t, clarity(t, ""), copy=False, embedding=e) for n, (t, e) in enumerate(headlines)]
    leads: list[int] = []
    for count in range(1, len(rows) + 1):
        leads.append(choose(rated(rows[:count]), leads[-1] if leads else None))
    return [rows[lead].title for lead in leads]


def test_the_lead_moves_to_what_most_of_the_coverage_is_about_and_stays_there() -> None:
    rumor = ("Ostrix reportedly turns to Velora chips for Corvid", RUMOR)
    reports = [
        ("Ostrix announces Heron OS in Lisbon", EVENT),
        ("The assistant of Ostrix speaks at last", EVENT),
        ("Ostrix shows phones that answer their callers", EVENT),
        ("A keynote of Ostrix without new laptops", EVENT),
        ("Ostrix renames its assistant and its system", EVENT),
    ]
    leads = leads_of(rumor, *reports, rumor, *reports)
    assert leads[:2] == [rumor[0], rumor[0]]  # two cannot show which of them is off the point
    assert leads[-1] in {title for title, _ in reports}
    assert sum(before != after for before, after in pairwise(leads)) == 1


def test_closeness_needs_embeddings_that_can_be_compared() -> None:
    assert closeness([EVENT, EVENT]) == [0.0, 0.0]
    assert closeness([EVENT, EVENT, None]) == [0.0, 0.0, 0.0]
    assert closeness([EVENT, EVENT, meaning(100, 10, 0, encoder="y")]) == [0.0, 0.0, 0.0]
    first, second, third = closeness([EVENT, EVENT, RUMOR])
    assert first == second > third


STATEMENTS = [
    "Velora releases Corvid 5, a model that reads an hour of video",
    "Velora's Corvid 5 model reads an hour of video, company says",
    "Velora cuts the price of Corvid 5 by half",
]


@pytest.mark.parametrize(
    "other",
    [
        "Corvid 5 System Card",
        "Addendum to the Corvid 4 and Corvid 5 system card",
        "Introducing Corvid 5",
        "How we built Corvid 5",
        "Our approach to safety in Corvid 5",
        "Corvid 5 customer stories: how Ostrix reads video faster",
        "Is Velora's Corvid 5 model the end of the transcript?",
        "Why Velora's Corvid 5 matters for every newsroom",
        "What Corvid 5 means for video",
        "I let Velora's Corvid 5 watch my holiday videos",
        "'It saw everything': testers on Velora's Corvid 5 model",
        "Velora Corvid 5 hands-on: an hour of video in a minute",
        "Getting started with Corvid 5 in ten minutes",
    ],
)
def test_a_statement_of_what_happened_leads_in_any_order(other: str) -> None:
    summary = "The model was announced on Monday and is available to developers in preview today."
    for statement in STATEMENTS:
        for order in ((statement, other), (other, statement)):
            values = [(number, clarity(title, summary)) for number, title in enumerate(order)]
            assert order[choose(values, None)] == statement


def test_clarity_separates_news_from_clickbait() -> None:
    """A floor under the .940 that `python -m bench.headline` measured on headlines not used to design the rule."""
    file = DATA / LABELS
    if not file.exists():
        pytest.skip(f"labelled headlines are not part of the repository; none in {DATA}")
    packed = file.read_bytes()
    if hashlib.sha256(packed).hexdigest() != "bea5de9fca024a71edae18e7117e7d173d8ab4afcbde9e68e5318f7175996f8d":
        pytest.skip(f"{file} is not the file that the floor was measured on")
    rows = [json.loads(line) for line in gzip.decompress(packed).splitlines()[1::2]]

    area = auc([clarity(row["title"], "") for row in rows], [not row["clickbait"] for row in rows])
    assert area is not None
    assert area >= 0.93


def shown(number: int, picture: Picture | None, voice: str) -> tuple[Entry, Membership]:
    return replace(entry(number, "Amazon opens"), picture=picture), Membership(
        number, 1, NOON, 0.5, 0.9, NO_REASON, voice
    )


def test_a_lead_without_a_picture_has_that_of_another_entry_originals_first_and_small_ones_last() -> None:
    large, small = Picture("https://a.example/1.jpg", width=1200), Picture("https://a.example/2.jpg", width=90)
    lead, copy = shown(1, None, "a"), shown(2, large, "a")
    original, icon = shown(3, large, "c"), shown(4, small, "d")

    def chosen(*members: tuple[Entry, Membership]) -> int | None:
        entry = pictured(members, 1)
        return None if entry is None else entry.entry_id

    assert chosen(lead, icon, copy, original) == 3
    assert chosen(lead, icon, copy) == 2
    assert chosen(lead, icon) == 4
    assert chosen(lead) is None
    assert chosen(shown(1, large, "a"), original) == 1
