"""The admin page of rules: which stories are muted or boosted, what each rule matches, add and remove.

A change is an edit of feeds.yaml, as on the page of sources; the audit log can undo it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.config import load_config
from aggregator.config.values.basic import AnyVariables
from aggregator.config.values.rules import DATE, RULE
from aggregator.config.yaml_edit import with_items, without_rule
from aggregator.errors import ConfigError
from aggregator.model import Config, RuleEffect, StoryRule
from aggregator.model.actions import ActionKind
from aggregator.translatable import Translatable, message_of
from scoring.editorial.rules import in_force, matching
from web.admin import actions as audit
from web.i18n.messages import Notice, notice
from web.lists import query
from web.request.context import args, config, now, presenter, reading

blueprint = Blueprint("operator_rules", __name__)

PAGE_SIZE = 30
SHOWN_MATCHES = 10


@blueprint.get("/admin/rules")
def rules() -> str:
    """Every rule with the number of stories that it mutes or boosts."""
    return _page()


@blueprint.get("/admin/rules/<int(max=9999):number>")
def stories_of_rule(number: int) -> str:
    """The rules, and the stories that one of them mutes or boosts."""
    if query.read(args()).page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    every = _saved().rules
    if number >= len(every):
        abort(404)
    return _page(opened=every[number], number=number)


def _saved() -> Config:
    """Return feeds.yaml as saved: the worker takes seconds to apply a change, but the page shows it immediately."""
    path = audit.feeds_file()
    try:
        return load_config(path, env=AnyVariables()) if path is not None else config()
    except ConfigError:
        return config()


def _page(
    message: Notice | None = None,
    *,
    draft: StoryRule | None = None,
    tried: list[int] | None = None,
    opened: StoryRule | None = None,
    number: int = 0,
) -> str:
    params = query.read(args())
    with reading().store() as store:
        show = presenter(store)
        saved = _saved()
        applying = in_force(saved, now())
        rows = [(rule, store.story_rules.count(rule), rule in applying) for rule in saved.rules]
        start = (params.page - 1) * PAGE_SIZE
        listed = list(store.story_rules.stories(opened, PAGE_SIZE + 1, start)) if opened else []
        matches = [item for story_id in (tried or [])[:SHOWN_MATCHES] if (item := store.story_lists.listed(story_id))]
        actions = [audit.row(show, action) for action in store.actions.newest(100) if action.kind == "rules"][:10]
        return render_template(
            "admin/rules.html",
            rows=rows,
            message=message,
            draft=draft,
            tried=None if tried is None else len(tried),
            matches=[show.card(item) for item in matches],
            opened=opened,
            opened_path=f"/admin/rules/{number}",
            cards=[show.card(item) for item in listed[:PAGE_SIZE]],
            more=len(listed) > PAGE_SIZE,
            params=params,
            actions=actions,
            writable=audit.feeds_file() is not None,
        )


@blueprint.post("/admin/rules/try")
def try_rule() -> str | tuple[str, int]:
    """Show which stories a rule would match, without changing anything."""
    try:
        rule = rule_of_form()
    except ValueError as error:
        return _page(notice(error)), 422
    with reading().store() as store:
        # Story IDs ascend, so the newest come first.
        matches = sorted(matching(store, rule, config()), reverse=True)
    return _page(draft=rule, tried=matches)


@blueprint.post("/admin/rules/add")
def add() -> AnyResponse | tuple[str, int]:
    """Add a rule to feeds.yaml."""
    try:
        rule = rule_of_form()
    except ValueError as error:
        return _page(notice(error)), 422

    def change(text: str, running: Config | None) -> audit.Edit:
        item = {rule.effect.value: rule.text} | ({"until": rule.until.isoformat()} if rule.until else {})
        return audit.Edit(with_items(text, "rules", [item]), ActionKind.RULE_ADDED, {"rule": _as_written(item)})

    return _changed(change)


@blueprint.post("/admin/rules/remove")
def remove() -> AnyResponse | tuple[str, int]:
    """Remove a rule from feeds.yaml; the stories that it muted return to their lists."""
    effect, text = request.form.get("effect", ""), request.form.get("rule", "")
    if not any((rule.effect.value, rule.text) == (effect, text) for rule in _saved().rules):
        abort(404)

    def change(content: str, running: Config | None) -> audit.Edit:
        return audit.Edit(without_rule(content, effect, text), ActionKind.RULE_REMOVED, {"rule": f"{effect}: {text}"})

    return _changed(change)


def _as_written(item: Mapping[str, str]) -> str:
    """Return a rule in the syntax of feeds.yaml, on one line: the same in every language."""
    return ", ".join(f"{name}: {value}" for name, value in item.items())


def rule_of_form() -> StoryRule:
    """Return the rule in a form; ValueError with a message for the page."""
    effect, until = request.form.get("effect", ""), request.form.get("until", "").strip()
    if effect not in {allowed.value for allowed in RuleEffect}:
        raise ValueError(Translatable("Choose mute or boost."))
    try:
        text = RULE.read(request.form.get("rule", ""))
    except ValueError as error:
        raise ValueError(Translatable("The rule %(problem)s.", problem=message_of(error))) from None
    try:
        return StoryRule(RuleEffect(effect), text, DATE.read(until) if until else None)
    except ValueError as error:
        raise ValueError(Translatable("The last day %(problem)s.", problem=message_of(error))) from None


def _changed(change: audit.Change) -> AnyResponse | tuple[str, int]:
    path = audit.feeds_file()
    if path is None:
        abort(409, audit.PATH_UNKNOWN)
    with reading().store() as store:
        try:
            audit.edit_feeds(store, path, change, now(), os.environ, kind="rules")
        except ConfigError as fault:
            return _page(audit.fault_notice(fault, path)), 409
        except OSError as error:
            return _page(notice(audit.unwritable(error))), 409
    return redirect("/admin/rules", 303)
