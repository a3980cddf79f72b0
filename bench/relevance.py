"""How well the score tells relevant from not, what each idea gave, and what scoring and training cost.

    python -m bench.relevance [--data ../shared/data] [--only ideas|calibration|blend|cost]

Trains on the first 60 % of ai_press_2026_techmeme_dev, calibrates on the next 20 %, measures on the
last 20 %, by whole days. Stories for the blend are made by title similarity alone, so that this
does not depend on the clustering of the day.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.model import Changes, Config, Draft, Entry, Membership, Site, Source
from aggregator.store import Arrival, Store
from scoring.evaluation.make_prior import GROUPS, fit, press_examples
from scoring.evaluation.relevance import Row, similar, split_by_time
from scoring.learning.fitting import WeightLearner
from scoring.learning.labels import Example, examples, histories
from scoring.learning.train import measured, train
from scoring.metrics.probability import Measures, measure, ndcg_by_day, reliability
from scoring.relevance import model as relevance
from scoring.relevance.calibration import Calibration, platt
from scoring.relevance.model import RelevanceModel, Weights, load_prior

LABELS = "labels/ai_press_2026_techmeme_dev.jsonl.gz"
STREAM = "stream/ai_radar_2026_dev.jsonl.gz"

IDEAS: tuple[tuple[str, frozenset[str]], ...] = (
    ("title words", frozenset()),
    ("+ shape of the title", frozenset({"shape"})),
    ("+ coverage", frozenset({"shape", "coverage"})),
    ("+ velocity", frozenset({"shape", "coverage", "velocity"})),
    ("+ what others say of the same things", frozenset({"shape", "coverage", "velocity", "around"})),
    ("+ novelty (the prior)", GROUPS),
    ("+ source record", GROUPS | {"source"}),
    ("+ words of the address", GROUPS | {"source", "address"}),
    ("+ site of the link", GROUPS | {"source", "address", "site"}),
    ("+ hour and weekend", GROUPS | {"source", "address", "site", "time"}),
)


def row(name: str, m: Measures) -> str:
    """Return a line of a table."""
    return f"| {name} | {m.auc or 0:.3f} | {m.ndcg_at_10 or 0:.3f} | {m.brier:.4f} | {m.ece:.3f} |"


def said(weights: Weights, found: Sequence[Example]) -> list[float]:
    """Return what a model of these weights says of each example."""
    model = RelevanceModel("", weights)
    return [model.score(e.signals).relevance for e in found]


def on(held_out: Sequence[Example], probabilities: Sequence[float]) -> Measures:
    """Return the measures of press items, by the day on which each arrived."""
    days = [e.signals.at.date().isoformat() for e in held_out]
    return measure(days, probabilities, [int(e.relevant) for e in held_out])


def ideas(press: Sequence[Example], items: Sequence[Row]) -> None:
    """Print what each group of features gives, added to those before."""
    first, second, last = split_by_time(press, 0.6, 0.8)
    print(f"\n{len(first)} train, {len(second)} calibrate, {len(last)} measure ({last[0].day} and later)\n")
    print("| features | AUC | nDCG@10 a day | Brier | ECE |\n|---|---|---|---|---|")
    days = [e.signals.at.date().isoformat() for e in last]
    rng = random.Random(0)
    chance = [ndcg_by_day(days, [rng.random() for _ in last], [int(e.relevant) for e in last]) or 0 for _ in range(50)]
    print(f"| by chance | 0.500 | {sum(chance) / len(chance):.3f} | | |")
    most = on(last, [float(len(e.signals.voices)) for e in last])
    print(f"| most sources so far | {most.auc:.3f} | {most.ndcg_at_10:.3f} | | |")
    for name, groups in IDEAS:
        weights, _ = fit(first, second, items, groups=groups)
        print(row(name, on(last, said(weights, last))), flush=True)


def calibration(press: Sequence[Example], items: Sequence[Row]) -> None:
    """Print what Platt scaling changed, and the reliability table after it."""
    first, second, last = split_by_time(press, 0.6, 0.8)
    weights, found = fit(first, second, items)
    raw = weights.scaled(1 / found.slope, -found.offset / found.slope)
    print(f"\nslope {found.slope:.3f}, offset {found.offset:+.3f}\n")
    print("| probability | AUC | nDCG@10 a day | Brier | ECE |\n|---|---|---|---|---|")
    for name, of in (("as fitted", raw), ("Platt on later days", weights)):
        print(row(name, on(last, said(of, last))))
    print("\n| said | cases | mean said | came |\n|---|---|---|---|")
    for b in reliability(said(weights, last), [int(e.relevant) for e in last]):
        print(f"| {b.low:.1f}-{b.high:.1f} | {b.cases:.0f} | {b.said:.2f} | {b.came:.2f} |")


def local_examples(items: Sequence[Row], known_until: datetime, now: datetime) -> list[Example]:
    """Return what a site that polled *items* could learn by *now*."""
    story: dict[int, int] = {}
    arrivals: list[tuple[Entry, Membership]] = []
    for i, (item, earlier) in enumerate(zip(items, similar(items, known_until, 0.35), strict=True)):
        best = max(earlier, key=lambda known: (known[1], -known[0]), default=None)
        story[i] = i + 1 if best is None else story[best[0]]
        entry = Entry(i + 1, item.source, item.url, item.url, item.title, item.summary, item.arrived_at)
        arrivals.append((entry, Membership(i + 1, story[i], item.arrived_at, 0.0, 1.0, "", item.source)))
    return examples(histories(arrivals), 0.10, now)


def blend(press: Sequence[Example], items: Sequence[Row]) -> None:
    """Print the loss on later days by how much was learned here and which say that had.

    The prior is fitted before the gap of April 2026; the site begins on 2 May.
    """
    may = datetime(2026, 5, 2, tzinfo=UTC)
    before = [e for e in press if e.signals.at < may]
    first, second = split_by_time(before, 0.8)
    prior = RelevanceModel("", fit(first, second, items)[0]).prior
    site = [item for item in items if item.arrived_at >= may and item.title.isascii()]
    found = local_examples(site, may + timedelta(days=3), items[-1].arrived_at + timedelta(days=3))
    days = sorted({e.day for e in found})
    held_out = [e for e in found if e.day >= days[30]]
    alone = measured(RelevanceModel("", prior), held_out)
    says = (0.25, 0.5, 0.75, 0.9, 1.0)
    print(f"\nprior alone: cross-entropy {alone.log_loss:.4f} on {held_out[0].day} and later, {alone.cases} labels\n")
    print("| days | labels | " + " | ".join(f"say {s}" for s in says) + " | as shipped |")
    print("|---|---|" + "---|" * (len(says) + 1))
    for count in (3, 5, 8, 12, 18, 29):
        part = [e for e in found if e.day < days[count]]
        train_on = [e for e in part if e.day < days[count - max(1, count // 4)]]
        later = [e for e in part if e.day >= days[count - max(1, count // 4)]]
        labels = len({e.story_id for e in part if e.labelled})
        local = WeightLearner().fit(train_on).weights_
        losses = []
        for say in (*says, labels / (labels + relevance.HALF_SAY)):
            labels_for = round(say / (1 - say) * relevance.HALF_SAY) if say < 1 else 10**9
            mixed = RelevanceModel("", prior, local, labels_for)
            losses.append(
                measured(RelevanceModel("", prior, local, labels_for, _platt(mixed, later)), held_out).log_loss
            )
        print(f"| {count} | {labels} | " + " | ".join(f"{loss:.4f}" for loss in losses) + " |", flush=True)


def _platt(model: RelevanceModel, later: Sequence[Example]) -> Calibration:
    rows = [(e, label, share) for e in later for label, share in ((1, e.relevant), (0, 1 - e.relevant)) if share > 0]
    if min(sum(r[1] for r in rows), sum(1 - r[1] for r in rows)) < 10:
        return Calibration()
    return platt([model.logit(r[0].signals) for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def cost(entries: int = 100_000) -> None:
    """Print the CPU time of a score, and of a training on made-up entries."""
    model = load_prior()
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    rng = random.Random(0)
    known = sorted(model.prior.idf) + [f"name{i}" for i in range(20_000)]
    titles = [" ".join(rng.choices(known, k=rng.randint(6, 14))) for _ in range(entries)]
    signals = relevance.Signals(
        titles[0],
        " ".join(titles[1:4]),
        ("a", "b", "c"),
        ("a", "b", "c"),
        (timedelta(hours=1),) * 3,
        3,
        "",
        "en",
        begin,
        begin,
    )
    started = time.process_time()
    for title in titles[:5_000]:
        model.score(replace(signals, title=title, summary=title))
    new = (time.process_time() - started) / 5_000
    started = time.process_time()
    for _ in range(5_000):
        model.score(signals)
    again = (time.process_time() - started) / 5_000
    print(f"\na score: {1e6 * new:.0f} us for a new headline, {1e6 * again:.0f} us for one seen before")

    with Store.open(":memory:") as store:
        with store.transaction():
            _fill(store, titles, begin, rng)
        started = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            report = train(store, Config(Site(), (), ()), begin + timedelta(days=63), Path(folder))
        print(f"training on {report.entries} entries: {time.process_time() - started:.1f} CPU s, ", end="")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB; {report.words}")


def _fill(store: Store, titles: Sequence[str], begin: datetime, rng: random.Random) -> None:

    sources = [Source(f"s{i}", f"s{i}", f"https://s{i}.example/feed", "x", f"s{i}.example") for i in range(80)]
    store.feeds.sync(sources, begin)
    stories: list[tuple[int, str]] = []
    step = timedelta(days=60) / len(titles)
    for i, title in enumerate(titles):
        at = begin + i * step
        source = f"s{rng.randrange(80)}"
        old = stories[-rng.randint(1, 200)] if len(stories) > 200 and rng.random() < 0.25 else None
        text = old[1] if old else title
        draft = Draft(guid=str(i), link=f"https://{source}.example/{i}", title=text, summary=f"{title}. {text}")
        (entry_id,) = store.entries.add(source, [Arrival(draft, str(i), draft.link, str(i), 20)], at)
        story_id = old[0] if old else entry_id
        if old is None:
            stories.append((entry_id, title))
        store.stories.save(Changes(memberships=(Membership(entry_id, story_id, at, 1.0, 1.0, "", source),)))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=("ideas", "calibration", "blend", "cost"))
    given = parser.parse_args()
    labels, stream = given.data / LABELS, given.data / STREAM
    if given.only != "cost":
        if not (labels.exists() and stream.exists()):
            print(f"no labelled data in {given.data}; name its folder with --data")
        else:
            press, items = press_examples(labels, stream)
            for table in (ideas, calibration, blend):
                if given.only in (None, table.__name__):
                    table(press, items)
    if given.only in (None, "cost"):
        cost()


if __name__ == "__main__":
    main()
