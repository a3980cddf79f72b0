"""What the operator does, each with its line in the audit list and the way to take it back, in one transaction.

Knows words and undoing. Leaves forms and addresses to the rooms, and what comes of it to the worker.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.config import parse_config, patch, read_config
from aggregator.config.file import save_config
from aggregator.errors import DecisionError, GroundswellError
from aggregator.model import Config, Decision, DecisionKind
from aggregator.store import Store
from aggregator.store.editorial.sessions import Action
from aggregator.text.tokens import clip
from scoring.learning.model_store import history, load, models_dir, use
from web.present import Moment, Presenter
from web.request import context
from web.request.context import presenter, reading
from web.request.services import services

PRIOR = "prior"
"""How the model that ships with the program is called."""
JUST = timedelta(minutes=1)
HEADLINE = 90
"""Characters of a headline in a line of the audit list."""


class Hand:
    """What a page of the operator's shows beside the news: votes, and what was just done. For one page each."""

    def __init__(self) -> None:
        self._place = 0

    def of(self, story_id: int) -> str:
        """Return up, down or "" for no vote."""
        with reading().store() as store:
            said = store.feedback.vote_of(story_id)
        return {True: "up", False: "down", None: ""}[said]

    def place(self) -> int:
        """Return another number each time: a story may stand on a page twice."""
        self._place += 1
        return self._place

    def just_done(self) -> Row | None:
        """Return what was done within the last minute and was not taken back."""
        with reading().store() as store:
            last = next(iter(store.actions.newest(1)), None)
            if last is None or last.undone_at is not None or context.now() - last.at > JUST:
                return None
            return row(presenter(store), last)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the audit list."""

    action_id: int
    at: Moment
    words: str
    story_url: str
    undoable: bool
    undone: Moment | None


def row(show: Presenter, action: Action) -> Row:
    """Return an action as the audit list has it."""
    return Row(
        action.action_id,
        show.moment(action.at),
        sentence(action.words),
        f"/admin/story/{action.story_id}" if action.story_id is not None else "",
        action.undo is not None and action.undone_at is None,
        show.moment(action.undone_at) if action.undone_at else None,
    )


def sentence(words: str) -> str:
    """Return *words* with a capital letter in front."""
    return words[:1].upper() + words[1:]


def feeds_file() -> Path | None:
    """Return where feeds.yaml is, None where this site was not told."""
    return services().feeds_file


def note_sign_in(store: Store, now: datetime) -> None:
    """Note that somebody showed the token."""
    store.actions.note("sign in", "signed in", now)


def vote(store: Store, story_id: int, up: bool | None, now: datetime) -> None:
    """Vote a story up or down, None takes the vote back; DecisionError where there is none."""
    headline = _headline(store, story_id)
    before = store.feedback.vote_of(story_id)
    if before == up:
        return
    said = {True: f"voted {headline} up", False: f"voted {headline} down", None: f"took the vote on {headline} back"}
    with store.transaction():
        store.feedback.vote(story_id, up, now)
        undo = {"do": "vote", "story": story_id, "before": before, "after": up}
        store.actions.note("vote", said[up], now, story_id=story_id, undo=undo)


def decide(
    store: Store,
    kind: DecisionKind,
    story_id: int,
    now: datetime,
    *,
    entry_ids: tuple[int, ...] = (),
    into_id: int | None = None,
    category_id: str = "",
) -> Decision:
    """Keep a decision and return it; DecisionError says what cannot be."""
    headline = _headline(store, story_id)
    other = _headline(store, into_id) if into_id is not None else ""
    entries = "an entry" if len(entry_ids) == 1 else f"{len(entry_ids)} entries"
    words = {
        DecisionKind.SPLIT: f"split {entries} off {headline}",
        DecisionKind.MOVE: f"moved {entries} from {headline} to {other}",
        DecisionKind.MERGE: f"merged {headline} with {other}",
        DecisionKind.CATEGORY: f"put {headline} into {category_id}",
        DecisionKind.HIDE: f"hid {headline}",
        DecisionKind.PIN: f"pinned {headline}",
    }
    with store.transaction():
        made = store.decisions.decide(
            kind, story_id=story_id, entry_ids=entry_ids, into_id=into_id, category_id=category_id, now=now
        )
        undo = {"do": "decision", "id": made.decision_id}
        store.actions.note("decision", words[kind], now, story_id=story_id, undo=undo)
    return made


def take_decision_back(store: Store, decision_id: int, now: datetime) -> int:
    """Take a decision back, with its line in the audit list where there is one; return the story it was about."""
    with store.transaction():
        made = store.decisions.undo(decision_id, now)
        action = store.actions.standing({"do": "decision", "id": decision_id})
        if action is not None:
            store.actions.undone(action, now)
        else:
            words = f"took back: {made.kind.value} of {_headline(store, made.story_id)}"
            store.actions.note("decision", words, now, story_id=made.story_id)
    return made.story_id


def _headline(store: Store, story_id: int) -> str:
    story = store.stories.get(story_id)
    if story is None:
        raise DecisionError(f"there is no story {story_id}")
    return f"“{clip(story.headline, HEADLINE)}”"


Change = Callable[[str, Config | None], tuple[str, str]]
"""From the text of feeds.yaml and what it says to the text afterwards, and what was done in words; ConfigError."""

_writing = threading.Lock()


def edit_feeds(store: Store, path: Path, change: Change, now: datetime, env: Mapping[str, str]) -> None:
    """Save what *change* makes of feeds.yaml once it is sure that it stands; ConfigError, OSError."""
    with _writing:
        before = read_config(path) if path.exists() else ""
        running = parse_config(before, name=path.name, env=env) if before else None
        after, words = change(before, running)
        if after == before:
            return
        parse_config(after, name=path.name, env=env)
        with store.transaction():
            undo = {"do": "feeds", "change": patch.change(before, after)}
            store.actions.note("sources", words, now, undo=undo)
            save_config(path, after)


def use_model(store: Store, folder: Path, name: str, now: datetime) -> None:
    """Score with a model that is kept, or with the prior; GroundswellError says what cannot be."""
    before = next((one.file_name for one in history(folder) if one.in_use), PRIOR)
    if name == before:
        raise GroundswellError(f"{name} is in use already")
    with store.transaction():
        _choose(folder, name)
        undo = {"do": "model", "before": before, "after": name}
        store.actions.note("models", f"took {name} into use instead of {before}", now, undo=undo)


def _choose(folder: Path, name: str) -> None:
    if name == PRIOR:
        (folder / "current").unlink(missing_ok=True)
    elif name in {one.file_name for one in history(folder)}:
        load(folder / name)
        use(folder, name)
    else:
        raise GroundswellError(f"there is no model {name} any more")


def take_back(store: Store, action_id: int, now: datetime, feeds: Path | None) -> None:
    """Take an action back; GroundswellError says why it cannot be."""
    action = store.actions.get(action_id)
    if action is None:
        raise GroundswellError(f"there is no action {action_id}")
    if action.undone_at is not None:
        raise GroundswellError(f"that was taken back already, on {action.undone_at:%d %B %Y at %H:%M}")
    if action.undo is None:
        raise GroundswellError("that cannot be taken back")
    with store.transaction():
        _UNDO[str(action.undo["do"])](store, action.undo, now, feeds)
        store.actions.undone(action_id, now)


def _undo_vote(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    if store.feedback.vote_of(undo["story"]) != undo["after"]:
        raise GroundswellError("the vote on that story was changed since; vote anew instead")
    store.feedback.vote(undo["story"], undo["before"], now)


def _undo_decision(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    store.decisions.undo(undo["id"], now)


def _undo_feeds(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    if feeds is None:
        raise GroundswellError("this site was not told where feeds.yaml is; start it with --feeds")
    with _writing:
        try:
            text = patch.taken_back(read_config(feeds), undo["change"])
            parse_config(text, name=feeds.name, env=os.environ)
            save_config(feeds, text)
        except OSError as error:
            raise GroundswellError(f"feeds.yaml cannot be written: {error.strerror}") from error


def _undo_model(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    folder = models_dir(reading().db)
    if next((one.file_name for one in history(folder) if one.in_use), PRIOR) != undo["after"]:
        raise GroundswellError("another model was taken into use since; choose one on the models page instead")
    _choose(folder, undo["before"])


_UNDO = {"vote": _undo_vote, "decision": _undo_decision, "feeds": _undo_feeds, "model": _undo_model}
