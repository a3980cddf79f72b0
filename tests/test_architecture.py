"""Architecture rules, checked against the source: import direction, libraries, SQL, sockets, clocks and sizes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {"aggregator": 0, "scoring": 1, "web": 2, "groundswell": 3}

# The only modules that may import each library.
HOMES = {
    "sqlite3": ("aggregator/store/sqlite/",),
    "psycopg": ("aggregator/store/postgres/",),
    "sqlite_utils": ("aggregator/store/sqlite/",),
    "httpx": ("aggregator/fetch",),
    "pycurl": ("aggregator/fetch",),
    "brotli": ("aggregator/fetch",),
    "backports.zstd": ("aggregator/fetch",),
    "requests": (),
    "urllib.request": (),
    "http.client": (),
    "ftplib": (),
    "feedparser": ("aggregator/parse",),
    "nh3": ("aggregator/text/sanitize.py",),
    "yaml": ("aggregator/config/", "aggregator/demo/"),
    "apscheduler": ("aggregator/polling/jobs.py",),
    "sklearn": ("scoring/",),
    "flask": ("web/",),
    "flask_smorest": ("web/api/",),
    "flask_babel": ("web/",),
    "py3langid": ("aggregator/text/language_detection.py",),
    "babel": ("web/i18n/",),
    "marshmallow": ("web/api/",),
    "PIL": ("web/media/social_card.py",),
    "granian": ("web/server.py",),
    "trafilatura": ("aggregator/parse/pages/article.py",),
    "apprise": ("aggregator/notify/child.py",),
    "smtplib": ("aggregator/notify/child.py",),
    "mcp": ("web/agents/server.py",),
    "pickle": (),
}
# Libraries that the program is specified to use; each must be imported where it belongs.
FIXED = ("feedparser", "httpx", "pycurl", "sklearn", "apscheduler", "sqlite_utils", "flask")
# Opens or takes connections: polling, the process that sends messages, the demo's own feed server, and the site's port.
SOCKETS = ("aggregator/fetch", "aggregator/notify/child.py", "aggregator/demo/server.py", "web/server.py")
CLOCK = re.compile(
    r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime)"
    r"|random\.(random|randint|choice|shuffle|uniform|sample|gauss)|np\.random\.\w+)\("
)
SQL = re.compile(
    r"^\s*(select\b.+\bfrom|insert\s+(or\s+\w+\s+)?into|update\s+\w+\s+set|delete\s+from|create\s+(virtual\s+)?table|"
    r"with\s+\w+\s+as\s*\(|pragma\s+\w+)",
    re.I | re.S,
)


@cache
def modules() -> tuple[Path, ...]:
    return tuple([path for package in LAYERS for path in sorted((ROOT / package).rglob("*.py"))])


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where(path)}: a relative import hides where it points"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_point_one_way() -> None:
    for path in modules():
        here = LAYERS[where(path).split("/")[0].removesuffix(".py")]
        for name in imports(path):
            target = LAYERS.get(name.split(".")[0])
            assert target is None or target <= here, f"{where(path)} imports {name}"


def test_imports_have_no_cycle() -> None:
    names = {where(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in modules()}
    dependencies = {}
    for name, path in names.items():
        imported = set(imports(path)) & names.keys()
        # `from package import module` depends on the module, not on what the package re-exports.
        dependencies[name] = imported - {module.rpartition(".")[0] for module in imported}
    list(TopologicalSorter(dependencies).static_order())  # CycleError names the circle


def parts(package: str) -> dict[str, set[str]]:
    """Return which sub-packages and modules of *package* import which others, late and type-checking imports too."""
    depth = package.count("/") + 2
    inside: dict[str, set[str]] = {}
    for path in modules():
        steps = where(path).removesuffix(".py").split("/")
        if where(path).startswith(f"{package}/"):
            targets = {"/".join(name.split(".")[:depth]) for name in imports(path)}
            inside.setdefault("/".join(steps[:depth]), set()).update(targets)
    return {part: (targets & inside.keys()) - {part} for part, targets in inside.items()}


def test_packages_import_each_other_one_way() -> None:
    """The modules and sub-packages of each package can be read in an order, each before those that import it."""
    for package in {where(path.parent) for path in modules()}:
        list(TopologicalSorter(parts(package)).static_order())


def test_the_engine_is_imported_through_its_package() -> None:
    for path in modules():
        if not where(path).startswith("scoring/engine/"):
            inner = [
                name for name in imports(path) if name.startswith("scoring.engine.") and name.split(".")[2].islower()
            ]
            assert not inner, f"{where(path)} imports {', '.join(inner)}"


def test_libraries_are_imported_where_they_belong() -> None:
    for path in modules():
        for name in imports(path):
            for library, homes in HOMES.items():
                if name == library or name.startswith(library + "."):
                    assert where(path).startswith(homes), f"{where(path)} imports {name}"


@pytest.mark.parametrize("library", FIXED)
def test_the_specified_libraries_are_in_use(library: str) -> None:
    users = {where(path) for path in modules() if any(name.split(".")[0] == library for name in imports(path))}
    assert any(user.startswith(HOMES[library]) for user in users), f"nothing imports {library}"


def test_only_fetch_and_the_servers_open_sockets() -> None:
    for path in modules():
        if not where(path).startswith(SOCKETS):
            assert "socket" not in set(imports(path)), f"{where(path)} imports socket"
            assert "http.server" not in set(imports(path)), f"{where(path)} imports http.server"


def test_sql_is_in_the_store() -> None:
    for path in modules():
        if where(path).startswith("aggregator/store/"):
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not SQL.search(node.value), f"{where(path)}:{node.lineno} holds SQL"


# What SQLite alone understands; topics of the store say it through `dialect`, `text_index`, `upsert()` or not at all.
SQLITE_WORDS = re.compile(
    r"\b(pragma|insert or (replace|ignore)|replace into|fts5|bm25|json_(each|extract|group_array|object|array)"
    r"|sqlite_\w+"
    r"|ifnull|iif|julianday|strftime|group_concat|total_changes|last_insert_rowid|rowid|glob|collate nocase|instr"
    r"|date\('now'|vacuum|wal_checkpoint)\b|->>",
    re.I,
)
# Copies and what a transfer reads are files of SQLite by definition, and so are the embeddings that commands keep.
SQLITE_USERS = {
    "aggregator/site/backup.py",
    "aggregator/store/store.py",
    "aggregator/store/transfer/to_postgres.py",
    "scoring/cli/recordings.py",
    "scoring/meaning/cached_encoder.py",
}


def statements(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the text of each SQL statement in a module, f-strings too, with its line."""
    for node in ast.walk(tree_of(path)):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        if SQL.search("".join(texts)):
            yield node.lineno, " ".join(texts)  # type: ignore[attr-defined]


