"""The house as the documents describe it: held against the code's own imports and calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {"aggregator": 0, "scoring": 1, "web": 2, "groundswell": 3}

# A library at home: the only modules that may import it.
HOMES = {
    "sqlite3": ("aggregator/store/",),
    "sqlite_utils": ("aggregator/store/",),
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
    "marshmallow": ("web/api/",),
    "PIL": ("web/media/social_card.py",),
    "granian": ("web/server.py",),
    "pickle": (),
}
# The parts that the program is made of by its description: each does its work somewhere, none stands by for show.
FIXED = ("feedparser", "httpx", "pycurl", "sklearn", "apscheduler", "sqlite_utils", "flask")
# Opens or takes connections: polling, the demo's own feed server, and the site's port.
SOCKETS = ("aggregator/fetch", "aggregator/demo/server.py", "web/server.py")
CLOCK = re.compile(
    r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime)"
    r"|random\.(random|randint|choice|shuffle|uniform|sample|gauss)|np\.random\.\w+)\("
)
SQL = re.compile(
    r"^\s*(select\b.+\bfrom|insert\s+(or\s+\w+\s+)?into|update\s+\w+\s+set|delete\s+from|create\s+(virtual\s+)?table|"
    r"with\s+\w+\s+as\s*\(|pragma\s+\w+)",
    re.I | re.S,
)


def modules() -> list[Path]:
    found: list[Path] = []
    for package in ("groundswell", "aggregator", "scoring", "web"):
        found += sorted((ROOT / package).rglob("*.py"))
    return found


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where(path)}: a relative import hides where it points"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=where)
def test_imports_point_one_way(path: Path) -> None:
    here = LAYERS[where(path).split("/")[0].removesuffix(".py")]
    for name in imports(path):
        target = LAYERS.get(name.split(".")[0])
        assert target is None or target <= here, f"{where(path)} imports {name}"


def test_no_import_goes_round_in_a_circle() -> None:
    names = {where(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in modules()}
    wants = {}
    for name, path in names.items():
        found = set(imports(path)) & names.keys()
        # `from package import module` asks for the module, not for what the package gathers.
        wants[name] = found - {wanted.rpartition(".")[0] for wanted in found}
    list(TopologicalSorter(wants).static_order())  # CycleError names the circle


@pytest.mark.parametrize("path", modules(), ids=where)
def test_nobody_outside_asks_for_a_room_of_the_engine(path: Path) -> None:
    if not where(path).startswith("scoring/engine/"):
        rooms = [name for name in imports(path) if name.startswith("scoring.engine.") and name.split(".")[2].islower()]
        assert not rooms, f"{where(path)} imports {', '.join(rooms)}"


@pytest.mark.parametrize("path", modules(), ids=where)
def test_a_library_is_used_where_it_is_at_home(path: Path) -> None:
    for name in imports(path):
        for library, homes in HOMES.items():
            if name == library or name.startswith(library + "."):
                assert where(path).startswith(homes), f"{where(path)} imports {name}"


@pytest.mark.parametrize("library", FIXED)
def test_the_fixed_parts_are_what_does_their_work(library: str) -> None:
    users = {where(path) for path in modules() if any(name.split(".")[0] == library for name in imports(path))}
    assert any(user.startswith(HOMES[library]) for user in users), f"nothing imports {library}"


@pytest.mark.parametrize("path", modules(), ids=where)
def test_only_fetch_and_the_servers_know_sockets(path: Path) -> None:
    if not where(path).startswith(SOCKETS):
        assert "socket" not in set(imports(path)), f"{where(path)} imports socket"
        assert "http.server" not in set(imports(path)), f"{where(path)} imports http.server"


@pytest.mark.parametrize("path", modules(), ids=where)
def test_sql_is_in_the_store_only(path: Path) -> None:
    if where(path).startswith("aggregator/store/"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not SQL.search(node.value), f"{where(path)}:{node.lineno} holds SQL"


@pytest.mark.parametrize("path", modules(), ids=where)
def test_there_is_no_hidden_clock_and_no_unseeded_chance(path: Path) -> None:
    if where(path).startswith("groundswell/"):
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        assert not CLOCK.search(line.split("#")[0]), f"{where(path)}:{number} {line.strip()}"


def test_the_rules_would_catch_what_they_forbid() -> None:
    assert CLOCK.search("now = datetime.now(UTC)")
    assert CLOCK.search("t = time.time()")
    assert not CLOCK.search("clock()")
    assert SQL.search("select a from b")
    assert SQL.search("\n  insert or replace into stories values (1)")
    assert not SQL.search("select a list from the menu".replace("from", "of"))


@pytest.mark.parametrize("path", modules(), ids=where)
def test_every_module_says_what_it_knows(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{where(path)} has no docstring"


def test_no_test_needs_what_stands_outside_the_repository() -> None:
    """Data beside the checkout may be used, but only where a skip with a reason stands too."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "shared" in text and path.name != Path(__file__).name and re.search(r'["/]shared["/]', text):
            assert "skip" in text, f"{where(path)} reads ../shared without a skip"
