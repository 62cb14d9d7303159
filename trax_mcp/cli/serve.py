"""The MCP server as a command: on stdio or HTTP, on TRaX or on the embedded sandbox."""

import gc
import socket
import sys
from collections.abc import Collection, Iterable
from contextlib import aclosing

import anyio

from trax_mcp.api.caller import NOBODY, Caller
from trax_mcp.api.client import Client
from trax_mcp.guard.rules import GUARDABLE, Mode, Rules
from trax_mcp.server.app import House, build_server
from trax_mcp.server.listening import listen, serve_http, url_of
from trax_mcp.server.logs import set_up_logging
from trax_mcp.server.offer import TAGS, TOOLS, Offer
from trax_mcp.server.transports import PATH, http_app, serve_stdio
from trax_mcp.settings import CannotStart, Settings

_SANDBOX_ADDRESS = "http://sandbox.localhost"


def stdio(settings: Settings) -> int:
    """Serve the MCP client that started this process.

    Raises:
        CannotStart: the key cannot be read or cannot be a key.
    """
    set_up_logging(settings.log_level)
    own = _sandbox_caller() if settings.sandbox else _operator(settings)
    anyio.run(_serve_stdio, settings, own)
    return 0


def http(settings: Settings, *, host: str, port: int) -> int:
    """Serve any MCP client over HTTP, each with the key that it sends.

    The operator's key is never lent to a caller; only the sandbox's key is, for it opens nothing.

    Raises:
        CannotStart: the address cannot be listened on.
    """
    set_up_logging(settings.log_level)
    with listen(host, port) as listener:
        own = _sandbox_caller() if settings.sandbox else NOBODY
        anyio.run(_serve_http, settings, own, listener)
    return 0


async def _serve_stdio(settings: Settings, own: Caller) -> None:
    house = _house(settings)
    async with aclosing(_client(settings)) as client:
        server = build_server(client, own=own, house=house)
        _collect_garbage_again()
        await serve_stdio(server, stop=house.stop)


async def _serve_http(settings: Settings, own: Caller, listener: socket.socket) -> None:
    house = _house(settings)
    async with aclosing(_client(settings)) as client:
        server = build_server(client, own=own, house=house)
        app = http_app(server, settings, in_flight=house.in_flight)
        print(f"trax-mcp is listening on {url_of(listener)}{PATH}", file=sys.stderr, flush=True)  # noqa: T201  for a person, on stderr
        _collect_garbage_again()
        await serve_http(app, listener, stop=house.stop)


def _collect_garbage_again() -> None:
    """What the start has made nearly all stays: it was not looked at then, nor is it later."""
    gc.freeze()
    gc.enable()


def _house(settings: Settings) -> House:
    """What the operator chose.

    Raises:
        CannotStart: a setting names a tool that does not exist.
    """
    _check_names("TRAX_GUARD_ALSO", settings.guard_also, GUARDABLE)
    _check_names("TRAX_TOOLS", settings.tools, TOOLS | TAGS)
    return House(
        rules=Rules(Mode(settings.confirm), frozenset(settings.guard_also)),
        offer=Offer(settings.read_only, frozenset(settings.tools)),
        audit_log=settings.audit_log,
    )


def _check_names(setting: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            told = ", ".join(sorted(allowed))
            raise CannotStart(f"{setting} must hold names of these, comma separated: {told}.")


def _operator(settings: Settings) -> Caller:
    try:
        return Caller(settings.key())
    except ValueError as error:
        name = "TRAX_API_KEY" if settings.api_key_file is None else "TRAX_API_KEY_FILE"
        raise CannotStart(f"{name}: {error}") from None


def _sandbox_caller() -> Caller:
    from trax_mcp.sandbox import SANDBOX_KEY  # noqa: PLC0415  only where there is a sandbox

    return Caller(SANDBOX_KEY)


def _client(settings: Settings) -> Client:
    if not settings.sandbox:
        return Client(base_url=settings.base_url, timeout_seconds=settings.timeout_seconds)
    from trax_mcp.sandbox import Sandbox, SandboxTransport  # noqa: PLC0415  as above

    return Client(
        base_url=_SANDBOX_ADDRESS,
        timeout_seconds=settings.timeout_seconds,
        transport=SandboxTransport(Sandbox(base_url=_SANDBOX_ADDRESS)),
    )
