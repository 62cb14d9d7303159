"""Serves MCP over Streamable HTTP, with TRaX or the embedded sandbox."""

import socket
from collections.abc import Mapping
from contextlib import (
    AbstractAsyncContextManager,
    aclosing,
    asynccontextmanager,
    closing,
    nullcontext,
)
from operator import attrgetter
from typing import TYPE_CHECKING

import anyio

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.cli.access import access_of, client_for
from trax_mcp.cli.service import build_service, collect_garbage_again
from trax_mcp.cli.startup import (
    enrolled_passkey,
    http_warnings,
    passkey_warning,
)
from trax_mcp.clock import Clock
from trax_mcp.http.app import http_app
from trax_mcp.http.door import PATH
from trax_mcp.http.run import Serving, listen, serve_http, url_of
from trax_mcp.http.server_tokens import ServerTokens
from trax_mcp.instruments import ENGINE_UP
from trax_mcp.observe.export import Export, export_measurements
from trax_mcp.observe.logs import logging_to_stderr, tell
from trax_mcp.open_files import raise_max_open_files
from trax_mcp.private_files import (
    sign_in_path,
    sign_in_secret,
    sign_in_secret_path,
    store_secret,
    store_url,
)
from trax_mcp.process_end import exit_process
from trax_mcp.settings import CannotStart, Settings, how_to_add, read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trax_mcp.replicas import Replicas
    from trax_mcp.sign_in.sign_ins import SignIns


def run(environment: Mapping[str, str], *, host: str, port: int) -> int:
    """Serve any MCP client over HTTP, each with the key that it sends.

    The operator's key is never used for a caller. The sandbox's key is: it opens nothing.

    Raises:
        CannotStart: the address is not available.
    """
    settings = read_settings(environment)
    raise_max_open_files()
    with (
        logging_to_stderr(settings.log_level, settings.log_format),
        listen(host, port) as listener,
    ):
        for warning in http_warnings(settings, host=host):
            tell(f"trax-mcp: {warning}")
        default_caller = access_of(settings).caller if settings.sandbox else ANONYMOUS
        export = export_measurements(settings, environment, over_http=True)
        anyio.run(_serve_http, settings, default_caller, listener, export)
    return 0


async def _serve_http(
    settings: Settings, default_caller: Caller, listener: socket.socket, export: Export
) -> None:
    passkey, server_tokens = enrolled_passkey(settings), ServerTokens(settings)
    if passkey is not None:
        tell(f"trax-mcp: {passkey_warning(settings)}")
    async with (
        aclosing(client_for(settings)) as client,
        _open_replicas(settings) as replicas,
        _open_sign_in(settings) as sign_ins,
    ):
        if replicas is not None:
            ENGINE_UP.watch(replicas.engine, attrgetter("answers"))
        service = build_service(
            settings,
            client,
            passkey,
            records=replicas.records if replicas else None,
            shared_keys=replicas.keys if replicas else None,
        )
        serving = Serving(
            service.shut_down,
            service.in_flight.calls_run,
            settings.drain_seconds,
            replicas.engine_answers if replicas else None,
        )
        app = http_app(
            service,
            settings,
            serving=serving,
            server_tokens=server_tokens,
            default_caller=default_caller,
            sign_ins=sign_ins,
        )

        def tell_addresses() -> None:
            if settings.sign_in:
                public = f"{settings.public_url}{PATH}"
                tell(f"trax-mcp: For claude.ai and others its address is {public}")
            tell(f"trax-mcp is listening on {url_of(listener)}{PATH}")
            if export.metrics_url is not None:
                tell(f"trax-mcp: Prometheus finds its metrics at {export.metrics_url}")

        collect_garbage_again()
        was_stopped = await serve_http(
            app,
            listener,
            serving=serving,
            on_start=tell_addresses,
            trusted_proxies=settings.trusted_proxies if settings.sign_in else None,
        )
        await export.flush()
    if not was_stopped:
        tell(
            "trax-mcp: Serving has ended, and no signal had come. This should not happen: start it"
            " again, and report what the log says above."
        )
    exit_process(0 if was_stopped else 1)


def _open_replicas(settings: Settings) -> "AbstractAsyncContextManager[Replicas | None]":
    """The store that replicas share, if there is one.

    Raises:
        CannotStart: its address cannot be read, the extra for it is not installed, or the engine
            cannot be relied on.
    """
    url = store_url(settings)
    if url is None:
        return nullcontext()
    try:
        from trax_mcp.replicas import open_replicas  # noqa: PLC0415  a part of its own
    except ModuleNotFoundError:
        raise CannotStart(f"TRAX_STORE_URL needs an extra. {how_to_add('replicas')}") from None
    return open_replicas(url, store_secret(settings))


@asynccontextmanager
async def _open_sign_in(settings: Settings) -> "AsyncIterator[SignIns | None]":
    """The sign-ins, if people can sign in. Their files are made if need be.

    Raises:
        CannotStart: a file of it cannot be relied on.
    """
    if not settings.sign_in:
        yield None
        return
    from trax_mcp.sign_in.sign_ins import SignIns  # noqa: PLC0415  a part of its own

    is_secret_gone = sign_in_path(settings).exists() and not sign_in_secret_path(settings).exists()
    secret = sign_in_secret(sign_in_secret_path(settings))
    audience = str(settings.public_url)
    with closing(SignIns(sign_in_path(settings), secret, Clock(), audience=audience)) as sign_ins:
        if is_secret_gone:
            tell("trax-mcp: TRAX_SIGN_IN_SECRET_FILE was gone. It is made anew: all sign in again.")
        yield sign_ins
