"""Serves MCP on stdin and stdout, with TRaX or the embedded sandbox. Imports nothing of HTTP."""

import logging
import sys
from collections.abc import Mapping
from contextlib import aclosing

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.cli.access import access_of, client_for
from trax_mcp.cli.service import build_service, collect_garbage_again
from trax_mcp.cli.startup import enrolled_passkey
from trax_mcp.clock import Clock
from trax_mcp.instruments import SESSIONS
from trax_mcp.observe.export import Export, export_measurements
from trax_mcp.observe.logs import logging_to_stderr
from trax_mcp.observe.messages import observed_server
from trax_mcp.open_files import raise_max_open_files
from trax_mcp.process_end import exit_process
from trax_mcp.server.stdio import serve_stdio
from trax_mcp.settings import Settings, read_settings
from trax_mcp.web.approval_page import open_page

_WAITING = "This MCP server waits for a client on stdin. Ctrl-C ends it, --help says more."
_log = logging.getLogger(__name__)


def run(environment: Mapping[str, str]) -> int:
    """Serve the MCP client that started this process.

    Raises:
        CannotStart: the key cannot be read, is malformed, or is for another deployment.
    """
    settings = read_settings(environment)
    access = access_of(settings)
    raise_max_open_files()
    if sys.stdin.isatty():
        print(_WAITING, file=sys.stderr, flush=True)  # noqa: T201  for a person, on stderr
    with logging_to_stderr(settings.log_level, settings.log_format):
        if access.file is not None and settings.api_key_file is None:
            _log.info("The TRaX key is read from %s.", access.file)
        export = export_measurements(access.settings, environment, over_http=False)
        anyio.run(_serve_stdio, access.settings, access.caller, export)
    return 0


async def _serve_stdio(settings: Settings, caller: Caller, export: Export) -> None:
    passkey, clock = enrolled_passkey(settings), Clock(is_local=True)
    async with (
        aclosing(client_for(settings)) as client,
        open_page(clock, passkey, practice=settings.sandbox) as page,
    ):
        service = build_service(
            settings,
            client,
            passkey,
            media_dirs=settings.media_dirs,
            clock=clock,
            page=page,
        )

        began = clock.seconds()

        async def shut_down() -> None:
            await service.shut_down()
            SESSIONS.record(clock.seconds() - began, {"network.transport": "pipe"})
            await export.flush()

        server = observed_server(service, caller)
        collect_garbage_again()
        await serve_stdio(server, shut_down=shut_down)
        await shut_down()  # a press on the page goes on where the client has hung up
    exit_process()
