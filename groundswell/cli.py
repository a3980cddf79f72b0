"""The front door: the command line, the real clock, and which job runs when.

The only module that imports all three layers, and the only one that reads the real
clock. Everything it starts is handed the time. What counts and what serves is imported
where it is needed: polling waits neither for scikit-learn nor for Flask.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

import aggregator.cli.commands
import web.cli
from aggregator.cli.commands import Front, db_option, feeds_option, progress_bar, prune_store
from aggregator.clock import FastClock, SteppedClock, clock_from_spec
from aggregator.config.watcher import ConfigWatch
from aggregator.demo import edition as sample
from aggregator.demo.publish import feeds_yaml
from aggregator.demo.server import FeedServer
from aggregator.errors import ConfigError, GroundswellError
from aggregator.model import Clock, Config
from aggregator.polling.jobs import Jobs
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.polling.websub_subscriber import Hubs
from aggregator.store import Store, StoreFault
from aggregator.store.lock import WorkerLock
from web.visibility import is_public_host

if TYPE_CHECKING:
    from web.server import Address
    from web.websub_publisher import Publisher

log = logging.getLogger("groundswell")

CLOCK_VARIABLE = "GROUNDSWELL_CLOCK"
"""How a clock reaches a child process: empty for the real one."""

RERANK = timedelta(minutes=1)
"""Trend decays without any news, so the order is looked at this often."""

HALF_HOUR = timedelta(minutes=30)
TRAIN = timedelta(hours=24)
VOTES_TO_TRAIN, TRAIN_AGAIN = 10, timedelta(hours=1)
"""After so many votes the next training comes as soon as that time has passed since the last."""
PRUNE = timedelta(hours=24)
MEASURE = timedelta(hours=24)

DEMO_REFRESH = 5
"""Seconds after which a page of the demo loads itself again."""


def now() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)


def clock() -> Clock:
    """Return the clock of this process: the real one, unless its parent handed down another."""
    return clock_from_spec(os.environ.get(CLOCK_VARIABLE, ""), now)


# The worker: polls, stories, scores


class Scorer:
    """The scoring stage in a thread of its own, so that network and numbers do not wait for each other."""

    def __init__(self, db: Path, config: Config) -> None:
        from scoring.learning.train import chosen, current, models_dir
        from scoring.updater import Updater

        self._models = models_dir(db)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")
        self._store = Store.open(db)
        self._model_name = chosen(self._models)
        self._updater = Updater(self._store, config, current(self._models))
        self._ranked_at: datetime | None = None

    async def update(self, at: datetime) -> None:
        """Take in what was stored since the last time, and rank anew when it is time to."""
        await self._in_thread(self._update, at)

    async def reconfigure(self, config: Config, at: datetime) -> None:
        """Go on with other settings."""
        await self._in_thread(self._updater.reconfigure, config, at)

    async def follow_model(self, at: datetime) -> None:
        """Score with another model where training left one, or somebody chose one."""
        from scoring.learning.train import chosen, current

        if (name := chosen(self._models)) != self._model_name:
            self._model_name = name
            await self._in_thread(self._updater.use_model, current(self._models), at)

    @property
    def model_version(self) -> str:
        """Of the model that scores now."""
        return self._updater.engine.model.version

    async def close(self) -> None:
        """Finish what is under way and close."""
        await self._in_thread(self._store.close)
        self._thread.shutdown()

    async def _in_thread(self, action: Callable[..., object], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, action, *args)

    def _update(self, at: datetime) -> None:
        due = self._ranked_at is None or not timedelta() <= at - self._ranked_at < RERANK
        if due or self._updater.voted() or self._store.entries.anything_since(self._store.state.watermark()):
            self._updater.run(at)
            self._ranked_at = at


async def work(feeds: Path, db: Path, time: Clock, stop: asyncio.Event) -> None:
    """Poll, update, train and prune until *stop* is set."""
    from web.websub_publisher import Press, Publisher

    with WorkerLock(db), Store.open(db) as store:
        watch = ConfigWatch(feeds, store, os.environ)
        config = watch.start(time())
        scorer = Scorer(db, config)
        log.info("%d sources; database %s", len(config.sources), db)
        # Jitter only spreads requests over time; nothing that is stored depends on it.
        rng = random.Random(os.getpid())
        async with (
            Poller(config, store=store, clock=time, rng=rng, finished=_log_poll) as poller,
            Publisher(config, store=store, press=Press(db, time)) as publisher,
        ):
            worker = Worker(feeds, db, store, time, config, watch, scorer, poller, publisher)
            await worker.heartbeat()
            await worker.jobs().run_until(stop)
        await scorer.close()


class Worker:
    """What the worker does, a method a job, and how often."""

    def __init__(
        self,
        feeds: Path,
        db: Path,
        store: Store,
        time: Clock,
        config: Config,
        watch: ConfigWatch,
        scorer: Scorer,
        poller: Poller,
        publisher: Publisher,
    ) -> None:
        from scoring.insights.summarizer import Narrator

        self._feeds = feeds
        self._db = db
        self._store = store
        self._time = time
        self._config = config
        self._watch = watch
        self._scorer = scorer
        self._poller = poller
        self._publisher = publisher
        self._narrator = Narrator(config, store)
        self._hubs = Hubs(config, base=_reached_by_hubs(config), store=store, clock=time, poller=poller)

    def jobs(self) -> Jobs:
        """Return the jobs, each with its time between two runs."""
        jobs = Jobs()
        jobs.every(timedelta(seconds=1), "config", self.apply_config)
        jobs.every(timedelta(seconds=0.5), "poll", self.start_polls)
        jobs.every(timedelta(seconds=0.5), "update", self.update)
        jobs.every(timedelta(seconds=2), "publish", self.publish)
        jobs.every(timedelta(seconds=2), "hubs", self._hubs.step)
        jobs.every(timedelta(seconds=10), "heartbeat", self.heartbeat)
        jobs.every(timedelta(seconds=20), "train", self.train)
        jobs.every(timedelta(seconds=2), "model", self.follow_model)
        jobs.every(timedelta(seconds=60), "prune", self.prune)
        jobs.every(timedelta(seconds=60), "measure", self.measure)
        jobs.every(timedelta(seconds=15), "narrate", self.narrate)
        return jobs

    async def apply_config(self) -> None:
        """Go on with feeds.yaml as it was saved."""
        if changed := self._watch.check(self._time()):
            self._config = changed
            self._hubs.reconfigure(changed, _reached_by_hubs(changed))
            await self._poller.reconfigure(changed)
            await self._scorer.reconfigure(changed, self._time())
            await self._publisher.reconfigure(changed)
            self._narrator.reconfigure(changed)

    async def start_polls(self) -> None:
        """Start the polls that are due."""
        self._poller.start_due()

    async def update(self) -> None:
        """Make stories and scores of what came."""
        await self._scorer.update(self._time())

    async def publish(self) -> None:
        """Tell subscribers of the site's own hub."""
        await self._publisher.step(self._time())

    async def heartbeat(self) -> None:
        """Say that the worker lives."""
        self._store.state.set_moment("heartbeat", self._time())

    async def train(self) -> None:
        """Train where it is time to, where enough votes came, or where the operator asked for it."""
        store = self._store
        votes = store.feedback.votes_number()
        new = votes - int(store.state.get("votes_trained") or 0)
        due = _due(store, "trained_at", TRAIN if new < VOTES_TO_TRAIN else TRAIN_AGAIN, self._time())
        if not due and not store.state.moment("train_wanted"):
            return
        store.state.set("votes_trained", str(votes))
        with store.transaction():
            store.state.set_moment("train_began", self._time())
            store.state.set_moment("trained_at", self._time())
            store.state.clear("train_wanted")
        lines = (await _aside("train", self._feeds, self._db)).strip().splitlines()
        store.state.set("train_said", lines[0] if lines else "")

    async def follow_model(self) -> None:
        """Score with the model that was chosen last."""
        await self._scorer.follow_model(self._time())

    async def prune(self) -> None:
        """Forget what feeds.yaml says is to be forgotten."""
        if _due(self._store, "pruned_at", PRUNE, self._time()):
            prune_store(self._store, self._config, self._time())

    async def measure(self) -> None:
        """Make the nightly scorecard: ninety days are read and resampled."""
        if _due(self._store, "measured_at", MEASURE, self._time()):
            await _aside("evaluate", self._feeds, self._db, "--live")

    async def narrate(self) -> None:
        """Ask a configured model for prose."""
        await self._narrator.step(self._time())


