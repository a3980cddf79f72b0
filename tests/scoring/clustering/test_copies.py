from __future__ import annotations

from scoring.clustering.copies import is_copy, owner, owners, runs, voice
from tests.scoring.world import CONFIG

WIRE = (
    "The harbour authority said on Monday that the new crane had lifted its first container, "
    "six weeks later than planned, and that two more cranes would follow before the spring."
)
OWN = (
    "A first container was lifted by the harbour's new crane on Monday. It came six weeks late; "
    "the authority expects another two of the machines by spring."
)


def test_a_reprint_is_a_copy_also_when_cut_or_led_in_otherwise() -> None:
    text = runs("Crane lifts first container", WIRE)
    assert is_copy(text, runs("Harbour: new crane at work", WIRE))
    assert is_copy(text, runs("New crane at work", WIRE[: len(WIRE) // 2]))
    assert is_copy(runs("New crane", f"PORT TOWN (Wire) - {WIRE}"), text)


def test_a_report_of_the_same_event_in_other_words_is_not_a_copy() -> None:
    assert not is_copy(runs("Crane lifts first container", WIRE), runs("Crane lifts first container", OWN))


def test_short_texts_and_long_texts_that_quote_prove_nothing() -> None:
    assert not is_copy(runs("Apple unveils iPad", ""), runs("Apple unveils iPad", ""))
    long = " ".join(f"word{n} and other{n}" for n in range(100))
    assert not is_copy(
        runs("", WIRE), runs("", f"A wire service reports more on the harbour and its crane: {long} {WIRE}")
    )


def test_a_teaser_is_a_copy_of_the_long_text_that_begins_with_it() -> None:
    long = f"PORT TOWN (Wire) - {WIRE} " + " ".join(f"word{n} and other{n}" for n in range(100))
    assert is_copy(runs("Crane", WIRE), runs("Harbour", long))
    assert is_copy(runs("Harbour", long), runs("Crane", WIRE))
    assert is_copy(runs("Crane", WIRE[: len(WIRE) // 2]), runs("Harbour", long))


def test_sources_of_one_owner_are_one_voice_and_unknown_ones_speak_for_themselves() -> None:
    owner_of = owners(CONFIG)
    assert owner("herald", owner_of) == owner("herald_ai", owner_of) == "herald.example"
    assert owner("nobody", owner_of) == "nobody"


def test_a_copy_speaks_with_the_voice_of_the_first() -> None:
    text = runs("", WIRE)
    assert voice("mine", text, [("theirs", runs("", OWN)), ("wire", text), ("late", text)]) == "wire"
    assert voice("mine", runs("", OWN), [("wire", text)]) == "mine"
