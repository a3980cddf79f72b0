"""Votes: effective immediately, bounded, and withdrawn without a trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from aggregator.cli.options import Front
from aggregator.model import Cause, Draft, Vote
from aggregator.store import Arrival, Store
from scoring.cli.commands import vote as command
from scoring.metrics.probability import ece
from scoring.relevance.calibration import logit_of
from scoring.relevance.explanation import sigmoid
from scoring.relevance.model import load_prior
from scoring.relevance.votes import LIMIT, MAX_LIMIT, OWN_WEIGHT, limit
from scoring.updater import Updater
from tests.scoring.press import CONFIG, DAY, HOUR, MONDAY, SOURCES, signals

GADGETS = ("lamp", "kettle", "drone", "camera", "printer", "toaster", "speaker", "router", "clock", "heater")
PLACES = ("Lisbon", "Oslo", "Quito", "Perth", "Turin", "Dakar", "Kyoto", "Leeds", "Malmo", "Tunis")
NOW = MONDAY + 2 * DAY


@pytest.fixture
def store() -> Iterator[Store]:
    """Return a site with 20 stories about gadgets and 20 about places, with one source each."""
    with Store.open(":memory:") as opened:
        opened.feeds.sync(list(SOURCES), MONDAY)
        titles = [f"Zephyr gadget number {i}: the quiet {gadget}" for i, gadget in enumerate(GADGETS * 2)]
        titles += [f"Walking tour {i} around {place} harbour" for i, place in enumerate(PLACES * 2)]
        for i, title in enumerate(titles):
            draft = Draft(guid=str(i), link=f"https://paper.example/{i}", title=title)
            with opened.transaction():
                opened.entries.add(
                    SOURCES[i % 8].id, [Arrival(draft, str(i), draft.link, str(i), 9)], MONDAY + i * HOUR
                )
        yield opened


def scores(store: Store) -> dict[int, tuple[str, float]]:
    return {story.story_id: (story.headline, story.relevance) for story in store.stories.each()}


def test_a_vote_moves_its_own_story_as_far_as_documented() -> None:
    assert [round(100 * sigmoid(logit_of(score) + OWN_WEIGHT)) for score in (0.3, 0.7)] == [84, 97]
    assert round(100 * sigmoid(logit_of(0.7) - OWN_WEIGHT)) == 16


def test_ten_votes_move_the_order_their_way_at_once_and_undo_restores_every_number(store: Store) -> None:
    updater = Updater(store, CONFIG, load_prior())
    updater.run(NOW)
    before = scores(store)
    gadgets = [i for i, (headline, _) in before.items() if "gadget" in headline]
    places = [i for i, (headline, _) in before.items() if "tour" in headline]
    for i in gadgets[:5]:
        store.feedback.vote(i, True, NOW)
    for i in places[:5]:
        store.feedback.vote(i, False, NOW)

    assert updater.voted()
    updater.run(NOW)

    after = scores(store)
    assert all(after[i][1] > before[i][1] for i in gadgets)
    assert all(after[i][1] < before[i][1] for i in places)
    assert min(after[i][1] for i in gadgets[:5]) > max(after[i][1] for i in places)
    assert any(line.cause is Cause.VOTED for line in store.stories.ledger(gadgets[0]))
    story = store.stories.get(gadgets[0])
    assert story is not None
    assert [part.log_odds for part in story.contributions if part.name == "vote"] == [OWN_WEIGHT]

    for i in (*gadgets[:5], *places[:5]):
        store.feedback.vote(i, None, NOW)
    updater.run(NOW)

    assert scores(store) == before


def test_a_restart_and_a_rebuild_keep_what_votes_did(store: Store) -> None:
    updater = Updater(store, CONFIG, load_prior())
    updater.run(NOW)
    first = next(iter(scores(store)))
    store.feedback.vote(first, True, NOW)
    updater.run(NOW)
    voted = scores(store)

    Updater(store, CONFIG, load_prior()).run(NOW)
    assert scores(store) == voted

    Updater(store, CONFIG, load_prior()).rebuild(NOW)
    assert scores(store) == voted


def test_a_vote_changes_a_closed_story_and_is_undone_without_a_trace(store: Store) -> None:
    updater = Updater(store, CONFIG, load_prior())
    updater.run(NOW)
    late = NOW + 30 * DAY
    with store.transaction():
        draft = Draft(guid="late", link="https://paper.example/late", title="A quiet month later")
        store.entries.add(SOURCES[0].id, [Arrival(draft, "late", draft.link, "late", 9)], late)
    updater.run(late)
    assert not updater.engine.holds(1)
    before = store.stories.get(1)
    assert before is not None

    store.feedback.vote(1, True, late)
    updater.run(late)
    up = store.stories.get(1)
    store.feedback.vote(1, False, late)
    updater.run(late)
    down = store.stories.get(1)
    store.feedback.vote(1, None, late)
    updater.run(late)
    after = store.stories.get(1)

    assert up is not None
    assert down is not None
    assert after is not None
    assert down.score < before.score < up.score
    assert sum(part.points for part in up.contributions) == pytest.approx(up.score)
    assert [line.cause for line in store.stories.ledger(1)][-3:] == [Cause.VOTED] * 3
    assert (after.score, after.contributions) == (before.score, before.contributions)
    assert after.relevance == pytest.approx(before.relevance, abs=1e-12)


def test_votes_that_came_while_no_worker_ran_are_felt_when_one_starts(store: Store) -> None:
    Updater(store, CONFIG, load_prior()).run(NOW)
    before = scores(store)
    store.feedback.vote(1, True, NOW)

    started = Updater(store, CONFIG, load_prior())
    assert started.voted()
    started.run(NOW)

    assert not started.voted()
    assert scores(store)[1][1] > before[1][1]


def test_one_vote_a_story_and_the_last_one_stands(store: Store) -> None:
    for up in (True, True, False):
        store.feedback.vote(1, up, NOW)

    assert [(v.story_id, v.up) for v in store.feedback.votes()] == [(1, False)]


def test_ten_votes_do_not_wreck_calibration() -> None:
    # Stories whose labels are drawn from the prior's probabilities, so it is calibrated on them.
    rng = random.Random(0)
    prior = load_prior()
    editorial = prior.prior.editorial
    assert editorial
    vocabulary = sorted(editorial.words)
    story = [
        signals(" ".join(rng.choices(vocabulary, k=8)), delays=[HOUR * i for i in range(rng.randint(1, 4))])
        for _ in range(3_000)
    ]
    probabilities = [sigmoid(prior.logit(s)) for s in story]
    truth = [int(rng.random() < p) for p in probabilities]
    votes = [
        Vote(i + 1, bool(truth[i]), NOW, story[i].title, story[i].source_ids[0]) for i in rng.sample(range(3_000), 10)
    ]
    nudged = prior.with_votes(votes)

    after = ece([sigmoid(nudged.logit(s)) for s in story], truth)

    assert after <= ece(probabilities, truth) + 0.03


@given(
    st.lists(st.tuples(st.sampled_from(["zephyr chip", "recipe", "芯片"]), st.booleans()), max_size=30),
    st.text(max_size=30),
)
def test_votes_for_others_are_bounded_and_their_order_makes_no_difference(
    cast: list[tuple[str, bool]], title: str
) -> None:
    votes = [Vote(i + 1, up, NOW, text, "paper0") for i, (text, up) in enumerate(cast)]
    plain, forwards, other = (load_prior().with_votes(v) for v in ([], votes, votes[::-1]))

    assert abs(forwards.logit(signals(title)) - plain.logit(signals(title))) <= limit(len(votes)) + 1e-9
    assert forwards.score(signals(title)) == other.score(signals(title))


def test_many_votes_move_others_further_than_a_few() -> None:
    votes = [Vote(i + 1, True, NOW, "Zephyr chip", "paper0") for i in range(400)]
    story = signals("Zephyr chip")

    plain, with_five, many = (load_prior().with_votes(votes[:n]).logit(story) for n in (0, 5, 400))

    assert with_five - plain == pytest.approx(limit(5))
    assert many - plain == pytest.approx(limit(400))
    assert LIMIT < limit(5) < limit(400) < MAX_LIMIT


def judged(count: int, strictness: float, seed: int = 0) -> list[Vote]:
    """Return votes of an editor whose log-odds are below the prior's by *strictness*."""
    rng = random.Random(seed)
    editorial = load_prior().prior.editorial
    assert editorial
    vocabulary = sorted(editorial.words)
    votes = []
    for i in range(count):
        title = " ".join(rng.choices(vocabulary, k=8))
        up = rng.random() < sigmoid(logit_of(editorial.worth(title).probability) - strictness)
        votes.append(Vote(i + 1, up, NOW + i * HOUR, title, f"paper{i}"))
    return votes


