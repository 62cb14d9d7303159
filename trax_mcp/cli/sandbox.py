"""`trax-mcp sandbox`: serves the sandbox over HTTP, for any HTTP client."""

import sys
from argparse import Namespace

import anyio

from trax_mcp.sandbox import SANDBOX_KEY, Sandbox
from trax_mcp.server.http_server import listen, serve_http, url_of
from trax_mcp.server.logs import logging_to_stderr

_HOST = "127.0.0.1"


def run(options: Namespace) -> int:
    """Serve the sandbox's /v1 on loopback until a signal; port 0 is any free port.

    Raises:
        CannotStart: the port is not available.
    """
    with logging_to_stderr("INFO"), listen(_HOST, options.port) as listener:
        url = url_of(listener)
        print(  # noqa: T201  for a person, on stderr
            f"The TRaX sandbox is listening on {url}/v1\n"
            f"Try: curl -H 'X-API-Key: {SANDBOX_KEY}' {url}/v1/studios",
            file=sys.stderr,
            flush=True,
        )
        anyio.run(serve_http, Sandbox(base_url=url, empty=options.empty).app, listener)
    return 0
