"""The wheel, installed as `pipx` and `uv tool` do: with all dependencies, into an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.feedserver import FeedServer

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120

pytestmark = pytest.mark.skipif(
    find_spec("setuptools") is None, reason="setuptools, which builds the wheel, is missing"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, away from the checkout; dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    # setuptools leaves build files beside the sources, and would include them the next time.
    others = shutil.ignore_patterns(".*", "build", "tests", "bench", "*.db*", "data", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, folder / "source", ignore=others, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [
        *pip,
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(folder),
        str(folder / "source"),
    ]
    done = subprocess.run(build, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("groundswell-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def groundswell(installed: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Return the command line of the installed program; it runs in an empty folder."""
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); import groundswell.cli as c; "
        f"assert c.__file__.startswith({str(installed)!r}), c.__file__; c.main()"
    )
    return lambda *args: [sys.executable, "-c", code, *args]


def environment(installed: Path) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDSWELL_", "PYTHON"))}
    return {**variables, "PYTHONPATH": str(installed)}


def run(command: list[str], installed: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment(installed), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_wheel_holds_every_file_that_the_program_reads(installed: Path) -> None:
    # Package content other than code: templates, styles, models, migrations, the sample edition, feeds.yaml.
    tracked = subprocess.run(
        ["git", "ls-files", "aggregator", "scoring", "web", "groundswell"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tracked.returncode:
        pytest.skip("not a git checkout: there is no list of the files to compare with")
    missing = [name for name in tracked.stdout.splitlines() if not (installed / name).exists()]
    assert missing == []
    assert (installed / "aggregator/config/starter.yaml").read_bytes() == (ROOT / "feeds.yaml").read_bytes()
    pages = {page.name: page.read_bytes() for page in (ROOT / "docs").glob("*.md")}
    pages["changelog.md"] = (ROOT / "CHANGELOG.md").read_bytes()
    assert {page.name: page.read_bytes() for page in (installed / "groundswell/docs").iterdir()} == pages


def test_a_newcomer_begins_in_an_empty_folder(
    installed: Path, tmp_path: Path, groundswell: Callable[..., list[str]], feed_server: FeedServer
) -> None:
    folder = tmp_path / "news"
    folder.mkdir()
    refused = run(groundswell("run"), installed, folder)
    assert refused.returncode == 1
    assert refused.stderr == "feeds.yaml does not exist; `groundswell init` creates one\n"
    assert list(folder.iterdir()) == [], "no database and no token before there is something to read"
    begin(groundswell, folder, environment(installed), feed_server)


OFFLINE = re.compile("name resolution|dns error|NewConnectionError|error sending request|Network is unreachable", re.I)
TOOLS = {
    # The commands in docs/install.md for each tool, and the variables that say where it installs.
    "pipx": (["pipx", "install"], {"PIPX_HOME": "home", "PIPX_BIN_DIR": "bin", "PIPX_MAN_DIR": "man"}),
    "uv": (["uv", "tool", "install"], {"UV_TOOL_DIR": "home", "UV_TOOL_BIN_DIR": "bin", "UV_CACHE_DIR": "cache"}),
}


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_the_wheel_is_installed_with_all_that_it_needs(
    installed: Path, tmp_path: Path, feed_server: FeedServer, tool: str
) -> None:
    """The commands of docs/install.md, in empty folders; the tool gets the dependencies from the package registry."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is missing: pip install {tool}")
    command, folders = TOOLS[tool]
    [wheel] = installed.parent.glob("groundswell-*.whl")
    assert f"{' '.join(command)} ./{wheel.name}`" in (ROOT / "docs/install.md").read_text(encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDSWELL_", "PYTHON"))}
    settings = variables | {name: str(tmp_path / folder) for name, folder in folders.items()}
    done = subprocess.run(
        [*command, f"./{wheel.name}"], cwd=wheel.parent, env=settings, capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip
    if done.returncode and OFFLINE.search(done.stdout + done.stderr):
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stdout[-1_000:] + done.stderr[-2_000:]
    program = str(tmp_path / "bin/groundswell")
    folder = tmp_path / "news"
    folder.mkdir()
    begin(lambda *args: [program, *args], folder, variables, feed_server)


def begin(groundswell: Callable[..., list[str]], folder: Path, environment: dict[str, str], server: FeedServer) -> None:
    """Begin in an empty folder as docs/install.md says: write a feeds.yaml, check it, run the site with a feed."""

    def run(*args: str) -> str:
        done = subprocess.run(
            groundswell(*args), cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("init", "--topic", "security")
    assert "8 sources in 1 category" in run("check")
    url = server.publish(
        "/wire.xml", "<rss version='2.0'><channel><title>W</title><item><title>Fab opens</title></item></channel></rss>"
    )
    feeds = f"limits: {{allow_private: [127.0.0.1]}}\nsources:\n  - {{id: wire, url: {url}}}\n"
    (folder / "feeds.yaml").write_text(feeds)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    output = folder.with_suffix(".log")
    with output.open("wb") as log:
        process = subprocess.Popen(
            groundswell("run", "--port", str(port)), cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        page = ""
        deadline = time.monotonic() + PATIENCE_S
        while "Fab opens" not in page:
            assert time.monotonic() < deadline, output.read_text()
            assert process.poll() is None, output.read_text()
            time.sleep(0.3)
            page = _get(f"http://127.0.0.1:{port}/newest") or _get(f"http://127.0.0.1:{port}/")
        style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert _get(f"http://127.0.0.1:{port}{style}")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert (folder / "groundswell.db.token").stat().st_mode & 0o777 == 0o600


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
