"""The shipped category weights: content, quality, and combination with an operator's own seeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.config import load_config
from aggregator.errors import ModelFileError
from aggregator.model import Category, Embedding
from scoring.categories import prior as category_prior
from scoring.categories.classifier import Categorizer
from scoring.categories.prior import PRIOR_FILE, CategoryPrior, load_category_prior
from scoring.evaluation.priors import categories as priors
from scoring.evaluation.priors import further_labels
from scoring.evaluation.priors.relevance import TABLES
from scoring.language.terms import terms
from scoring.learning import meaning_fit
from scoring.relevance import model_file
from scoring.relevance.text_features import take_apart
from tests.scoring.meaning.concepts import ConceptEncoder

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
LABELS = Path(__file__).parents[3] / "bench" / "labels"
SHIPPED = load_config(Path(__file__).parents[3] / "feeds.yaml", env={}).categories


def decide(categorizer: Categorizer, title: str, default: str = "") -> str:
    return categorizer.decide(
        categorizer.evidence(terms(title), [], default, categorizer.by_prior(title, "", "")), default
    )


@pytest.fixture(scope="module")
def shipped() -> Categorizer:
    return Categorizer(SHIPPED, prior=load_category_prior()).fit()


def test_it_holds_weights_and_provenance_and_is_small() -> None:
    file = model_file.read(PRIOR_FILE, "categories")

    assert PRIOR_FILE.stat().st_size <= 600_000
    assert file.content["ids"] == [category.id for category in SHIPPED]
    assert {name.partition(":")[0] for name in file.content["weights"]} == {"word", "pair", "gram", "site", "address"}
    assert {"command", "label", "sha256"} <= set(file.provenance)
    assert file.provenance["sha256_of_labels"] == further_labels.digests(LABELS)
    assert CategoryPrior.from_data(file.content).as_data() == file.content


def test_it_keeps_its_floors_on_items_that_it_had_not_seen() -> None:
    file = model_file.read(PRIOR_FILE, "categories")
    for name, pinned in file.provenance["sha256"].items():
        if not (SHARED / name).exists():
            pytest.skip(f"the labelled items are not beside this checkout: {SHARED / name}")
        assert hashlib.sha256((SHARED / name).read_bytes()).hexdigest() == pinned, f"{name} is other data"

    for window, floor in {"week_2026_05": 0.89, "dense_2026_03": 0.92, "press_2025_05": 0.94}.items():
        assert floor <= file.measures[window]["accepted"] <= 0.97


@pytest.mark.parametrize(
    ("title", "right"),
    [
        ("OpenAI launches a new reasoning model with a longer context window", "models"),
        ("Startup raises $40 million in Series B led by Sequoia", "startups"),
        ("Senate committee advances a bill on deepfakes", "policy"),
        ("Hackers exploit a zero-day vulnerability in a VPN", "security"),
        ("TSMC to build a second chip plant in Arizona", "hardware"),
        ("The best robot vacuum deals this weekend", "products"),
    ],
)
def test_what_a_headline_is_about(shipped: Categorizer, title: str, right: str) -> None:
    assert decide(shipped, title) == right


@pytest.mark.parametrize("default", ["models", "policy"])
def test_an_off_topic_story_goes_where_its_source_belongs(shipped: Categorizer, default: str) -> None:
    assert decide(shipped, "Woman sneezes maggots after a walk with her mother and their dog", default) == default


def test_words_that_the_prior_does_not_know_leave_it_to_seeds_and_source(shipped: Categorizer) -> None:
    assert decide(shipped, "Recette de la soupe aux oignons gratinée", "startups") == "startups"
    assert set(load_category_prior().log_odds("Recette soupe oignons gratinée")) == {0.0}
    assert set(load_category_prior().log_odds("")) == {0.0}


@pytest.mark.parametrize(
    ("category", "inside", "outside"),
    [
        (
            Category("gaming", "Gaming", ("PlayStation", "Xbox", "Nintendo", "Steam", "video game")),
            "Nintendo shows a new Zelda and raises the price of its console",
            "OpenAI launches a new reasoning model with a longer context window",
        ),
        (
            Category("cars", "Cars", ("Waymo", "Tesla", "robotaxi", "self-driving car", "electric vehicle")),
            "Waymo takes its robotaxi service to three more cities",
            "Hackers exploit a zero-day vulnerability in a VPN",
        ),
        (
            Category("energy", "Energy", ("solar", "nuclear", "wind farm", "battery storage", "heat pump")),
            "Nuclear plant in Wales is to start again for a data center",
            "Startup raises $40 million in Series B led by Sequoia",
        ),
    ],
)
def test_a_new_category_of_a_name_and_five_seeds_works_at_once(category: Category, inside: str, outside: str) -> None:
    before = Categorizer(SHIPPED, prior=load_category_prior()).fit()
    categorizer = Categorizer((*SHIPPED, category), prior=load_category_prior()).fit()

    assert decide(categorizer, inside) == category.id
    assert decide(categorizer, outside) == decide(before, outside)


GAMING = Category("gaming", "Gaming", ("PlayStation", "Xbox", "Nintendo", "Steam", "video game"))


def category_of(categorizer: Categorizer, title: str, summary: str, default: str = "") -> str:
    evidence = categorizer.evidence(terms(title), terms(summary), default, categorizer.by_prior(title, summary, ""))
    return categorizer.decide(evidence, default)


def test_a_new_category_needs_a_seed_in_the_title_or_two_in_the_summary() -> None:
    categorizer = Categorizer((*SHIPPED, GAMING), prior=load_category_prior()).fit()
    title = "Chip maker shows a processor for handheld computers"

    assert category_of(categorizer, title, "It also runs Steam.") != "gaming"
    assert category_of(categorizer, title, "It runs games of Steam and Xbox.") == "gaming"
    assert decide(categorizer, "Text-to-video generator comes to ChatGPT") != "gaming"  # half of a seed does not count


def test_each_subject_in_the_name_of_a_new_category_is_a_seed() -> None:
    climate = Category("climate", "Climate & Energy", ("carbon emissions", "solar"))
    categorizer = Categorizer((*SHIPPED, climate), prior=load_category_prior()).fit()

    assert decide(categorizer, "Taiwan feels an energy crunch as demand for AI chips soars") == "climate"


def test_sources_of_a_new_category_belong_to_it() -> None:
    categorizer = Categorizer((*SHIPPED, GAMING), prior=load_category_prior()).fit()

    assert decide(categorizer, "The new Zelda is out in autumn", "gaming") == "gaming"


def test_a_source_says_less_of_a_shipped_category_than_the_text() -> None:
    categorizer = Categorizer(SHIPPED, prior=load_category_prior()).fit()

    for default in ("models", "startups", "products"):
        assert decide(categorizer, "Senate committee advances a bill on deepfakes", default) == "policy"


def test_a_source_is_worth_a_quarter_where_the_prior_knows_the_text_and_one_where_it_does_not(
    shipped: Categorizer,
) -> None:
    policy = [category.id for category in SHIPPED].index("policy")

    def gain(title: str) -> float:
        log_odds = shipped.by_prior(title, "", "")
        own, none = (shipped.evidence(terms(title), (), default, log_odds)[policy] for default in ("policy", ""))
        return own - none

    assert gain("OpenAI launches a new reasoning model") == pytest.approx(0.25)
    assert gain("Recette soupe oignons gratinée") == pytest.approx(1.0)


def test_a_seed_that_the_operator_adds_to_a_shipped_category_counts_in_full() -> None:
    title = "Kubota shows a tractor without a cabin"
    wider = [replace(c, seeds=(*c.seeds, "tractor")) if c.id == "hardware" else c for c in SHIPPED]

    assert decide(Categorizer(SHIPPED, prior=load_category_prior()).fit(), title) != "hardware"
    assert decide(Categorizer(wider, prior=load_category_prior()).fit(), title) == "hardware"


def test_corrections_move_stories_that_the_prior_is_sure_of() -> None:
    titles = [
        f"{who} to ban AI glasses in court rooms" for who in ("France", "Ohio", "Japan", "Texas", "Chile", "Peru")
    ]
    categorizer = Categorizer(SHIPPED, prior=load_category_prior()).fit()
    before = decide(categorizer, "Norway to ban AI glasses in court rooms")

    categorizer.learn_corrections([(story, "research", title, "") for story, title in enumerate(titles)])

    assert before != "research"
    assert decide(categorizer, "Norway to ban AI glasses in court rooms") == "research"


def test_seeds_count_where_the_words_are_new_even_if_the_embedding_is_sure() -> None:
    prior = load_category_prior()
    assert prior.meaning is not None
    title = "Kubota shows a tractor without a cabin"
    embedding = Embedding(prior.meaning.encoder, bytes([100, *[0] * (prior.meaning.basis.shape[1] - 1)]))
    parts = take_apart(title, "", "")
    alone, beside = prior.odds(parts), prior.odds(parts, embedding)

    assert beside.log_odds != alone.log_odds
    assert beside.spread == alone.spread == pytest.approx(max(alone.log_odds) - min(alone.log_odds))


def test_headlines_of_our_own() -> None:
    # The prior was fitted to AI and technology press and hardly knows these words, so seeds decide.
    categorizer = Categorizer(SHIPPED, prior=load_category_prior()).fit()
    lines = (Path(__file__).parents[2] / "data" / "headlines.tsv").read_text("utf-8").splitlines()
    right = [decide(categorizer, title) == category for category, title in (line.split("\t") for line in lines)]

    assert sum(right) / len(right) >= 0.82


@pytest.mark.long
@pytest.mark.parametrize(
    ("window", "floor"), [("week_2026_05", 0.85), ("dense_2026_03", 0.91), ("press_2025_05", 0.92)]
)
def test_what_the_site_says_of_items_that_the_prior_had_not_seen(window: str, floor: float) -> None:
    for name, pinned in model_file.read(PRIOR_FILE, "categories").provenance["sha256"].items():
        if not (SHARED / name).exists():
            pytest.skip(f"the labelled items are not beside this checkout: {SHARED / name}")
        assert hashlib.sha256((SHARED / name).read_bytes()).hexdigest() == pinned, f"{name} is other data"
    items = priors.read(SHARED, f"gold/{window}.labels.tsv")
    texts = [text for table in TABLES for text in priors.read(SHARED, table)] + priors.read_further(SHARED, LABELS)
    others = priors.left_out(texts, items)
    seeds = {c.id: frozenset(seed.casefold() for seed in c.seeds) for c in SHIPPED}
    categorizer = Categorizer(SHIPPED, prior=priors.fit(others, seeds)).fit()
    placed = [item for item in items if item.categories[0] != "none"]
    right = [
        (
            categorizer.decide(
                categorizer.evidence(
                    terms(i.title), terms(i.summary), "", categorizer.by_prior(i.title, i.summary, i.link)
                ),
                "",
            )
            or "none"
        )
        in i.categories
        for i in placed
    ]

    assert sum(right) / len(right) >= floor


def test_a_category_of_a_shipped_name_with_seeds_of_another_subject_is_not_the_shipped_one() -> None:
    fashion = Category("models", "On the Catwalk", ("catwalk", "Vogue", "fashion week"))
    categorizer = Categorizer((fashion, *SHIPPED[4:]), prior=load_category_prior()).fit()

    assert 0 not in categorizer.shipped_
    assert (
        decide(categorizer, "OpenAI launches a new reasoning model with a longer context window", "policy") == "policy"
    )
    assert decide(categorizer, "Vogue names the faces of fashion week") == "models"


def test_one_category_alone_takes_everything() -> None:
    categorizer = Categorizer(SHIPPED[:1], prior=load_category_prior()).fit()

    for title in ("Senate committee advances a bill on deepfakes", "OpenAI launches a model", "Recette de la soupe"):
        assert decide(categorizer, title, "models") == "models"


def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = model_file.read(PRIOR_FILE, "categories")
    broken = tmp_path / "prior.json"
    model_file.write(broken, replace(file, content={**file.content, "weights": {"word:a": "P"}}))
    monkeypatch.setattr(category_prior, "PRIOR_FILE", broken)

    with pytest.raises(ModelFileError, match="reinstall the program"):
        load_category_prior.__wrapped__()


def test_the_command_makes_the_same_bytes_twice_and_names_a_missing_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning_fit, "packaged_encoder", ConceptEncoder)
    data = tmp_path / "data"
    (data / "gold").mkdir(parents=True)
    for number, table in enumerate(TABLES):
        lines, rows = [], ["id\tcategory\talt\tgrade\n"]
        for i in range(120):
            about = i % 3
            title = ("Hackers breach a bank", "Senate debates a bill", "Recipe for a soup")[about]
            item = {
                "id": f"{i}",
                "title": f"{title} {number} {i}",
                "url": f"https://p{i % 4}.example/{i}",
                "source": f"Paper {i % 4}",
                "published": f"20{10 + number}-0{1 + i % 6}-{1 + i % 27:02}T08:00:00Z",
            }
            lines.append(json.dumps(item))
            rows.append(f"{i}\t{('security', 'policy', 'none')[about]}\t-\t1\n")
        (data / table).write_text("".join(rows), "utf-8")
        items = "training.jsonl" if "training" in table else Path(table).name.replace(".labels.tsv", ".jsonl")
        (data / "gold" / items).write_text("\n".join(lines), "utf-8")
    feeds = Path(__file__).parents[3] / "feeds.yaml"
    for name in ("a.json", "b.json"):
        assert priors.main(["--data", str(data), "--feeds", str(feeds), "--out", str(tmp_path / name)]) == 0

    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert priors.main(["--data", str(tmp_path / "no"), "--feeds", str(feeds), "--out", "x"]) == 1
    assert "gold" in capsys.readouterr().err


def test_the_meaning_of_a_title_helps_where_its_words_do_not() -> None:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    # Each title has one publisher and one unique word, so none of its words gets a weight.
    kinds = {"security": ("tremor", "quake", "earthquake"), "policy": ("ruling", "court", "judges")}
    titles = [(word, category) for category, wordings in kinds.items() for word in wordings] * 3
    encoder = ConceptEncoder()
    texts = [
        priors.CategorisedText(f"Harbour {word}", "", "", f"p{i}", at, (category,), encoder.encode([word])[0])
        for i, (word, category) in enumerate(titles)
    ]
    seeds = {category: frozenset[str]() for category in kinds}
    prior = priors.fit(texts, seeds)
    (of_court,) = encoder.encode(["court"])

    unknown = prior.log_odds("Harbour news")
    of_known_word = prior.log_odds("Harbour news", embedding=of_court)

    assert unknown[0] == pytest.approx(unknown[1], abs=0.3)
    assert of_known_word[1] > of_known_word[0] + 1
    assert prior.log_odds("Harbour news", embedding=Embedding("another encoder", b"\1\2")) == unknown


def test_forms_for_other_categories_than_the_weights_are_refused() -> None:
    data = load_category_prior().as_data()
    data["ids"] = data["ids"][:-1]
    data["base"] = data["base"][:-1]
    data["weights"] = {name: weights[:-1] for name, weights in data["weights"].items()}

    with pytest.raises(ValueError, match="form for each category"):
        CategoryPrior.from_data(data)