def test_what_only_sqlite_understands_is_in_its_package() -> None:
    for path in modules():
        if where(path).startswith("aggregator/store/") and not where(path).startswith("aggregator/store/sqlite/"):
            for line, text in statements(path):
                assert not SQLITE_WORDS.search(text), f"{where(path)}:{line} speaks to SQLite alone"
    assert SQLITE_WORDS.search("insert or ignore into entries values (1)")
    assert SQLITE_WORDS.search("select value from json_each(:ids)")
    assert not SQLITE_WORDS.search("insert into entries values (1) on conflict do nothing")


POSTGRES_USERS = ("aggregator/store/", "aggregator/site/database.py", "aggregator/site/server_backup.py")


def test_each_database_is_used_through_the_store() -> None:
    for path in modules():
        if where(path).startswith(("aggregator/store/sqlite/", "aggregator/store/postgres/")):
            continue
        for name in imports(path):
            if name.startswith("aggregator.store.sqlite"):
                assert where(path) in SQLITE_USERS, f"{where(path)} imports {name}"
            # The address is text, and no database is opened to read it.
            if name.startswith("aggregator.store.postgres.") and name.split(".")[3] != "address":
                assert where(path).startswith(POSTGRES_USERS), f"{where(path)} imports {name}"


def test_no_module_reads_the_clock_or_unseeded_randomness() -> None:
    for path in modules():
        if where(path).startswith("groundswell/"):
            continue
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            assert not CLOCK.search(line.split("#")[0]), f"{where(path)}:{number} {line.strip()}"


