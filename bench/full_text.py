"""What full texts add to clustering and search: the beginning of the article after the headline, against headlines
alone.

    python -m bench.full_text [--data ../shared/data] [--noise]

`full_text: yes` turns the beginning of the article into the summary of an entry whose feed has little more than
headlines; clustering and search read headlines and summaries. So each stream is run twice: with headlines alone, as in
such a feed, and with the leads that the labelled data has for the same articles. No page is fetched. The leads have a
median of 228 (allsides) and 201 (press) characters; the program takes 1,000 from a real article.

Search: the two or three rarest words of a headline are used to search for the other articles on the same event. A
search matches entries that contain all of its words; recall is the share of the other articles among the first ten
results, "found" the share of searches that return any of them.

Reading time and key facts: English entries of recorded feeds that carry the whole article, each as a story of its own,
once with the first 200 characters of the article, as in a feed of teasers, and once as the feed has it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.errors import NotAFeedError
from aggregator.model import (
    Category,
    Changes,
    Config,
    Draft,
    Entry,
    Membership,
    ReasonKind,
    Site,
    Source,
    Story,
    because,
)
from aggregator.parse.parser import parse
from aggregator.store import Arrival, Store
from aggregator.text.language_detection import guesser
from aggregator.text.markup import plain
from aggregator.text.reading_time import count_words_of_clean
from aggregator.text.search_query import Query
from bench import skip
from bench.stories import RUNS, Run, command
from scoring.insights.key_facts import key_facts
from web.present.formatting import reading_time

HEADLINES, WITH_LEADS = "title", "title,summary"
SHOWN = 10
WORD = re.compile(r"[^\W\d_]{4,}")
TEASER, SUMMARY = 200, 1_000
"""Characters of a teaser, and of the summary that the program makes of an article."""
MIN_ARTICLE_WORDS = 300
ARTICLES_OF_A_FEED = 5


def grouping(name: str, run: Run, data: Path, folder: Path) -> Iterator[str]:
    """Yield a row for headlines alone and one for headlines with leads."""
    for fields in (HEADLINES, WITH_LEADS):
        line = command(Run(run.file, run.time, fields, run.background, run.window), data, folder)
        if line is None:
            yield f"| {name} | its files are not in {data} |"
            return
        report = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)["arrival"]
        yield (
            f"| {name} | {fields} | {report['pair_precision']:.3f} | {report['pair_recall']:.3f} "
            f"| {report['pair_f1']:.3f} | {report['pair_f1_low']:.3f}..{report['pair_f1_high']:.3f} "
            f"| {report['bcubed_f1']:.3f} |"
        )


def filled(path: Path, rows: Sequence[Mapping[str, Any]], with_leads: bool) -> dict[int, str]:
    """Store each row as a story of its own in a new database at *path*; return the rows' IDs by story."""
    source = Source("press", "Press", "https://press.example/feed", "news")
    config = Config(Site(), (Category("news", "News", ()),), (source,))
    at = datetime.fromtimestamp(max(float(row["ts"]) for row in rows), UTC)
    with Store.open(path) as store, store.transaction():
        store.feeds.sync(config.sources, at)
        arrivals = [
            Arrival(
                Draft(guid=str(row["id"]), link="", title=row["title"], summary=row["summary"] if with_leads else ""),
                identity=str(row["id"]),
                canonical_link="",
                digest="",
                word_count=0,
            )
            for row in rows
        ]
        ids = store.entries.add(source.id, arrivals, at)
        stories = [_story(entry_id, row["title"], at) for entry_id, row in zip(ids, rows, strict=True)]
        why = because(ReasonKind.FIRST_REPORT)
        members = [Membership(entry_id, entry_id, at, 1.0, 1.0, why, source.id) for entry_id in ids]
        store.stories.save(Changes(memberships=tuple(members), stories=tuple(stories)))
    return dict(zip(ids, (str(row["id"]) for row in rows), strict=True))


def _story(entry_id: int, title: str, at: datetime) -> Story:
    return Story(
        story_id=entry_id,
        headline=title,
        summary="",
        lead_entry_id=entry_id,
        category_id="news",
        first_seen_at=at,
        last_source_at=at,
        updated_at=at,
        entries=1,
        sources=1,
        independent_sources=1,
        score=50,
        relevance=0.5,
        provisional=False,
        trend=0.0,
        contributions=(),
    )


def searches(
    rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str], word_count: int
) -> Iterator[tuple[Any, set[str]]]:
    """Yield the rarest *word_count* of each headline whose event has other articles, and the IDs of those articles."""
    found_in = Counter(word for row in rows for word in {w.lower() for w in WORD.findall(row["title"])})
    events: dict[str, set[str]] = defaultdict(set)
    for row_id, label in labels.items():
        events[label].add(row_id)
    for row in rows:
        others = events.get(labels.get(str(row["id"]), ""), set()) - {str(row["id"])}
        rare_words = sorted({w.lower() for w in WORD.findall(row["title"])}, key=lambda word: (found_in[word], word))
        # A word that occurs in no other headline matches nothing else; people search for words they have seen
        # elsewhere.
        rare_words = [word for word in rare_words if found_in[word] > 1]
        if others and len(rare_words) >= word_count:
            yield (str(row["id"]), tuple(rare_words[:word_count])), others


