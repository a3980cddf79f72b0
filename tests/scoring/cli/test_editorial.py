from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli.options import Front
from aggregator.errors import DecisionError, GroundswellError, StreamError
from aggregator.model import RuleEffect
from aggregator.store import Store
from scoring.cli.commands import COMMANDS
from scoring.editorial import pairwise_constraints
from scoring.editorial.pairwise_constraints import Pair
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, arrival
from web.cli.explain import explain

TOLD = (
    ("Earthquake strikes northern Ruritania", "A tremor was felt in the province of Strelsau and in Zenda."),
    ("Northern Ruritania hit by earthquake", "A tremor was felt in Strelsau and in Zenda, the province says."),
    ("Tremor in Ruritania: earthquake felt in Zenda", "The province of Strelsau counts the damage."),
    ("Plover unveils an error-corrected processor", "Banks may order the processor from May."),
)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "g.db"
    with Store.open(path) as store:
        store.feeds.sync(CONFIG.sources, NOON)
        for number, (report, source) in enumerate(zip(TOLD, ("lantern", "courier", "beacon", "quill"), strict=True)):
            with store.transaction():
                store.entries.add(source, [arrival(*report, source, None)], NOON + number * HOUR)
    update(path)
    return path


def update(db: Path) -> None:
    with Store.open(db) as store:
        Updater(store, CONFIG, load_prior()).run(NOON + 7 * HOUR)


def run(db: Path, *arguments: str) -> Result:
    command = next(item for item in (*COMMANDS, explain) if item.name == arguments[0])
    where = () if arguments[:2] in (("stories", "--help"), ("evaluate", "pairs")) else ("--db", str(db))
    return CliRunner().invoke(command, [*arguments[1:], *where], obj=Front(lambda: NOON + 6 * HOUR, {}))


def test_an_editor_splits_looks_and_takes_it_back(db: Path) -> None:
    assert run(db, "stories", "split", "1", "2", "3").output == "decision 1: split entries 2, 3 off story 1\n"
    update(db)
    assert "[2] Courier: Northern Ruritania hit by earthquake" in run(db, "explain", "2").output
    assert "an editor's split" in run(db, "explain", "2").output

    assert run(db, "stories", "undo", "1").output == "decision 1 undone: split entries 2, 3 off story 1\n"
    update(db)

    assert "3 entries of 3 sources" in run(db, "explain", "1").output
    assert run(db, "stories", "decisions").output.endswith("split entries 2, 3 off story 1  (undone 17 Nov 18:00)\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("merge", "1", "4"), "decision 1: merge story 1 with story 4\n"),
        (("move", "1", "4", "2"), "decision 1: move entry 2 from story 1 to story 4\n"),
        (("hide", "1"), "decision 1: hide story 1\n"),
        (("pin", "4"), "decision 1: pin story 4\n"),
    ],
)
def test_every_decision_has_a_command_and_is_in_the_list(db: Path, arguments: tuple[str, ...], message: str) -> None:
    assert run(db, "stories", *arguments).output == message
    listed = json.loads(run(db, "stories", "decisions", "--json").output)
    assert [(decision["id"], decision["kind"], decision["undone_at"]) for decision in listed] == [
        (1, arguments[0], None)
    ]
    assert json.loads(run(db, "stories", "undo", "1", "--json").output)["undone_at"]


def test_a_category_has_to_be_one_of_the_configured(db: Path, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text(
        "categories:\n  - {id: policy, name: Policy}\n"
        "sources:\n  - {id: a, name: A, url: https://a.example/feed, category: policy}\n",
        encoding="utf-8",
    )

    done = run(db, "stories", "category", "4", "policy", "--feeds", str(feeds))
    wrong = run(db, "stories", "category", "4", "sports", "--feeds", str(feeds))

    assert done.output == "decision 1: put story 4 into policy\n"
    assert isinstance(wrong.exception, GroundswellError)
    assert str(wrong.exception) == "category 'sports' is not one of policy"


def test_what_cannot_be_is_one_sentence(db: Path) -> None:
    failed = run(db, "stories", "split", "1", "1", "2", "3")
    assert isinstance(failed.exception, DecisionError)
    assert str(failed.exception) == "story 1 would be empty: leave at least one entry in it"


def test_every_command_shows_an_example(db: Path) -> None:
    group = next(decision for decision in COMMANDS if decision.name == "stories")
    for name in group.commands:  # type: ignore[attr-defined]
        assert "Example:" in CliRunner().invoke(group, [name, "--help"]).output


def test_what_editors_decided_is_exported_as_cases_that_can_be_checked(db: Path, tmp_path: Path) -> None:
    run(db, "stories", "split", "1", "3")
    update(db)
    run(db, "stories", "merge", "3", "4")
    update(db)

    result = run(db, "stories", "export", str(tmp_path / "cases"))

    assert result.output == "4 entries; 1 pairs together, 2 apart\n"
    assert pairwise_constraints.read(tmp_path / "cases" / "pairs.tsv") == [
        Pair("1", "3", False),
        Pair("2", "3", False),
        Pair("3", "4", True),
    ]
    files = [str(tmp_path / "cases" / name) for name in ("items.jsonl", "pairs.tsv")]
    checked = json.loads(run(db, "evaluate", "pairs", *files, "--json").output)
    assert checked["together"] == {"pairs": 1, "kept": 0}
    assert checked["apart"] == {"pairs": 2, "kept": 0}
    assert "1 and 3 should be apart" in run(db, "evaluate", "pairs", *files).output
    mixed = run(db, "evaluate", "pairs", *files, "--background", files[0], "--json")
    assert json.loads(mixed.output) == checked


def test_a_faulty_file_of_pairs_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("1\t2\ttogether\n1\t2\tmaybe\n", encoding="utf-8")
    with pytest.raises(StreamError, match=r"pairs\.tsv:2: not"):
        pairwise_constraints.read(path)
    assert pairwise_constraints.check([Pair("1", "9", True)], {"1": 1}).missing == 1


def test_explain_names_the_rules_that_a_story_matches(db: Path) -> None:
    with Store.open(db) as store:
        store.story_rules.replace(RuleEffect.MUTE, {1: "earthquake unless score:>95"})

    assert "Muted by the rule “earthquake unless score:>95”: no list shows it" in run(db, "explain", "1").output
    rules = json.loads(run(db, "explain", "1", "--json").output)["rules"]
    assert rules == [{"effect": "mute", "rule": "earthquake unless score:>95"}]
    assert json.loads(run(db, "explain", "4", "--json").output)["rules"] == []
