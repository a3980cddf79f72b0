"""Compute the score of a story without one of its sources."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregator.model import Reason, ReasonKind, because
from scoring.relevance.model import RelevanceModel
from scoring.relevance.signals import Signals


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The score under a condition that did not happen."""

    condition: Reason
    score: int


def counterfactuals(
    model: RelevanceModel, signals: Signals, names: dict[str, str] | None = None
) -> list[Counterfactual]:
    """Return the score without each voice but the first, computed by the model, the largest change first.

    names: display names of voices and sources, by ID; the ID by default

    A voice is an owner or wire, so "without it" means without everything that it published. Voices that make no
    difference are left out.
    """
    called = names or {}
    now = model.score(signals).score
    results = []
    for i, voice in enumerate(signals.voices[1:], start=1):
        without = replace(
            signals,
            voices=signals.voices[:i] + signals.voices[i + 1 :],
            voice_ages=signals.voice_ages[:i] + signals.voice_ages[i + 1 :],
            source_ids=tuple(s for s in signals.source_ids if s != voice),
        )
        score = model.score(without).score
        if score != now:
            results.append(Counterfactual(because(ReasonKind.WITHOUT, called.get(voice, voice)), score))
    if len(signals.voices) > 2:
        alone = replace(
            signals, voices=signals.voices[:1], voice_ages=signals.voice_ages[:1], source_ids=signals.source_ids[:1]
        )
        results.append(
            Counterfactual(
                because(ReasonKind.ALONE, called.get(signals.voices[0], signals.voices[0])), model.score(alone).score
            )
        )
    if signals.summary:
        score = model.score(replace(signals, summary="")).score
        if score != now:
            results.append(Counterfactual(because(ReasonKind.TITLE_ALONE), score))
    return sorted(results, key=lambda c: -abs(c.score - now))
