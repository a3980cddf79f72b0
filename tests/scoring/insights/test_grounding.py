from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model import AnalysisSettings, Config
from aggregator.store import Store
from scoring.insights.grounding import fingerprint_of, grounded, material
from scoring.insights.summarizer import REST, REWRITE_AFTER, Summarizer
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.insights.test_key_facts import members_of
from tests.scoring.world import CONFIG, HOUR, NOON, newsroom, publish

REPORTS = members_of(
    ("ledger", "Veldra files to go public", "Revenue of Veldra reached $318 million in nine months, up 12 percent."),
    ("wire", "Veldra of Ghent plans offering", "The maker of switches employs 240 engineers. 三星 supplies it."),
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Veldra reports revenue of $318 million.",
        "According to the reports, Veldra of Ghent has 240 engineers.",
        "Revenue grew by 12 percent.",
        "Its supplier is 三星 in this telling.",
    ],
)
def test_a_sentence_of_what_the_entries_say_stands(sentence: str) -> None:
    assert grounded(sentence, REPORTS) == ((sentence,), 0)


@pytest.mark.parametrize(
    "sentence",
    [
        "Veldra reports revenue of $319 million.",
        "Veldra reports revenue of $318 billion.",
        "Veldra reports revenue of 318 million euros.",
        "Revenue grew by 12 million.",
        "Revenue grew by 240 percent.",
        "Veldra employs 318 engineers.",
        "Veldra employs two hundred engineers.",
        "Borealis competes with Veldra.",
        "Veldra competes with Borealis.",
        "It was founded in 2019.",
        "Its supplier is 华为 in this telling.",
        "See https://veldra.example for revenue.",
        "<b>Veldra</b> reports revenue.",
        "**Veldra** reports revenue.",
        "!!!",
    ],
)
def test_a_sentence_with_anything_else_is_left_out(sentence: str) -> None:
    assert grounded(sentence, REPORTS)[0] == ()


def test_a_summary_has_at_most_six_sentences() -> None:
    assert grounded("Veldra. " * 200, REPORTS) == (("Veldra.",) * 6, 0)


def test_lies_go_and_the_truth_beside_them_stays() -> None:
    text = "Veldra reports revenue of $318 million. It will be worth $9 billion. Ghent is its home."
    assert grounded(text, REPORTS) == (("Veldra reports revenue of $318 million.", "Ghent is its home."), 1)


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_any_answer_can_be_checked_against_the_entries(text: str) -> None:
    supported, _ = grounded(text, REPORTS)
    assert len(supported) <= 6
    for sentence in supported:
        assert grounded(sentence, REPORTS) == ((sentence,), 0)


def test_what_is_sent_is_bounded_and_another_entry_makes_another_fingerprint() -> None:
    many = members_of(*((f"s{i}", "Veldra opens plant", "Words of a report. " * 2_000) for i in range(80)))
    assert len(material(many)) < 30_000
    assert fingerprint_of(REPORTS, "m") != fingerprint_of(REPORTS[:1], "m")
    assert fingerprint_of(REPORTS, "m") != fingerprint_of(REPORTS, "n")


# With a server that invents


class Liar(ThreadingHTTPServer):
    """An OpenAI-compatible endpoint that returns one true sentence among inventions, or a given text."""

    answer: bytes | None = None
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.requests: list[tuple[str, dict[str, object]]] = []


class _Answering(BaseHTTPRequestHandler):
    server: Liar

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.headers["Authorization"], question))
        headline = question["messages"][1]["content"].split("\n")[0].split("] ")[1]
        text = f"{headline}. The deal is worth $77 billion. Zorblatt Industries denies it. <script>alert(1)</script>"
        body = self.server.answer or json.dumps({"choices": [{"message": {"content": text}}]}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[Liar]:
    server = Liar()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        for poll in newsroom(1):
            publish(store, poll)
        Updater(store, CONFIG, load_prior()).run(NOON + HOUR)
        yield store


def configured(liar: Liar) -> Config:
    endpoint = f"http://127.0.0.1:{liar.server_port}/v1/chat/completions"
    return replace(
        CONFIG,
        limits=replace(CONFIG.limits, allow_private=("127.0.0.1",)),
        analysis=AnalysisSettings(endpoint, "liar-1", (("Authorization", "Bearer k"),), 5),
    )


async def test_unsupported_sentences_of_a_server_are_removed(liar: Liar, store: Store) -> None:
    narrator = Summarizer(configured(liar), store)
    edition = store.state.edition()
    assert await narrator.step(NOON + HOUR)
    (authorization, question), *more = liar.requests
    assert not more
    assert (authorization, question["model"]) == ("Bearer k", "liar-1")
    (written,) = [w for item in store.story_lists.ranked("", 20) if (w := store.summaries.of(item.story.story_id))]
    assert written.model == "liar-1"
    assert written.left_out >= 2
    assert written.sentences
    assert not any(lie in " ".join(written.sentences) for lie in ("77", "Zorblatt", "script"))
    assert store.state.edition() == edition + 1


async def test_each_story_is_written_of_once_until_its_entries_change(liar: Liar, store: Store) -> None:
    narrator = Summarizer(configured(liar), store)
    rounds = 0
    while await narrator.step(NOON + HOUR):
        rounds += 1
        assert rounds <= 5
    assert len(liar.requests) == rounds > 0
    assert not await narrator.step(NOON + HOUR + REWRITE_AFTER)


@pytest.mark.parametrize(
    ("status", "answer"), [(500, None), (200, b"not json"), (200, b'{"choices": []}'), (200, b"[]")]
)
async def test_what_fails_is_left_alone_for_a_while(
    liar: Liar, store: Store, status: int, answer: bytes | None
) -> None:
    liar.status, liar.answer = status, answer
    narrator = Summarizer(configured(liar), store)
    assert await narrator.step(NOON)
    assert not await narrator.step(NOON + REST - timedelta(seconds=1))
    assert len(liar.requests) == 1
    assert await narrator.step(NOON + REST)


async def test_without_an_endpoint_nothing_is_requested_and_a_private_one_needs_permission(
    liar: Liar, store: Store
) -> None:
    assert not await Summarizer(CONFIG, store).step(NOON)
    config = configured(liar)
    narrator = Summarizer(replace(config, limits=CONFIG.limits), store)
    assert await narrator.step(NOON)
    assert liar.requests == []