def _reached_by_hubs(config: Config) -> str:
    """Return the site's address where hubs can reach it, else ""."""
    url = config.site.url.rstrip("/")
    return url if is_public_host(urlsplit(url).hostname or "") else ""


def _due(store: Store, name: str, every: timedelta, at: datetime) -> bool:
    """Return whether *name* was last done *every* ago or longer, and note that it is done now."""
    last = store.state.moment(name)
    # A clock that was set back must not silence a job until it has caught up.
    if last is not None and timedelta() <= at - last < every:
        return False
    store.state.set_moment(name, at)
    return last is not None


async def _aside(command: str, feeds: Path, db: Path, *more: str) -> str:
    """Run a command in a process of its own, so that the worker goes on; return what it said."""
    process = await asyncio.create_subprocess_exec(
        *_self(command, feeds, db, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        told, said = await asyncio.wait_for(process.communicate(), timeout=600)
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        fault = said.decode("utf-8", "replace")
        log.error("`groundswell %s` failed: %s", command, fault.strip())
        return fault
    return told.decode("utf-8", "replace")


def _log_poll(polled: Polled) -> None:
    if polled.new or polled.edited:
        log.info("%s: %s", polled.source_id, polled.state.last_words)


# The supervisor: worker and site


def _self(command: str, feeds: Path, db: Path, *more: str) -> list[str]:
    """Return the command line that starts another part of this program."""
    return [sys.executable, "-m", "groundswell", command, "--feeds", str(feeds), "--db", str(db), *more]


async def supervise(
    feeds: Path, db: Path, address: Address, refresh: int, stop: asyncio.Event, proxies: int = 0
) -> int:
    """Run worker and site as two processes until *stop* is set; return the exit code.

    One that cannot start ends both; one that falls over later is started again,
    and the other goes on meanwhile.
    """
    site = ("--host", address.host, "--port", str(address.port), "--refresh", str(refresh), "--proxies", str(proxies))
    parts = [
        asyncio.create_task(_keep_going("worker", _self("worker", feeds, db), stop)),
        asyncio.create_task(_keep_going("web", _self("web", feeds, db, *site), stop)),
    ]
    codes = await asyncio.gather(*parts)
    return max(codes)


async def _keep_going(name: str, command: list[str], stop: asyncio.Event) -> int:
    wait_s = 1.0
    while True:
        started = asyncio.get_running_loop().time()
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            process.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), timeout=6)
            except TimeoutError:
                process.kill()
                await ended
            return 0
        code = ended.result()
        lived = asyncio.get_running_loop().time() - started
        if stop.is_set():
            return 0
        if code == 1 and lived < 10:
            # It said in one sentence what a person has to mend; trying again would only repeat it.
            stop.set()
            return code
        wait_s = 1.0 if lived > 60 else min(wait_s * 2, 60)
        log.error("the %s process ended (code %d); it starts again in %.0f s", name, code, wait_s)
        try:
            await asyncio.wait_for(stop.wait(), timeout=wait_s)
            return 0
        except TimeoutError:
            continue