def test_the_patterns_match_what_they_forbid() -> None:
    assert CLOCK.search("now = datetime.now(UTC)")
    assert CLOCK.search("t = time.time()")
    assert not CLOCK.search("clock()")
    assert SQL.search("select a from b")
    assert SQL.search("\n  insert or replace into stories values (1)")
    assert not SQL.search("select a list from the menu".replace("from", "of"))


def test_every_module_has_a_docstring() -> None:
    for path in modules():
        assert ast.get_docstring(tree_of(path)), f"{where(path)} has no docstring"


# What functions keep between calls, and why that is no state: each result follows from its arguments, or from a file of
# the package, which never changes while the program runs. Everything else that is remembered is an attribute of an
# object that is passed along.
FILE_OF_THE_PACKAGE = "read once: a file of the package that only the commands which need it pay for"
SAME_TEXTS = "the parts that score an entry ask for the same texts and words within one step"
SAME_IN_A_DOCUMENT = "the items of a document, and the feeds of a site, repeat the same few"
EVERY_REQUEST = "asked on every request, with a few dozen different headers"
CACHES = {
    "aggregator/text/urls.py:_suffixes": FILE_OF_THE_PACKAGE,
    "scoring/categories/prior.py:load_category_prior": FILE_OF_THE_PACKAGE,
    "scoring/language/names.py:load_modifiers": FILE_OF_THE_PACKAGE,
    "scoring/language/names.py:load_ordinary_words": FILE_OF_THE_PACKAGE,
    "scoring/language/terms.py:load_background": FILE_OF_THE_PACKAGE,
    "scoring/relevance/model.py:load_prior": FILE_OF_THE_PACKAGE,
    "scoring/relevance/model.py:prior_measures": FILE_OF_THE_PACKAGE,
    "web/media/social_card.py:_font": FILE_OF_THE_PACKAGE,
    "web/media/social_card.py:_has": "whether the shipped font has a character",
    "scoring/clustering/phrases.py:_terms_of": SAME_TEXTS,
    "scoring/insights/lead_entry.py:_telling_terms": SAME_TEXTS,
    "scoring/language/analysed_text.py:_script_of": SAME_TEXTS,
    "scoring/relevance/text_features.py:take_apart": SAME_TEXTS,
    "scoring/language/names.py:is_name": SAME_TEXTS,
    "scoring/language/terms.py:telling": SAME_TEXTS,
    "scoring/language/terms.py:term": SAME_TEXTS,
    "scoring/language/terms.py:words_of": SAME_TEXTS,
    "scoring/topics/headline_index.py:headline_terms": SAME_TEXTS,
    "scoring/topics/signals.py:_commonness": SAME_TEXTS,
    "aggregator/parse/normalize.py:_tag": SAME_IN_A_DOCUMENT,
    "aggregator/parse/xml/names.py:is_harmless": SAME_IN_A_DOCUMENT,
    "aggregator/parse/xml/names.py:name_of": SAME_IN_A_DOCUMENT,
    "aggregator/store/codec.py:_hints": SAME_IN_A_DOCUMENT,
    "aggregator/text/sanitize.py:_cleaner": SAME_IN_A_DOCUMENT,
    "aggregator/text/urls.py:_ascii_host": SAME_IN_A_DOCUMENT,
    "aggregator/text/urls.py:article_key": SAME_TEXTS,
    "aggregator/text/urls.py:canonical": SAME_IN_A_DOCUMENT,
    "aggregator/text/urls.py:host": SAME_IN_A_DOCUMENT,
    "aggregator/text/urls.py:registrable_domain": SAME_IN_A_DOCUMENT,
    "scoring/ranking/trend.py:_shares": "the half-lives of the trend, which are constants",
    "scoring/relevance/text_features.py:_slices": "where the n-grams of a word of some length are",
    "aggregator/store/connection.py:_insert": "the text of a statement, one for each table",
    "aggregator/store/connection.py:upsert": "the text of a statement, one for each table",
    "aggregator/store/postgres/placeholders.py:adapted": "the text of a statement; a search makes some of its own",
    "aggregator/store/postgres/rows.py:_row_type": "the names of the columns of a statement",
    "web/http/cached_response.py:_takes_gzip": EVERY_REQUEST,
    "web/http/visit_counter.py:_is_bot": EVERY_REQUEST,
}
ONE_FOR_EACH = ("aggregator/store/connection.py", "web/media/social_card.py:_font")
"""Caches without a bound whose arguments are constants of the program."""