def shift_of(votes: list[Vote]) -> float:
    return load_prior().with_votes(votes).votes.shift


def test_many_votes_of_a_stricter_editor_lower_every_familiar_score_and_a_few_do_not() -> None:
    assert shift_of(judged(29, 0.9)) == 0.0
    assert -1.0 <= shift_of(judged(600, 0.9)) < -0.6
    assert abs(shift_of(judged(600, 0.0))) < 0.25
    assert shift_of(judged(600, 9.0)) == 0.0  # all down: nothing says by how much
    assert shift_of(judged(600, -3.0)) == 1.0

    story, other = signals("Nvidia unveils a chip for AI servers"), signals("OpenAI raises $2 billion")
    strict = load_prior().with_votes(votes := judged(600, 0.9))
    for familiar in (story, other):
        of_likeness = strict.votes.like(strict._unit(familiar.title), familiar.source_ids[0])
        moved = strict.logit(familiar) - load_prior().logit(familiar) - of_likeness
        assert moved == pytest.approx(strict.votes.shift)
    assert shift_of(votes) == shift_of(votes[::-1])


def test_the_newest_votes_recalibrate() -> None:
    earlier, later = judged(300, -0.8), judged(300, 0.8, seed=1)
    later = [replace(v, story_id=v.story_id + 1000, voted_at=v.voted_at + 400 * HOUR) for v in later]

    assert shift_of([*earlier, *later]) == shift_of(later) < 0


def test_unfamiliar_stories_stay_where_they_are() -> None:
    # No word of it is in the prior's vocabulary, of which the voted titles are made: likeness to them changes nothing.
    strict = load_prior().with_votes(judged(600, 0.9))
    soup = signals("Soupe aux oignons gratinée", source="nobody")

    assert strict.logit(soup) == pytest.approx(load_prior().logit(soup))


def test_the_command_votes_and_says_so(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("site") / "g.db"
    Updater(store, CONFIG, load_prior()).run(NOW)
    store.copy_to(path, {})

    def clock() -> datetime:
        return NOW

    front = Front(clock=clock, env={})
    done = CliRunner().invoke(command, ["1", "up", "--db", str(path)], obj=front)
    none = CliRunner().invoke(command, ["99999", "up", "--db", str(path)], obj=front)

    assert done.exit_code == 0, done.output
    assert "story 1 is relevant" in done.output
    assert "no story 99999" in str(none.exception)
    with Store.open(path) as opened:
        assert [v.story_id for v in opened.feedback.votes()] == [1]