def _until_signal(main: Callable[[asyncio.Event], Awaitable[int | None]]) -> int:
    """Run *main(stop)*, where SIGTERM and Ctrl-C set *stop*; return its exit code."""

    async def run() -> int:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return int(await main(stop) or 0)

    return asyncio.run(run())


# The command line


class _Log(logging.Formatter):
    """One line a record: nothing that a feed wrote can start another or colour the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return _one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(f"    {_one_line(line)}" for line in super().formatException(ei).splitlines())


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def configure_logging(verbose: bool = False) -> None:
    """Log to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Log("%(asctime)s %(levelname).1s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "asyncio", "granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Where the site listens.")
port_option = click.option("--port", default=8000, show_default=True, help="Where the site listens.")


class _Commands(click.Group):
    """The commands of all layers; those of `scoring` are loaded when one of them, or the help, is asked for."""

    LATER = ("update", "train", "explain", "replay", "vote", "stories", "models", "evaluate")

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *self.LATER})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self.LATER and name not in self.commands:
            for command in import_module("scoring.cli.commands").COMMANDS:
                self.add_command(command)
        return super().get_command(context, name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="groundswell", prog_name="groundswell")
@click.option("--verbose", is_flag=True, help="Log everything.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """A self-hosted news site that runs itself.

    It polls feeds, groups what many sources publish into stories, scores each
    story, shows what is trending, and publishes it again as RSS.
    """
    configure_logging(verbose)
    context.obj = Front(clock())


@cli.command()
@feeds_option
@db_option
@host_option
@port_option
@web.cli.proxies_option
def run(feeds: Path, db: Path, host: str, port: int, proxies: int) -> None:
    """Run worker and site together.

    \b
    Example:
      groundswell run
      groundswell run --port 8080 --db /var/lib/groundswell/news.db
    """
    from web.server import Address, check_port

    address = Address(host, port)
    check_port(address, db=db)
    click.echo(f"Groundswell: {address.url} (Ctrl-C stops it)", err=True)
    raise SystemExit(_until_signal(lambda stop: supervise(feeds, db, address, 0, stop, proxies)))


@cli.command()
@feeds_option
@db_option
@click.pass_obj
def worker(front: Front, feeds: Path, db: Path) -> None:
    """Run the worker alone: polls, stories, scores.

    \b
    Example:
      groundswell worker
    """
    try:
        raise SystemExit(_until_signal(lambda stop: work(feeds, db, front.clock, stop)))
    except ConfigError as error:
        # What a service prints is kept in logs: it names key and line, and no value.
        raise ConfigError(f"{error.public}\n`groundswell check` shows what stands there") from None


@cli.command()
@host_option
@port_option
@click.option(
    "--speed",
    type=click.FloatRange(1, 3600),
    default=300,
    show_default=True,
    help="How many times as fast as real time the sample edition runs.",
)
@click.option(
    "--start",
    "start_hours",
    type=click.FloatRange(0, 71),
    default=54,
    show_default=True,
    help="How many hours of the three days have passed at the start.",
)
def demo(host: str, port: int, speed: float, start_hours: float) -> None:
    """Play the sample edition, without any network.

    A feed server on this machine publishes three days of our own sample news;
    the real poller, scorer and site run on it, and time runs faster.

    \b
    Example:
      groundswell demo
      groundswell demo --speed 60
    """
    from web.server import Address, check_port

    address = Address(host, port)
    check_port(address)
    edition = sample.load()
    begin = sample.STARTS_AT + timedelta(hours=start_hours)
    played = SteppedClock(sample.STARTS_AT)
    time: Clock = played
    with (
        tempfile.TemporaryDirectory(prefix="groundswell-demo-") as folder,
        FeedServer(edition, lambda: time()) as feeds,
    ):
        config, db = Path(folder) / "feeds.yaml", Path(folder) / "demo.db"
        config.write_text(feeds_yaml(edition, feeds.base_url, address.url), encoding="utf-8")
        asyncio.run(play(config, db, played, begin))
        time = FastClock(now, now(), begin, speed)
        os.environ[CLOCK_VARIABLE] = time.spec
        click.echo(
            f"Groundswell's sample edition: {address.url} (Ctrl-C stops it)\n"
            f"It is {begin:%A, %H:%M} in the edition; one of its hours passes in {3600 / speed:.0f} seconds.",
            err=True,
        )
        raise SystemExit(_until_signal(lambda stop: supervise(config, db, address, DEMO_REFRESH, stop)))


async def play(feeds: Path, db: Path, time: SteppedClock, until: datetime, step: timedelta = HALF_HOUR) -> None:
    """Poll and score what was published up to *until*, as the worker would have at the time."""
    from scoring.learning.train import current, models_dir
    from scoring.updater import Updater

    with WorkerLock(db), Store.open(db) as store:
        config = ConfigWatch(feeds, store, os.environ).start(time())
        updater = Updater(store, config, current(models_dir(db)))
        with progress_bar("Playing the days before") as bar:
            task = bar.add_task("", total=int((until - time.at) / step))
            async with Poller(config, store=store, clock=time, rng=random.Random(0)) as poller:
                while time.at < until:
                    time.at = min(time.at + step, until)
                    await poller.poll_now()
                    updater.run(time.at)
                    bar.update(task, advance=1, description=f"{time.at:%A %H:%M}")


for command in (*aggregator.cli.commands.COMMANDS, *web.cli.COMMANDS):
    cli.add_command(command)


def main() -> None:
    """Run the command line; an error that a person has to mend is one sentence on stderr."""
    # What is learned here is small: threads of its linear algebra would wait for each other, and where the machine has
    # other work a fit of categories took 0.38 s instead of 0.005. One thread also sums in the same order everywhere.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        cli(prog_name="groundswell")
    except GroundswellError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    except StoreFault as error:
        click.echo(f"the database cannot be used now: {error}; `groundswell check` says more", err=True)
        raise SystemExit(1) from None