def caches() -> Iterator[tuple[str, bool]]:
    """Yield the functions that remember their results, and whether there is a bound to how many."""
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef):
                for decorator in map(ast.unparse, node.decorator_list):
                    if re.match(r"(functools\.)?(lru_)?cache\b", decorator):
                        yield f"{where(path)}:{node.name}", "maxsize=" in decorator or not node.args.args


def test_what_functions_remember_is_listed_with_its_reason() -> None:
    assert {name for name, _ in caches()} == CACHES.keys()


def test_caches_are_bounded() -> None:
    assert [name for name, bounded in caches() if not bounded and not name.startswith(ONE_FOR_EACH)] == []


CONTAINERS = ("dict", "list", "set", "defaultdict", "deque")


def test_no_module_keeps_a_container_to_be_filled_later() -> None:
    for path in modules():
        for node in tree_of(path).body:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            message = f"{where(path)}:{node.lineno} keeps state in the module"
            if isinstance(value, ast.Dict | ast.List):
                assert ast.unparse(value)[1:-1], message
            if isinstance(value, ast.Call) and ast.unparse(value.func) in CONTAINERS:
                assert value.args, message


IMPORT_ALL = """
import importlib, locale, logging, os, signal, socket, sys, warnings
# scikit-learn and trafilatura set variables and filters themselves.
import feedparser, feedparser.mixin, httpx, sklearn, trafilatura, yaml
def state():
    classes = (feedparser.mixin._FeedParserMixin, httpx.AsyncClient, yaml.SafeLoader, logging.Logger, socket.socket)
    return (
        [dict(vars(cls)) for cls in classes], dict(vars(feedparser)), dict(os.environ), socket.getdefaulttimeout(),
        list(logging.root.handlers), logging.root.level, list(warnings.filters), locale.setlocale(locale.LC_ALL),
        {number: signal.getsignal(number) for number in signal.valid_signals()}, sys.excepthook,
        sys.getrecursionlimit(),
    )
before = state()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = state()
print([number for number, (one, other) in enumerate(zip(before, after)) if one != other])
"""


def test_importing_a_module_changes_nothing_elsewhere() -> None:
    names = [where(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in modules()]
    needed = [name for name in names if name not in ("groundswell.__main__", "web.agents.server")]
    run = subprocess.run([sys.executable, "-c", IMPORT_ALL, *needed], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stdout + run.stderr


def test_tests_that_read_shared_data_can_skip() -> None:
    """Data beside the checkout may be used, but only where a skip with a reason stands too."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "shared" in text and path.name != Path(__file__).name and re.search(r'["/]shared["/]', text):
            assert "skip" in text, f"{where(path)} reads ../shared without a skip"


# Sizes

MAX_MODULE_LINES = 400
MAX_PUBLIC_METHODS = 15
MAX_PACKAGE_MODULES = 12
"""Modules of one package, besides its sub-packages and `__init__`."""


def sizes() -> dict[str, tuple[int, int]]:
    """Return for every module, class and package its size and its limit."""
    sizes_: dict[str, tuple[int, int]] = {}
    for path in modules():
        sizes_[where(path)] = (len(text_of(path).splitlines()), MAX_MODULE_LINES)
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                methods = [m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)]
                public = sum(not method.name.startswith("_") for method in methods)
                sizes_[f"{where(path)}:{node.name}"] = (public, MAX_PUBLIC_METHODS)
    for package in {path.parent for path in modules()}:
        count = sum(path.name != "__init__.py" for path in package.glob("*.py"))
        sizes_[where(package)] = (count, MAX_PACKAGE_MODULES)
    return sizes_


def test_modules_classes_and_packages_stay_within_their_limits() -> None:
    too_large = {name: size for name, (size, limit) in sizes().items() if size > limit}
    assert too_large == {}
