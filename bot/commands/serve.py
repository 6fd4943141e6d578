"""`madoguchi serve` and `madoguchi migrate`."""

import asyncio
import ipaddress
import signal
import socket
from pathlib import Path
from types import FrameType

import click
import uvicorn
from pydantic import SecretStr

from bot.app import DEMO_LOGIN, DEMO_PASSWORD, Mode, Product, build_app
from bot.commands import load_settings, profile_of
from bot.demo import ensure_secret_key, fill
from bot.private_logs import set_up_logs
from bot.settings import DEFAULT_DATABASE_URL, Settings
from core.clock import SystemClock
from core.db import SHUTDOWN_TOPIC
from core.errors import MadoguchiError, PermanentError
from core.migrate import clock_difference_seconds, ensure_current, upgrade
from core.profiles.model import Profile
from core.sole_process import sole_process

GRACE_SECONDS = 8
MOST_CLOCK_SECONDS = 5.0  # a third of a lease (core/delivery/leases.py)


@click.command()
def migrate() -> None:
    """Bring the database to the current schema."""
    settings = load_settings()
    try:
        with sole_process(settings.database_url):
            upgrade(settings.database_url)
    except MadoguchiError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The database is on the current schema.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--role", default="all", show_default=True, type=click.Choice(["all", "web", "worker"]))
@click.option("--demo", is_flag=True, help="Demo data, doubles for payment and mail, clock travel; loopback only.")
def serve(host: str, port: int, role: str, demo: bool) -> None:
    """Run the product."""
    set_up_logs()
    settings = load_settings()
    profile = profile_of(settings)
    if demo and not _is_loopback(host):
        raise click.ClickException("--demo listens on loopback only (127.0.0.1): its passwords are public")
    listening = _listen(host, port)
    settings = _completed(settings, demo=demo, host=host, port=listening.getsockname()[1])
    if role != "all" and settings.database_url.startswith("sqlite"):
        raise click.ClickException("SQLite serves one process only: use --role all, or PostgreSQL")
    try:
        with sole_process(settings.database_url):
            product = _opened(settings, profile, Mode(role, demo))
            asyncio.run(_serve(product, listening))
    except MadoguchiError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped")


def need_same_time(seconds: float) -> None:
    """Errors: PermanentError when this machine's clock and the database's are further apart than leases allow."""
    if abs(seconds) > MOST_CLOCK_SECONDS:
        raise PermanentError(
            f"the clock of this machine is {seconds:+.0f} s from the database's: processes could do each other's work."
            " Synchronise the clocks (NTP) and start again"
        )


def _opened(settings: Settings, profile: Profile, mode: Mode) -> Product:
    """The product on a database of the current schema; demo brings schema, data and key by itself."""
    need_same_time(clock_difference_seconds(settings.database_url, SystemClock().real))
    if not mode.demo:
        ensure_current(settings.database_url)
        return Product(settings, profile, mode)
    upgrade(settings.database_url)
    product = Product(settings, profile, mode)
    fill(product.database, profile, login=DEMO_LOGIN, password=DEMO_PASSWORD)
    if not settings.secret_key.get_secret_value():
        key = SecretStr(ensure_secret_key(product.database))
        product.settings = settings.model_copy(update={"secret_key": key})
    return product


async def _serve(product: Product, listening: socket.socket) -> None:
    config = uvicorn.Config(
        build_app(product),
        log_config=None,  # its own would write errors with the values they quote
        log_level="warning",
        access_log=False,
        loop="none",
        http="httptools",
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=product.settings.trusted_proxies,
    )
    server = _Server(config, product)
    await server.serve(sockets=[listening])
    if not server.started:
        raise click.ClickException("the product could not start: the reason is above")


class _Server(uvicorn.Server):
    """Says where it is once it answers, and tells open streams to end before waiting for them."""

    def __init__(self, config: uvicorn.Config, product: Product) -> None:
        super().__init__(config)
        self._product = product
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """From here on it answers, and Ctrl+C ends it in order."""
        await super().startup(sockets)
        if self.started:
            _say_where(self._product)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal asks for the end."""
        self._loop.call_soon_threadsafe(self._product.database.wakeups.publish, [SHUTDOWN_TOPIC])
        super().handle_exit(sig, frame)
        if sig == signal.SIGINT:
            click.echo("")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything else is done: a port in use is told at once and in plain words."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        raise click.ClickException(
            f"ポート {port} で待ち受けできません（{error.strerror}）。ほかのプログラムが使っていないか確認するか、"
            f"--port で別の番号を指定してください。 (cannot listen on {host}:{port})"
        ) from error
    return listening


def _completed(settings: Settings, *, demo: bool, host: str, port: int) -> Settings:
    """What demo needs and nobody has to set; outside demo a secret key is required."""
    changes: dict[str, object] = {}
    if "public_url" not in settings.model_fields_set and _is_loopback(host):
        changes["public_url"] = f"http://{host}:{port}"
    if demo and "database_url" not in settings.model_fields_set:
        changes["database_url"] = DEFAULT_DATABASE_URL.replace("madoguchi", f"demo-{Path(settings.profile).stem}")
    if not demo and not settings.secret_key.get_secret_value():
        raise click.ClickException(
            "MADOGUCHI_SECRET_KEY is missing: set a long random text, for example the output of `openssl rand -hex 32`"
        )
    return settings.model_copy(update=changes)


def _say_where(product: Product) -> None:
    url = product.bot.public_url
    click.echo(f"{product.bot.operator_name('ja')} 窓口 (Madoguchi)")
    if product.serves:
        click.echo(f"  start page  {url}/")
        click.echo(f"  chat        {url}/chat")
        click.echo(f"  desk        {url}/desk")
    if product.mode.demo:
        click.echo(f"  mailbox     {url}/demo/mail")
        click.echo("  demo member   M-000001  taro.yamada@example.jp")
        click.echo(f"  demo operator {DEMO_LOGIN}  {DEMO_PASSWORD}")
    for off in product.switched_off():
        click.echo(f"  off: {off}")
    click.echo("  stop with Ctrl+C", nl=True)
