"""The services of deploy/compose.postgresql.yaml as processes on this machine, with their commands and environment.

Only what containers provide is replaced: the database's host, the addresses that sites listen on, and the proxy's names
for them. The proxy is Caddy with the file's own configuration if Caddy is installed, else nginx.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from aggregator.store import Store
from tests.feedserver import FeedServer
from tests.postgres.cluster import Cluster
from tests.web.test_server import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.postgresql.yaml"
SECRETS = {"POSTGRES_PASSWORD": "p4ssw0rd", "GROUNDSWELL_ADMIN_TOKEN": "t" * 43}
PATIENCE_S = 90
GRACE_S = 10
"""`stop_grace_period`: then a service is killed."""
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream sites {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://sites;
      proxy_next_upstream error timeout http_503 non_idempotent;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""
ITEMS = "".join(
    f"<item><title>Harbour bridge reopens after {number} repairs</title><link>http://127.0.0.1/{number}</link></item>"
    for number in range(3)
)
RSS = f'<rss version="2.0"><channel><title>Harbour</title><link/><description/>{ITEMS}</channel></rss>'.encode()


def interpolated(value: object) -> str:
    """Return a value of the file with its variables substituted, as Compose does."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: SECRETS[match[1]], str(value))


class Services:
    """The program's processes named in the file, and a proxy in front of the sites."""

    def __init__(self, folder: Path, url: str) -> None:
        self.file = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        self._folder = folder
        self._url = url
        self._log = folder / "services.log"
        self.services = {
            name: service for name, service in self.file["services"].items() if service["image"] == "groundswell"
        }
        self.ports = {name: free_port() for name, service in self.services.items() if service["command"][0] == "web"}
        self.running = {name: self._start(name) for name in self.services}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        service = self.services[name]
        command = [str(part) for part in service["command"]]
        if name in self.ports:
            command = [{"0.0.0.0": "127.0.0.1", "8000": str(self.ports[name])}.get(part, part) for part in command]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "groundswell", *command],
                # A container starts with only its own environment. The folder is its volume /data.
                env={
                    **self._environment(service["environment"]),
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "GROUNDSWELL_ENCODER": "off",
                },
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self, stated: Mapping[str, object]) -> dict[str, str]:
        values = {name: interpolated(value) for name, value in stated.items()}
        address, here = urlsplit(values["DATABASE_URL"]), urlsplit(self._url)
        assert (address.username, address.password, address.hostname, address.path) == (
            *("groundswell", SECRETS["POSTGRES_PASSWORD"], "database", here.path),
        )
        values["DATABASE_URL"] = address._replace(netloc=f"{address.username}@", query=here.query).geturl()
        return values

    def kill(self, name: str) -> None:
        """Kill all processes of a service, as when its container dies."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()

    def restart_ended(self) -> None:
        """Restart what has ended: `restart: unless-stopped`."""
        for name, process in self.running.items():
            assert self.services[name]["restart"] == "unless-stopped"
            if process.poll() is not None:
                self.running[name] = self._start(name)

    def caddyfile(self, port: int) -> str:
        """Return the proxy's configuration with addresses of this machine."""
        text = str(self.file["configs"]["proxy"]["content"])
        for name, site in self.ports.items():
            assert f"{name}:8000" in text
            text = text.replace(f"{name}:8000", f"127.0.0.1:{site}")
        return "{\n  admin off\n}\n" + text.replace(":8080 {", f"http://127.0.0.1:{port} {{", 1)

    def stop(self) -> dict[str, int | None]:
        """Stop all as Compose does; return their exit codes, None for one that had to be killed."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        codes: dict[str, int | None] = {}
        deadline = time.monotonic() + GRACE_S
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(timeout=max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                codes[name] = None
        return codes

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def proxy_commands(services: Services, folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the port and the command of each installed proxy."""
    if caddy := shutil.which("caddy"):
        port, path = free_port(), folder / "Caddyfile"
        path.write_text(services.caddyfile(port))
        yield port, [caddy, "run", "--config", str(path), "--adapter", "caddyfile"]
    nginx = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else "")
    if nginx:
        port, path = free_port(), folder / "nginx.conf"
        servers = " ".join(f"server 127.0.0.1:{site} max_fails=0;" for site in services.ports.values())
        path.write_text(NGINX.format(folder=folder, port=port, servers=servers))
        yield port, [nginx, "-e", str(folder / "error.log"), "-c", str(path)]


def ask(port: int, path: str, body: object = None) -> tuple[int, str]:
    """Send a request as the operator; status 0 if nothing answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {SECRETS['GROUNDSWELL_ADMIN_TOKEN']}", "Content-Type": "application/json"}
    try:
        connection.request("GET" if body is None else "POST", path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except OSError:
        return 0, ""
    finally:
        connection.close()


def shows(port: int, path: str, text: str = "") -> Callable[[], bool]:
    """Return a condition that is true once a page is served and contains a text."""

    def ask_now() -> bool:
        status, body = ask(port, path)
        return status == 200 and text in body

    return ask_now


def until(what: str, is_so: Callable[[], bool], services: Services) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited too long for {what}:\n{services.log()[-2000:]}"
        services.restart_ended()
        time.sleep(0.3)


@pytest.mark.long
def test_the_services_make_a_site_that_survives_the_loss_of_one(
    postgres: Cluster, tmp_path: Path, feed_server: FeedServer
) -> None:
    address = feed_server.publish("/news.xml", RSS)
    (tmp_path / "feeds.yaml").write_text(
        "site: {}\nlimits: {allow_private: [127.0.0.1]}\ncategories: [{id: world, name: World}]\n"
        f'sources: [{{id: harbour, name: Harbour, url: "{address}", category: world}}]\n'
    )
    url = postgres.new_database("groundswell")
    services = Services(tmp_path, url)
    with ExitStack() as opened:
        opened.callback(services.stop)
        proxies = {}
        for port, command in proxy_commands(services, tmp_path):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path)})
            opened.callback(process.wait)
            opened.callback(process.terminate)
            proxies[port] = command[0]
        if not proxies:
            pytest.skip("neither caddy nor nginx is installed")
        for site in services.ports.values():
            until("a site", shows(site, "/readyz"), services)
        for port in proxies:
            until("the entries on a page", shows(port, "/", "Harbour bridge"), services)

            # Any site accepts the operator's request, and a poller stores the entry.
            posted = {
                "source": "harbour",
                "id": str(port),
                "title": f"Minister resigns {port}",
                "url": "http://n.example/",
            }
            assert ask(port, "/api/v1/entries", posted)[0] in (200, 201, 202)

            # Readers do not notice that a site was killed.
            name = next(iter(services.ports))
            services.kill(name)
            statuses = {ask(port, "/healthz")[0] for _ in range(20)}
            assert statuses == {200}, proxies[port]
            until("the site again", shows(services.ports[name], "/readyz"), services)
        store = opened.enter_context(Store.connect(url))
        until("what was posted", lambda: store.entries.count() == 3 + len(proxies), services)
        assert "Traceback" not in services.log()
        codes = services.stop()
        assert set(codes.values()) == {0}, codes


@pytest.mark.parametrize("name", ["compose.yaml", "compose.postgresql.yaml"])
def test_compose_accepts_the_file(name: str) -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("docker-compose is not installed")
    done = subprocess.run(
        [compose, "-f", str(DEPLOY / name), "config", "--quiet"],
        env={"PATH": os.environ["PATH"], **SECRETS}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
