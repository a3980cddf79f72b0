from __future__ import annotations

from datetime import timedelta

from scoring.insights.coverage_analysis import analyse
from tests.scoring.insights.test_key_facts import members_of

MINUTE = timedelta(minutes=1)


def test_first_report_and_followers_are_listed_by_voice() -> None:
    analysis = analyse(
        members_of(
            ("ledger", "Veldra files to go public", ""),
            ("wire", "Veldra plans offering", ""),
            ("mirror", "Veldra plans offering", "", "wire"),
            ("local", "Veldra: offering", ""),
            ("far", "Veldra offering", ""),
        )
    )
    assert analysis is not None
    assert analysis.first.source_id == "ledger"
    assert [(f.entry.source_id, f.after) for f in analysis.followers] == [
        ("wire", MINUTE),
        ("local", 3 * MINUTE),
        ("far", 4 * MINUTE),
    ]
    assert [(entry.source_id, earlier.source_id) for entry, earlier in analysis.repeats] == [("mirror", "wire")]
    assert analysis.half_after == MINUTE


def test_an_addition_is_a_new_figure_or_new_words() -> None:
    analysis = analyse(
        members_of(
            ("ledger", "Veldra files to go public", "Revenue of Veldra reached $318 million in nine months."),
            ("wire", "Veldra plans offering", "Revenue of Veldra reached $318 million, the filing says."),
            ("local", "Veldra: offering", "In Ghent, Veldra employs 240 engineers today."),
            ("far", "Veldra offering", "Regulators in Brussels doubt whether Veldra told investors about every rival."),
        )
    )
    assert analysis is not None
    assert [(a.entry.source_id, a.figures) for a in analysis.additions] == [("far", ()), ("local", ("240 engineers",))]


def test_one_entry_has_no_followers_and_no_entries_no_analysis() -> None:
    alone = analyse(members_of(("ledger", "Veldra files to go public", "")))
    assert alone is not None
    assert (alone.followers, alone.repeats, alone.additions, alone.half_after) == ((), (), (), None)
    assert analyse([]) is None
