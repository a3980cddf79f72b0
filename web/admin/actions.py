"""The operator's actions: each with its line in the audit log and the way to undo it, in one transaction.

Leaves forms and addresses to the pages, and the effects to the worker.
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
from aggregator.errors import ConfigError, DecisionError, GroundswellError
from aggregator.model import Config, Decision, DecisionKind
from aggregator.model.actions import ActionKind
from aggregator.store import Store
from aggregator.store.editorial.sessions import Action
from aggregator.store.files.models import ModelFiles
from aggregator.text.markup import clip
from aggregator.translatable import Translatable, message_of
from scoring.learning.model_store import history, load, use, use_prior
from web.admin.wording import worded
from web.i18n.messages import Notice, notice
from web.present import Moment, Presenter
from web.request import context
from web.request.context import presenter, reading
from web.request.services import services

PRIOR = "prior"
"""Name of the model that ships with the program."""
RECENT = timedelta(minutes=1)
MAX_HEADLINE_CHARS = 90
"""Of a headline in a line of the audit log."""


class OperatorTools:
    """What pages show to the operator in addition: votes, and the last action. One instance per page."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, story_id: int) -> str:
        """Return up, down or "" for no vote."""
        with reading().store() as store:
            vote = store.feedback.vote_of(story_id)
        return {True: "up", False: "down", None: ""}[vote]

    def next_form(self) -> int:
        """Return a new number for each form, because a story may be on a page twice."""
        self._count += 1
        return self._count

    def last_action(self) -> Row | None:
        """Return the last action, if it is less than a minute old and was not undone."""
        with reading().store() as store:
            last = next(iter(store.actions.newest(1)), None)
            if last is None or last.undone_at is not None or context.now() - last.at > RECENT:
                return None
            return row(presenter(store), last)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the audit log."""

    action_id: int
    at: Moment
    message: str
    language: str
    """en where a version before 0.2 stored the sentence, else "": the language of the page."""
    story_url: str
    undoable: bool
    undone: Moment | None


def row(show: Presenter, action: Action) -> Row:
    """Return an action as a row of the audit log."""
    return Row(
        action.action_id,
        show.moment(action.at),
        *worded(action),
        f"/admin/story/{action.story_id}" if action.story_id is not None else "",
        action.undo is not None and action.undone_at is None,
        show.moment(action.undone_at) if action.undone_at else None,
    )


def feeds_file() -> Path | None:
    """Return the path of feeds.yaml, or None if this site does not know it."""
    return services().feeds_file


def note_sign_in(store: Store, now: datetime) -> None:
    """Log a sign-in."""
    store.actions.note("sign in", ActionKind.SIGNED_IN, now)


def vote(store: Store, story_id: int, up: bool | None, now: datetime) -> None:
    """Vote a story up or down, or withdraw the vote (None); DecisionError if there is no such story."""
    headline = _headline(store, story_id)
    before = store.feedback.vote_of(story_id)
    if before == up:
        return
    kinds = {True: ActionKind.VOTED_UP, False: ActionKind.VOTED_DOWN, None: ActionKind.VOTE_WITHDRAWN}
    with store.transaction():
        store.feedback.vote(story_id, up, now)
        undo = {"do": "vote", "story": story_id, "before": before, "after": up}
        store.actions.note("vote", kinds[up], now, {"headline": headline}, story_id=story_id, undo=undo)


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
    """Store an override and return it; DecisionError says why it is impossible."""
    values: dict[str, str | int] = {"headline": _headline(store, story_id)}
    if into_id is not None:
        values["other"] = _headline(store, into_id)
    if kind in (DecisionKind.SPLIT, DecisionKind.MOVE):
        values["entries"] = len(entry_ids)
    if kind is DecisionKind.CATEGORY:
        values["category"] = category_id
    with store.transaction():
        decision = store.decisions.decide(
            kind, story_id=story_id, entry_ids=entry_ids, into_id=into_id, category_id=category_id, now=now
        )
        undo = {"do": "decision", "id": decision.decision_id}
        store.actions.note("decision", ActionKind(kind.value), now, values, story_id=story_id, undo=undo)
    return decision


def undo_override(store: Store, decision_id: int, now: datetime) -> int:
    """Undo an override and its line in the audit log; return the story it was about."""
    with store.transaction():
        decision = store.decisions.undo(decision_id, now)
        action = store.actions.standing({"do": "decision", "id": decision_id})
        if action is not None:
            store.actions.undone(action, now)
        else:
            values = {"headline": _headline(store, decision.story_id)}
            store.actions.note("decision", ActionKind.DECISION_UNDONE, now, values, story_id=decision.story_id)
    return decision.story_id


def _headline(store: Store, story_id: int) -> str:
    story = store.stories.get(story_id)
    if story is None:
        raise DecisionError(Translatable("there is no story %(story)s", story=str(story_id)))
    return clip(story.headline, MAX_HEADLINE_CHARS)


@dataclass(frozen=True, slots=True)
class Edit:
    """A new text of feeds.yaml, and its line in the audit log."""

    text: str
    what: ActionKind
    values: Mapping[str, str | int]


PATH_UNKNOWN = Translatable("the path of feeds.yaml is not known; start the site with --feeds")


def unwritable(error: OSError) -> Translatable:
    """Return the message about a feeds.yaml that cannot be written."""
    return Translatable("feeds.yaml cannot be written: %(why)s", why=error.strerror or str(error))


def fault_notice(error: ConfigError, path: Path) -> Notice:
    """Return the message about an edit that feeds.yaml does not allow, without the folder that the file is in."""
    message = message_of(error)
    return notice(message if isinstance(message, Translatable) else message.replace(str(path), path.name))


Change = Callable[[str, Config | None], Edit]
"""From the text of feeds.yaml and its configuration to an edit of it; ConfigError."""

_writing = threading.Lock()


def edit_feeds(
    store: Store, path: Path, change: Change, now: datetime, env: Mapping[str, str], kind: str = "sources"
) -> None:
    """Apply *change* to feeds.yaml if the result is valid; ConfigError, OSError."""
    with _writing:
        before = read_config(path) if path.exists() else ""
        running = parse_config(before, name=path.name, env=env) if before else None
        edit = change(before, running)
        after = edit.text
        if after == before:
            return
        parse_config(after, name=path.name, env=env)
        with store.transaction():
            undo = {"do": "feeds", "change": patch.change(before, after)}
            store.actions.note(kind, edit.what, now, edit.values, undo=undo)
            save_config(path, after)


def use_model(store: Store, name: str, now: datetime) -> None:
    """Switch to a stored model or the prior; GroundswellError says why it is impossible."""
    before = next((record.file_name for record in history(store.models) if record.in_use), PRIOR)
    if name == before:
        raise GroundswellError(Translatable("%(model)s is already in use", model=name))
    with store.transaction():
        _choose(store.models, name)
        undo = {"do": "model", "before": before, "after": name}
        store.actions.note("models", ActionKind.MODEL_CHOSEN, now, {"before": before, "after": name}, undo=undo)


def _choose(models: ModelFiles, name: str) -> None:
    if name == PRIOR:
        use_prior(models)
    elif name in {record.file_name for record in history(models)}:
        load(models, name)
        use(models, name)
    else:
        raise GroundswellError(Translatable("model %(model)s no longer exists", model=name))


def undo_action(store: Store, action_id: int, now: datetime, feeds: Path | None) -> None:
    """Undo an action; GroundswellError says why it is impossible."""
    action = store.actions.get(action_id)
    if action is None:
        raise GroundswellError(Translatable("there is no action %(id)s", id=str(action_id)))
    if action.undone_at is not None:
        raise GroundswellError(Translatable("that was already undone on %(day)s", day=action.undone_at))
    if action.undo is None:
        raise GroundswellError(Translatable("this action cannot be undone"))
    with store.transaction():
        _UNDO[str(action.undo["do"])](store, action.undo, now, feeds)
        store.actions.undone(action_id, now)


def _undo_vote(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    if store.feedback.vote_of(undo["story"]) != undo["after"]:
        raise GroundswellError(Translatable("the vote on that story has changed since; vote again instead"))
    store.feedback.vote(undo["story"], undo["before"], now)


def _undo_decision(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    store.decisions.undo(undo["id"], now)


def _undo_feeds(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    if feeds is None:
        raise GroundswellError(PATH_UNKNOWN)
    with _writing:
        try:
            text = patch.taken_back(read_config(feeds), undo["change"])
            parse_config(text, name=feeds.name, env=os.environ)
            save_config(feeds, text)
        except OSError as error:
            raise GroundswellError(unwritable(error)) from error


def _undo_model(store: Store, undo: Mapping[str, Any], now: datetime, feeds: Path | None) -> None:
    if next((record.file_name for record in history(store.models) if record.in_use), PRIOR) != undo["after"]:
        raise GroundswellError(
            Translatable("another model has been chosen since; choose one on the models page instead")
        )
    _choose(store.models, undo["before"])


_UNDO = {"vote": _undo_vote, "decision": _undo_decision, "feeds": _undo_feeds, "model": _undo_model}