def searching(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Yield a row for each number of words, for headlines alone and with leads."""
    for with_leads in (False, True):
        path = folder / f"search-{with_leads}.db"
        row_ids = filled(path, rows, with_leads)
        with Store.open(path) as store:
            for word_count in (2, 3):
                recall, found_any, right, shown = 0.0, 0, 0, 0
                cases = list(searches(rows, labels, word_count))
                for (own, terms), others in cases:
                    hits = store.search.stories(Query(terms=terms), limit=SHOWN + 1).stories
                    listed = [row_ids[hit.story.story_id] for hit in hits]
                    listed = [row_id for row_id in listed if row_id != own][:SHOWN]
                    hit_ids = others.intersection(listed)
                    recall += len(hit_ids) / min(len(others), SHOWN)
                    found_any += bool(hit_ids)
                    right += len(hit_ids)
                    shown += len(listed)
                read = WITH_LEADS if with_leads else HEADLINES
                yield (
                    f"| {word_count} words | {read} | {len(cases)} | {recall / len(cases):.3f} "
                    f"| {found_any / len(cases):.3f} | {right / max(shown, 1):.3f} |"
                )


def articles(folder: Path) -> Iterator[Entry]:
    """Yield the entries of recorded feeds that carry whole articles, the newest few of each feed."""
    language_of = guesser()
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["kind"] != "synthetic"]
    for row in listed:
        try:
            document = parse(gzip.decompress((folder / row["file"]).read_bytes()), "", row["source_url"])
        except NotAFeedError:
            continue
        full = [draft for draft in document.entries if count_words_of_clean(draft.content) >= MIN_ARTICLE_WORDS]
        for draft in full[:ARTICLES_OF_A_FEED]:
            text = " ".join(plain(draft.content).split())
            if language_of(text) != "en":
                continue
            yield Entry(
                entry_id=1,
                source_id=row["file"],
                identity=draft.guid,
                link=draft.link,
                title=draft.title,
                summary=text,
                first_seen_at=datetime.now(UTC),
                content=draft.content,
                word_count=count_words_of_clean(draft.content),
            )


def reading(folder: Path) -> Iterator[str]:
    """Yield a row for teasers and one for articles: reading time, key facts, and words that a search finds."""
    entries = list(articles(folder))
    teasers = [replace(entry, summary=entry.summary[:TEASER], content="", word_count=0) for entry in entries]
    fetched = [replace(entry, summary=entry.summary[:SUMMARY]) for entry in entries]
    for name, read in ((f"the first {TEASER} characters", teasers), ("the whole article", fetched)):
        facts = [len(key_facts([(entry, _alone(entry))]).facts) for entry in read]
        timed = sum(bool(reading_time(entry)) for entry in read)
        terms = sum(len(set(WORD.findall(f"{entry.title} {entry.summary}".lower()))) for entry in read)
        count = len(read)
        yield (
            f"| {name} | {count} of {len({entry.source_id for entry in read})} feeds | {timed / count:.2f} "
            f"| {sum(map(bool, facts)) / count:.2f} | {sum(facts) / count:.2f} | {terms / count:.0f} |"
        )


def _alone(entry: Entry) -> Membership:
    why = because(ReasonKind.FIRST_REPORT)
    return Membership(entry.entry_id, entry.entry_id, entry.first_seen_at, 1.0, 1.0, why, entry.source_id)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--noise", action="store_true", help="among 8,657 unlabelled articles of the same outlets, too")
    args = parser.parse_args()
    items, gold = (args.data / "clustering" / f"allsides_dev.{ending}" for ending in ("jsonl.gz", "gold.tsv"))
    if not items.exists() or not gold.exists():
        skip(items)
    with gzip.open(items, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    labels = dict(line.split("\t") for line in gold.read_text(encoding="utf-8").splitlines())
    print("| stream | read | pairs P | R | F1 | 95 % | BCubed F1 |\n|---|---|---|---|---|---|---|")
    runs = {name: RUNS[name] for name in ("allsides without noise", *(["allsides"] if args.noise else []))}
    with tempfile.TemporaryDirectory() as folder:
        for name, run in {**runs, "press_2025_05": RUNS["press_2025_05"]}.items():
            for line in grouping(name, run, args.data, Path(folder)):
                print(line, flush=True)
        print("\n| search by | read | searches | recall | found | precision |\n|---|---|---|---|---|---|")
        for line in searching(rows, labels, Path(folder)):
            print(line, flush=True)
    if (args.data / "feeds" / "manifest.csv").exists():
        print("\n| read | entries | reading time | any key fact | key facts | words to search |")
        print("|---|---|---|---|---|---|")
        for line in reading(args.data / "feeds"):
            print(line, flush=True)


if __name__ == "__main__":
    main()
