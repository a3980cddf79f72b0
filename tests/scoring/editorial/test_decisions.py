from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import DecisionError
from aggregator.model import Cause, Decision, DecisionKind, ReasonKind, Story, because
from aggregator.store import Store
from scoring.clustering import reclustering
from scoring.relevance.model import load_prior
from scoring.relevance.votes import OWN_WEIGHT
from scoring.updater import Updater
from tests.promises import promise
from tests.scoring.world import CONFIG, HOUR, NOON, arrival, newsroom, publish
from web.present.reasons import sentence

QUAKE = ("Earthquake strikes northern Ruritania", "A tremor was felt in the province of Strelsau and in Zenda.")
AGAIN = ("Northern Ruritania hit by earthquake", "A tremor was felt in Strelsau and in Zenda, the province says.")
THIRD = ("Tremor in Ruritania: earthquake felt in Zenda", "The province of Strelsau counts the damage.")
CHIP = ("Plover unveils an error-corrected processor", "Banks may order the processor from May.")


class Desk:
    """A running site: entries are taken in immediately, and an editor decides."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.updater = Updater(store, CONFIG, load_prior())

    def report(self, report: tuple[str, str], source: str, after: timedelta = HOUR) -> int:
        """Publish and take in; return the entry."""
        self.now += after
        with self.store.transaction():
            moment = self.store.entries.arrival_moment(self.now)
            (entry_id,) = self.store.entries.add(source, [arrival(*report, source, None)], moment)
        self.updater.run(self.now)
        return entry_id

    def decide(self, kind: DecisionKind, story_id: int, *entry_ids: int, into: int | None = None) -> Decision:
        self.now += HOUR
        decision = self.store.decisions.decide(
            kind, story_id=story_id, entry_ids=entry_ids, into_id=into, category_id="policy", now=self.now
        )
        self.updater.run(self.now)
        return decision

    def undo(self, decision: Decision) -> None:
        self.now += HOUR
        self.store.decisions.undo(decision.decision_id, self.now)
        self.updater.run(self.now)

    def story(self, story_id: int) -> Story:
        story = self.store.stories.get(story_id)
        assert story is not None
        return story

    def stories(self) -> dict[int, list[int]]:
        """The entries of every story that was not merged."""
        return {
            story.story_id: [entry.entry_id for entry, _ in self.store.memberships.of_story(story.story_id)]
            for story in self.store.stories.each()
            if story.merged_into is None
        }

    def front(self) -> list[int]:
        return [item.story.story_id for item in self.store.story_lists.ranked()]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        yield Desk(store)


@pytest.mark.long
@promise
@given(seed=st.integers(0, 100_000), picked=st.randoms(use_true_random=False))
def test_merging_what_is_merged_changes_nothing(seed: int, picked: random.Random) -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        desk = Desk(store)
        for poll in newsroom(seed, polls=4):
            publish(store, poll)
            desk.now = poll[0]
        desk.updater.run(desk.now)
        if len(stories := list(desk.stories())) < 2:
            return
        first, other = picked.sample(stories, 2)
        desk.decide(DecisionKind.MERGE, first, into=other)
        merged = desk.stories()
        assert len(merged) == len(stories) - 1
        for story_id, into in ((first, other), (other, first)):
            with suppress(DecisionError):
                desk.decide(DecisionKind.MERGE, story_id, into=into)
            assert desk.stories() == merged


def three(desk: Desk) -> None:
    """A story of three entries, 1 to 3, and one of a single entry, 4."""
    desk.report(QUAKE, "lantern")
    desk.report(AGAIN, "courier")
    desk.report(THIRD, "beacon")
    desk.report(CHIP, "courier")
    assert desk.stories() == {1: [1, 2, 3], 4: [4]}


def test_a_split_makes_two_stories_that_both_say_why(desk: Desk) -> None:
    three(desk)
    desk.decide(DecisionKind.SPLIT, 1, 2, 3)

    assert desk.stories() == {1: [1], 2: [2, 3], 4: [4]}
    assert (desk.story(1).entries, desk.story(2).independent_sources) == (1, 2)
    assert desk.story(2).headline in (AGAIN[0], THIRD[0])
    (left,) = (line for line in desk.store.stories.ledger(1) if line.cause is Cause.SPLIT)
    (new,) = desk.store.stories.ledger(2)
    assert sentence(left.reason) == "an editor's split: 2 entries went to story 2"
    assert sentence(new.reason) == "an editor's split: 2 entries came from story 1"
    assert (new.score_before, new.score_after) == (None, desk.story(2).score)
    assert [member.reason for _, member in desk.store.memberships.of_story(2)] == [because(ReasonKind.EDITOR_SPLIT)] * 2


def test_later_entries_join_one_side_of_a_split_and_do_not_merge_the_two(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclustering, "MERGE_MARGIN", -20.0)
    monkeypatch.setattr(reclustering, "MIN_LIKENESS", 0.0)
    three(desk)
    desk.decide(DecisionKind.SPLIT, 1, 3)

    for source in ("herald", "quill", "herald_ai"):
        desk.report(QUAKE, source)

    story_of = {entry_id: story_id for story_id, story in desk.stories().items() for entry_id in story}
    assert story_of[1] != story_of[3]
    assert {story_of[5], story_of[6], story_of[7]} <= {1, 3}


def test_the_part_with_the_first_entry_keeps_the_address_wherever_the_editor_wanted_it(desk: Desk) -> None:
    three(desk)
    desk.decide(DecisionKind.SPLIT, 1, 1)

    assert desk.stories() == {1: [1], 2: [2, 3], 4: [4]}


def test_two_stories_become_one_and_the_younger_address_leads_to_the_older(desk: Desk) -> None:
    three(desk)
    decision = desk.decide(DecisionKind.MERGE, 1, into=4)

    assert desk.stories() == {1: [1, 2, 3, 4]}
    assert desk.story(4).merged_into == 1
    assert sentence(desk.store.stories.ledger(4)[-1].reason) == "became part of story 1: an editor's merge"
    late = desk.report((CHIP[0] + " for banks", CHIP[1]), "courier")
    desk.undo(decision)

    assert desk.stories() == {1: [1, 2, 3, late], 4: [4]}
    assert desk.story(4).merged_into is None


def test_an_entry_that_is_moved_stays_moved(desk: Desk) -> None:
    three(desk)
    decision = desk.decide(DecisionKind.MOVE, 1, 1, into=4)

    assert desk.stories() == {2: [2, 3], 4: [1, 4]}
    assert desk.story(1).merged_into == 4
    desk.undo(decision)

    assert desk.stories() == {1: [1, 2, 3], 4: [4]}
    assert desk.story(2).merged_into == 1


def test_undoing_a_split_merges_both_sides_with_later_entries(desk: Desk) -> None:
    three(desk)
    decision = desk.decide(DecisionKind.SPLIT, 1, 2, 3)
    desk.report(AGAIN, "herald")
    desk.undo(decision)

    assert desk.stories() == {1: [1, 2, 3, 5], 4: [4]}
    assert sentence(desk.store.stories.ledger(2)[-1].reason) == "became part of story 1: an editor undid a split"


def test_stories_that_are_over_can_be_taken_apart_and_together(desk: Desk) -> None:
    three(desk)
    desk.now += timedelta(days=20)
    split = desk.decide(DecisionKind.SPLIT, 1, 3)
    assert desk.stories() == {1: [1, 2], 3: [3], 4: [4]}
    assert desk.story(1).independent_sources == 2

    desk.undo(split)
    desk.decide(DecisionKind.MERGE, 4, into=1)

    assert desk.stories() == {1: [1, 2, 3, 4]}
    assert list(desk.updater.engine.stories()) == []
    assert desk.front() == []


def test_a_closed_story_continues_with_the_live_one_it_is_merged_with(desk: Desk) -> None:
    three(desk)
    now = desk.report(
        ("Plover ships its processor to banks", "The error-corrected processor of Plover."), "lantern", 480 * HOUR
    )
    desk.decide(DecisionKind.MERGE, now, into=4)
    assert desk.stories() == {1: [1, 2, 3], 4: [4, now]}

    restarted = Desk(desk.store)
    restarted.now = desk.now
    late = restarted.report(
        ("Plover's processor reaches banks", "Plover ships the error-corrected processor."), "courier"
    )

    assert restarted.stories()[4] == [4, now, late]


def test_a_hidden_story_is_in_no_list_until_hiding_is_undone(desk: Desk) -> None:
    three(desk)
    hidden = desk.decide(DecisionKind.HIDE, 1)
    assert desk.front() == [4]
    assert desk.story(1).hidden
    desk.report(QUAKE, "herald")
    assert desk.front() == [4]

    desk.undo(hidden)

    assert sorted(desk.front()) == [1, 4]
    assert [sentence(line.reason) for line in desk.store.stories.ledger(1) if line.cause is Cause.DECIDED] == [
        "an editor hid it",
        "an editor made it visible again",
    ]


def test_a_pinned_story_stays_on_top_after_it_closed(desk: Desk) -> None:
    three(desk)
    last = desk.front()[-1]
    pinned = desk.decide(DecisionKind.PIN, last)
    assert desk.front()[0] == last

    desk.report(("Ferry operator tests autonomous docking", ""), "beacon", 500 * HOUR)
    assert desk.front() == [last, 5]
    category = desk.story(last).category_id
    assert next(item.story.story_id for item in desk.store.story_lists.ranked(category)) == last

    desk.undo(pinned)

    assert desk.front() == [5]


@pytest.mark.parametrize("wait", [0, 30])
def test_an_editors_category_holds_until_it_is_undone(desk: Desk, wait: int) -> None:
    three(desk)
    category = desk.story(4).category_id
    assert category != "policy"
    desk.now += timedelta(days=wait)
    decision = desk.decide(DecisionKind.CATEGORY, 4)
    assert desk.story(4).category_id == "policy"
    if not wait:
        desk.report(CHIP, "lantern")
        assert desk.story(4).category_id == "policy"

    desk.undo(decision)

    assert desk.story(4).category_id == category


def test_a_vote_follows_the_entry_it_was_cast_for(desk: Desk) -> None:
    three(desk)
    plain = desk.story(4).score
    desk.store.feedback.vote(4, True, desk.now)
    desk.updater.run(desk.now)
    assert desk.story(4).score > plain
    alone = desk.story(1).score

    merged = desk.decide(DecisionKind.MERGE, 1, into=4)
    assert any(part.log_odds == OWN_WEIGHT for part in desk.story(1).contributions)
    assert desk.story(1).score > alone

    desk.undo(merged)
    assert desk.story(4).score > plain
    assert desk.story(1).score < desk.story(4).score
