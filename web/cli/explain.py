"""The command that explains a score: `groundswell explain`.

It is in `web` because it words reasons as the site does, in `web.present.reasons`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from msgspec import structs

from aggregator.cli.options import Front, db_option, existing, json_option, story_named
from aggregator.model import Membership, RuleEffect, Story
from aggregator.site.database import open_store
from scoring.ranking import page_order
from web.present import reasons
from web.present.reasons import sentence


@click.command()
@click.argument("story", metavar="STORY")
@db_option
@json_option
@click.pass_obj
def explain(front: Front, story: str, db: Path, as_json: bool) -> None:
    """Explain the score of a story, its history, and the place of the story on the front page.

    STORY is the number in its address.

    \b
    Example:
      groundswell explain 217
    """
    with open_store(existing(db)) as store:
        target = story_named(store, story)
        members = store.memberships.of_story(target.story_id)
        ledger = store.stories.ledger(target.story_id)
        names = store.feeds.names()
        rules = store.story_rules.of(target.story_id)
        voices = store.story_lists.voices([target.story_id]).get(target.story_id, ())
        place = [page_order.PlacePart(*row) for row in store.places.of(target.story_id)]
    breaking = page_order.breaking(voices, front.clock())
    if as_json:
        rows = {
            "story": target.story_id,
            "headline": target.headline,
            "score": target.score,
            "provisional": target.provisional,
            "contributions": [
                {**structs.asdict(part), "reason": sentence(part.reason)} for part in target.contributions
            ],
            "place": [asdict(part) for part in place],
            "rules": [{"effect": rule.effect.value, "rule": rule.text} for rule in rules],
            "entries": [
                {
                    "id": entry.entry_id,
                    "source": entry.source_id,
                    "title": entry.title,
                    "voice": member.voice,
                    "similarity": member.similarity,
                    "probability": member.probability,
                    "reason": sentence(member.reason),
                }
                for entry, member in members
            ],
            "ledger": [
                {
                    "at": line.at.isoformat(),
                    "cause": line.cause.value,
                    "words": sentence(line.reason),
                    "before": line.score_before,
                    "after": line.score_after,
                }
                for line in ledger
            ],
        }
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for text in score_lines(target):
        click.echo(text)
    for rule in rules:
        verb, effect = ("Muted", "no list shows it") if rule.effect is RuleEffect.MUTE else ("Boosted", "it moves up")
        click.echo(f"\n{verb} by the rule “{rule.text}”: {effect}; the score does not change")
    if place:
        click.echo(f"\nPlace on the front page: {reasons.place(place, breaking)}")
        for part in place:
            click.echo(f"  {part.value:+z6.2f}  {reasons.place_part(part)}")
        click.echo(f"  {sum(part.value for part in place):+z6.2f}  in total; higher values rank higher")
    click.echo(f"\n{len(members)} entries of {target.sources} sources, {target.independent_sources} independent")
    for entry, member in members:
        source = names.get(entry.source_id, entry.source_id)
        click.echo(f"  {entry.first_seen_at:%d %b %H:%M}  [{entry.entry_id}] {source}: {entry.title}")
        click.echo(f"                {membership(member)}")
    named = partial(reasons.with_source_names, name_of=lambda source_id: names.get(source_id, source_id))
    click.echo("\nHistory of the score")
    for line in ledger:
        before = "  -" if line.score_before is None else f"{line.score_before:3d}"
        click.echo(f"  {line.at:%d %b %H:%M}  {before} -> {line.score_after:3d}  {sentence(named(line.reason))}")


BAR = 24


def score_lines(story: Story) -> list[str]:
    """Return the score of *story* with its parts, drawn in text; the points add up to the score.

    Score: 87   AWS and OpenAI sign a deal for 2 gigawatts of Trainium
      +9.4  ######                    the starting point of every story
     +41.2  ########################  6 independent sources
    """
    head = f"Score: {story.score}" + (" (provisional)" if story.provisional else "")
    widest = max((abs(part.points) for part in story.contributions), default=0.0)
    drawn = [f"{head}   {story.headline}"]
    for part in story.contributions:
        length = round(BAR * abs(part.points) / widest) if widest else 0
        bar = ("+" if part.points > 0 else "-") * length
        drawn.append(f"{part.points:+7.1f}  {bar:<{BAR}}  {sentence(part.reason)}")
    drawn.append(f"{story.score:7d}  = the sum")
    return drawn


def membership(member: Membership) -> str:
    """Return why an entry is in its story, and how sure that was: "shares Plover, chips (91% sure)"."""
    if member.entry_id == member.story_id or not member.similarity:
        return sentence(member.reason)
    return f"{sentence(member.reason)} ({member.probability:.0%} sure, similarity {member.similarity:.2f})"
