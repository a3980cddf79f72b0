"""The command that explains a score: `groundswell explain`.

It is in `web` because it words reasons as the site does, in `web.present.reasons`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from msgspec import structs

from aggregator.cli.options import Front, db_option, existing, json_option, story_named
from aggregator.model import Entry, LedgerLine, Membership, RuleEffect, Story, StoryRule
from aggregator.site.database import open_store
from aggregator.store import Store
from scoring.ranking import page_order
from scoring.ranking.page_order import PlacePart
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
        explanation = _read(store, story_named(store, story), front.clock())
    if as_json:
        click.echo(json.dumps(explanation.as_data(), ensure_ascii=False, indent=1))
        return
    for line in explanation.lines():
        click.echo(line)


@dataclass(frozen=True, slots=True)
class _Explanation:
    """What the store knows about a story's score and place."""

    story: Story
    members: Sequence[tuple[Entry, Membership]]
    ledger: Sequence[LedgerLine]
    rules: Sequence[StoryRule]
    place: Sequence[PlacePart]
    breaking: int
    """Sources within the last hour, for a breaking story; else 0."""
    names: Mapping[str, str]
    """Names of sources by ID."""

    def source_name(self, source_id: str) -> str:
        return self.names.get(source_id, source_id)

    def as_data(self) -> dict[str, Any]:
        """Return the output of `--json`."""
        return {
            "story": self.story.story_id,
            "headline": self.story.headline,
            "score": self.story.score,
            "provisional": self.story.provisional,
            "contributions": [
                {**structs.asdict(part), "reason": sentence(part.reason, self.source_name)}
                for part in self.story.contributions
            ],
            "place": [asdict(part) for part in self.place],
            "rules": [{"effect": rule.effect.value, "rule": rule.text} for rule in self.rules],
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
                for entry, member in self.members
            ],
            "ledger": [
                {
                    "at": line.at.isoformat(),
                    "cause": line.cause.value,
                    "words": sentence(line.reason, self.source_name),
                    "before": line.score_before,
                    "after": line.score_after,
                }
                for line in self.ledger
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield the explanation as text: score, rules, place, entries, history."""
        yield from score_lines(self.story, self.source_name)
        for rule in self.rules:
            is_mute = rule.effect is RuleEffect.MUTE
            verb, effect = ("Muted", "no list shows it") if is_mute else ("Boosted", "it moves up")
            yield f"\n{verb} by the rule “{rule.text}”: {effect}; the score does not change"
        if self.place:
            yield f"\nPlace on the front page: {reasons.place(self.place, self.breaking)}"
            for part in self.place:
                yield f"  {part.value:+z6.2f}  {reasons.place_part(part)}"
            yield f"  {sum(part.value for part in self.place):+z6.2f}  in total; higher values rank higher"
        story = self.story
        yield f"\n{len(self.members)} entries of {story.sources} sources, {story.independent_sources} independent"
        for entry, member in self.members:
            source = self.source_name(entry.source_id)
            yield f"  {entry.first_seen_at:%d %b %H:%M}  [{entry.entry_id}] {source}: {entry.title}"
            yield f"                {membership(member)}"
        yield "\nHistory of the score"
        for line in self.ledger:
            before = "  -" if line.score_before is None else f"{line.score_before:3d}"
            reason = sentence(line.reason, self.source_name)
            yield f"  {line.at:%d %b %H:%M}  {before} -> {line.score_after:3d}  {reason}"


def _read(store: Store, story: Story, now: datetime) -> _Explanation:
    voices = store.story_lists.voices([story.story_id]).get(story.story_id, ())
    return _Explanation(
        story=story,
        members=store.memberships.of_story(story.story_id),
        ledger=store.stories.ledger(story.story_id),
        rules=store.story_rules.of(story.story_id),
        place=[PlacePart(*row) for row in store.places.of(story.story_id)],
        breaking=page_order.breaking(voices, now),
        names=store.feeds.names(),
    )


BAR = 24


def score_lines(story: Story, source_name: Callable[[str], str]) -> list[str]:
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
        drawn.append(f"{part.points:+7.1f}  {bar:<{BAR}}  {sentence(part.reason, source_name)}")
    drawn.append(f"{story.score:7d}  = the sum")
    return drawn


def membership(member: Membership) -> str:
    """Return why an entry is in its story, and how sure that was: "shares Plover, chips (91% sure)"."""
    if member.entry_id == member.story_id or not member.similarity:
        return sentence(member.reason)
    return f"{sentence(member.reason)} ({member.probability:.0%} sure, similarity {member.similarity:.2f})"
