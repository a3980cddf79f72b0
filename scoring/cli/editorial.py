"""The commands of editors: split, merge, move, correct, hide, pin, and take back.

Knows how they read and print. A decision is written into the database, whether the program runs or not;
the running worker takes it in within a second, else the next `groundswell update` does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from aggregator.cli.database import stream_line
from aggregator.cli.options import Front, db_option, existing, feeds_option, json_option
from aggregator.config import load_config
from aggregator.errors import GroundswellError
from aggregator.model import Decision, DecisionKind
from aggregator.site.database import open_store
from scoring.editorial import pairwise_constraints


@click.group()
def stories() -> None:
    """Split, merge, move, recategorize, hide and pin stories, and undo that.

    STORY is the number in a story's address, ENTRY one that `groundswell explain STORY` shows in brackets.
    Decisions last: neither later entries nor a rebuild undo them.
    """


story_argument = click.argument("story", metavar="STORY", type=click.IntRange(min=1))
entries_argument = click.argument("entries", metavar="ENTRY...", type=click.IntRange(min=1), nargs=-1, required=True)


@stories.command()
@story_argument
@entries_argument
@db_option
@json_option
@click.pass_obj
def split(front: Front, story: int, entries: tuple[int, ...], db: Path, as_json: bool) -> None:
    """Split entries off STORY into a new story.

    The part that has the story's first entry keeps its address.

    \b
    Example:
      groundswell stories split 217 340 352
    """
    with open_store(existing(db)) as store:
        _tell(store.decisions.decide(DecisionKind.SPLIT, story_id=story, entry_ids=entries, now=front.clock()), as_json)


@stories.command()
@story_argument
@click.argument("other", metavar="OTHER", type=click.IntRange(min=1))
@db_option
@json_option
@click.pass_obj
def merge(front: Front, story: int, other: int, db: Path, as_json: bool) -> None:
    """Merge STORY and OTHER. The older one stays; the address of the other redirects to it.

    \b
    Example:
      groundswell stories merge 217 305
    """
    with open_store(existing(db)) as store:
        _tell(store.decisions.decide(DecisionKind.MERGE, story_id=story, into_id=other, now=front.clock()), as_json)


@stories.command()
@story_argument
@click.argument("other", metavar="OTHER", type=click.IntRange(min=1))
@entries_argument
@db_option
@json_option
@click.pass_obj
def move(front: Front, story: int, other: int, entries: tuple[int, ...], db: Path, as_json: bool) -> None:
    """Move entries from STORY to OTHER.

    \b
    Example:
      groundswell stories move 217 305 340
    """
    with open_store(existing(db)) as store:
        decision = store.decisions.decide(
            DecisionKind.MOVE, story_id=story, entry_ids=entries, into_id=other, now=front.clock()
        )
        _tell(decision, as_json)


@stories.command()
@story_argument
@click.argument("category", metavar="CATEGORY")
@feeds_option
@db_option
@json_option
@click.pass_obj
def category(front: Front, story: int, category: str, feeds: Path, db: Path, as_json: bool) -> None:
    """Set the category of STORY.

    \b
    Example:
      groundswell stories category 217 policy
    """
    ids = [item.id for item in load_config(feeds, env=front.env).categories]
    if category not in ids:
        raise GroundswellError(f"category {category!r} is not one of {', '.join(ids)}")
    with open_store(existing(db)) as store:
        decision = store.decisions.decide(
            DecisionKind.CATEGORY, story_id=story, category_id=category, now=front.clock()
        )
        _tell(decision, as_json)


@stories.command()
@story_argument
@db_option
@json_option
@click.pass_obj
def hide(front: Front, story: int, db: Path, as_json: bool) -> None:
    """Hide STORY from lists, search and feeds. Its address still works.

    \b
    Example:
      groundswell stories hide 217
    """
    with open_store(existing(db)) as store:
        _tell(store.decisions.decide(DecisionKind.HIDE, story_id=story, now=front.clock()), as_json)


@stories.command()
@story_argument
@db_option
@json_option
@click.pass_obj
def pin(front: Front, story: int, db: Path, as_json: bool) -> None:
    """Pin STORY to the top of the front page and its category.

    \b
    Example:
      groundswell stories pin 217
    """
    with open_store(existing(db)) as store:
        _tell(store.decisions.decide(DecisionKind.PIN, story_id=story, now=front.clock()), as_json)


@stories.command()
@click.argument("decision", metavar="DECISION", type=click.IntRange(min=1))
@db_option
@json_option
@click.pass_obj
def undo(front: Front, decision: int, db: Path, as_json: bool) -> None:
    """Undo a decision. Entries return to where they were; later ones stay.

    DECISION is its number in `groundswell stories decisions`.

    \b
    Example:
      groundswell stories undo 12
    """
    with open_store(existing(db)) as store:
        _tell(store.decisions.undo(decision, front.clock()), as_json)


@stories.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="The maximum number of lines.")
@db_option
@json_option
def decisions(limit: int, db: Path, as_json: bool) -> None:
    """List editorial decisions, newest first.

    \b
    Example:
      groundswell stories decisions
    """
    with open_store(existing(db)) as store:
        history = store.decisions.history(limit)
    if as_json:
        click.echo(json.dumps([_plain(decision) for decision in history], indent=1))
        return
    for decision in history:
        undone = f"  (undone {decision.undone_at:%d %b %H:%M})" if decision.undone_at else ""
        click.echo(f"{decision.decision_id:5d}  {decision.at:%d %b %H:%M}  {_sentence(decision)}{undone}")


@stories.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@db_option
def export_cases(folder: Path, db: Path) -> None:
    """Write the splits, merges and moves in force to FOLDER as test cases.

    items.jsonl has the entries as they arrived, pairs.tsv which pairs belong together or apart. `groundswell
    evaluate pairs` tests the clustering against them.

    \b
    Example:
      groundswell stories export cases/
      groundswell evaluate pairs cases/items.jsonl cases/pairs.tsv
    """
    with open_store(existing(db)) as store:
        pairs = pairwise_constraints.pairs(store.decisions.standing())
        wanted = {int(entry_id) for pair in pairs for entry_id in (pair.first, pair.second)}
        entries = store.entries.as_arrived(sorted(wanted))
    entry_ids = {str(entry.entry_id) for entry in entries}
    cases = [pair for pair in pairs if pair.first in entry_ids and pair.second in entry_ids]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(stream_line(entry), ensure_ascii=False) + "\n" for entry in entries]
        (folder / "items.jsonl").write_text("".join(lines), encoding="utf-8")
        (folder / "pairs.tsv").write_text(pairwise_constraints.written(cases), encoding="utf-8")
    except OSError as error:
        raise GroundswellError(f"cannot write to {folder}: {error.strerror}") from error
    together = sum(pair.together for pair in cases)
    click.echo(f"{len(entries)} entries; {together} pairs together, {len(cases) - together} apart")


def _tell(decision: Decision, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_plain(decision), indent=1))
    else:
        click.echo(f"decision {decision.decision_id}{' undone' if decision.undone_at else ''}: {_sentence(decision)}")


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.decision_id,
        "kind": decision.kind.value,
        "at": decision.at.isoformat(),
        "story": decision.story_id,
        "entries": list(decision.entry_ids),
        "others": list(decision.other_ids),
        "other_story": decision.into_id,
        "category": decision.category_id or None,
        "undone_at": decision.undone_at.isoformat() if decision.undone_at else None,
    }


def _sentence(decision: Decision) -> str:
    entries = ("entry " if len(decision.entry_ids) == 1 else "entries ") + ", ".join(map(str, decision.entry_ids))
    match decision.kind:
        case DecisionKind.SPLIT:
            return f"split {entries} off story {decision.story_id}"
        case DecisionKind.MERGE:
            return f"merge story {decision.story_id} with story {decision.into_id}"
        case DecisionKind.MOVE:
            return f"move {entries} from story {decision.story_id} to story {decision.into_id}"
        case DecisionKind.CATEGORY:
            return f"put story {decision.story_id} into {decision.category_id}"
        case DecisionKind.HIDE | DecisionKind.PIN:
            return f"{decision.kind.value} story {decision.story_id}"
