"""Serves MCP on stdin and stdout or over Streamable HTTP, with TRaX or the embedded sandbox.

What only HTTP needs is imported only there.
"""

import gc
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import anyio

from trax_mcp.deployment import open_deployment
from trax_mcp.instruments import SESSIONS
from trax_mcp.key_file import NONE
from trax_mcp.observe.export import Export, export_measurements
from trax_mcp.observe.logs import announce, logging_to_stderr
from trax_mcp.observe.messages import observed_server
from trax_mcp.open_files import raise_max_open_files
from trax_mcp.private_files import passkey_path, shorten, sign_in_path, sign_in_secret_path
from trax_mcp.process_end import exit_process
from trax_mcp.server.app import Service
from trax_mcp.server.stdio import serve_stdio
from trax_mcp.settings import Settings, is_loopback, read_settings

if TYPE_CHECKING:
    import socket


def run_stdio(environment: Mapping[str, str]) -> int:
    """Serve the MCP client that started this process.

    Raises:
        CannotStart: a setting is wrong, or something that it asks for cannot be opened.
    """
    settings = read_settings(environment)
    raise_max_open_files()
    with logging_to_stderr(settings.log_level, settings.log_format):
        export = export_measurements(settings, environment, over_http=False)
        anyio.run(_serve_stdio, settings, export)
    return 0


async def _serve_stdio(settings: Settings, export: Export) -> None:
    async with open_deployment(settings, over_http=False) as deployment:
        service, clock = Service(deployment), deployment.clock
        began = clock.seconds()

        async def shut_down() -> None:
            await service.shut_down()
            SESSIONS.record(clock.seconds() - began, {"network.transport": "pipe"})
            await export.flush()

        server = observed_server(service, deployment.caller)
        _collect_garbage_again()
        await serve_stdio(server, shut_down=shut_down)
        await shut_down()  # a press on the page goes on where the client has hung up
    exit_process()


def run_http(environment: Mapping[str, str], *, host: str, port: int) -> int:
    """Serve any MCP client over HTTP, each with the key that it sends.

    Raises:
        CannotStart: as above, or the address is not available.
    """
    from trax_mcp.http.run import listen  # noqa: PLC0415  HTTP alone needs it

    settings = read_settings(environment)
    raise_max_open_files()
    with (
        logging_to_stderr(settings.log_level, settings.log_format),
        listen(host, port) as listener,
    ):
        for warning in _http_warnings(settings, host=host):
            announce(f"trax-mcp: {warning}")
        export = export_measurements(settings, environment, over_http=True)
        anyio.run(_serve_http, settings, listener, export)
    return 0


async def _serve_http(settings: Settings, listener: "socket.socket", export: Export) -> None:
    from trax_mcp.http.app import http_app  # noqa: PLC0415  as above
    from trax_mcp.http.authentication import PATH  # noqa: PLC0415  as above
    from trax_mcp.http.run import Serving, serve_http, url_of  # noqa: PLC0415  as above

    def tell_addresses() -> None:
        if settings.sign_in:
            public = f"{settings.public_url}{PATH}"
            announce(f"trax-mcp: For claude.ai and others its address is {public}")
        announce(f"trax-mcp is listening on {url_of(listener)}{PATH}")
        if sys.stderr.isatty():
            announce(f"Try it: curl {url_of(listener)}/healthz")
            announce("Ctrl-C stops it.")
        if export.metrics_url is not None:
            announce(f"trax-mcp: Prometheus finds its metrics at {export.metrics_url}")

    had_sign_ins = settings.sign_in and sign_in_path(settings).exists()
    had_secret = sign_in_secret_path(settings).exists()
    async with open_deployment(settings, over_http=True) as deployment:
        if deployment.passkey is not None:
            announce(f"trax-mcp: {_passkey_warning(settings)}")
        if had_sign_ins and not had_secret:
            announce("trax-mcp: TRAX_SIGN_IN_SECRET_FILE was gone. All sign in again.")
        service = Service(deployment)
        serving = Serving(
            service.shut_down,
            service.in_flight.calls_run,
            settings.drain_seconds,
            deployment.engine_answers,
        )
        app = http_app(service, serving)
        _collect_garbage_again()
        was_stopped = await serve_http(
            app,
            listener,
            serving=serving,
            on_start=tell_addresses,
            trusted_proxies=settings.trusted_proxies if settings.sign_in else None,
        )
        await export.flush()
    if not was_stopped:
        announce(
            "trax-mcp: Serving has ended, and no signal had come. This should not happen: start it"
            " again, and report what the log says above."
        )
    exit_process(0 if was_stopped else 1)


def _collect_garbage_again() -> None:
    """Enable the garbage collector, and exclude the objects that exist now."""
    gc.freeze()
    gc.enable()


def _http_warnings(settings: Settings, *, host: str) -> Iterable[str]:
    """Warnings about settings that `trax-mcp http` does not use, and about risks of the address."""
    sign_in, no_key = settings.sign_in, "over HTTP each caller sends their own key as X-API-Key"
    only_sign_in = "only TRAX_SIGN_IN needs it"
    for field, is_unused, why in (
        ("api_key", True, no_key),
        ("api_key_file", settings.api_key_file != NONE, no_key),
        ("media_dirs", True, "over HTTP no caller reads files of this computer"),
        ("public_url", not sign_in, only_sign_in),
        ("sign_in_file", not sign_in, only_sign_in),
        ("sign_in_secret_file", not sign_in, only_sign_in),
        ("sign_in_registration", not sign_in, only_sign_in),
        ("client_document_hosts", not sign_in, only_sign_in),
        ("trusted_proxies", not sign_in, only_sign_in),
        ("metrics_host", settings.metrics_port is None, "only TRAX_METRICS_PORT needs it"),
    ):
        if is_unused and field in settings.model_fields_set:
            yield f"TRAX_{field.upper()} is not used: {why}."
    if sign_in and str(settings.public_url).startswith("https:") and not settings.trusted_proxies:
        yield (
            "All people count as one for the limits of signing in, until TRAX_TRUSTED_PROXIES names"
            " the proxy in front."
        )
    if is_loopback(host) or settings.sandbox:
        return
    yield f"Other computers can reach {host}, and keys travel unencrypted."
    yield "Put an HTTPS proxy in front: docs/http.md has two."
    if not (settings.mcp_token or settings.mcp_token_file or sign_in):
        yield "Anyone who can reach this port can try keys. TRAX_MCP_TOKEN stops that."
    if not settings.allowed_hosts and not sign_in:
        yield 'Only "localhost" works as its name until you set TRAX_ALLOWED_HOSTS.'


def _passkey_warning(settings: Settings) -> str:
    """What a passkey means over HTTP, where no page asks for it."""
    return (
        f"A passkey is enrolled ({shorten(passkey_path(settings))}), so over HTTP every act that"
        " needs approval is refused, except going offline. Move that file away, or set HOME to"
        " another folder, to ask callers in their clients."
    )
