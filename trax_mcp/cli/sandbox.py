"""The sandbox as a command: a small TRaX over HTTP, for any HTTP client."""

import sys

import anyio

from trax_mcp.sandbox import SANDBOX_KEY, Sandbox
from trax_mcp.server.logs import set_up_logging
from trax_mcp.server.transports import listen, serve_http

_HOST = "127.0.0.1"


def serve(*, port: int, empty: bool) -> int:
    """Serve the sandbox's /v1 on loopback until a signal comes; `port` 0 is any free one.

    Raises:
        SettingsError: the port cannot be listened on.
    """
    set_up_logging("INFO")
    listener = listen(_HOST, port)
    address = f"http://{_HOST}:{listener.getsockname()[1]}"
    print(  # noqa: T201  for a person, on stderr
        f"The TRaX sandbox is listening on {address}/v1\n"
        f"Try: curl -H 'X-API-Key: {SANDBOX_KEY}' {address}/v1/studios",
        file=sys.stderr,
        flush=True,
    )
    anyio.run(serve_http, Sandbox(base_url=address, empty=empty).app, listener)
    return 0
