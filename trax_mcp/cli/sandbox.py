"""`trax-mcp sandbox`: serves the sandbox over HTTP, for any HTTP client."""

import sys
from collections.abc import Sequence

import anyio

from trax_mcp.cli.terminal import print_note
from trax_mcp.http.run import listen, serve_http, url_of
from trax_mcp.observe.logs import logging_to_stderr
from trax_mcp.sandbox import DEVIATIONS, SANDBOX_KEY, Sandbox, deviate

_HOST = "127.0.0.1"


_LIST = "list"


def run(*, port: int, empty: bool, deviations: Sequence[str]) -> int:
    """Serve the sandbox's /v1 on loopback until a signal; port 0 is any free port.

    `--deviate list` prints the deviations instead.

    Raises:
        CannotStart: the port is not available.
    """
    if _LIST in deviations:
        print(_deviations())  # noqa: T201  what was asked for
        return 0
    if unknown := [name for name in deviations if name not in DEVIATIONS]:
        print_note(f"trax-mcp: there is no deviation {unknown[0]!r}, but these:")
        print(_deviations(), file=sys.stderr)  # noqa: T201  as above
        return 2
    with logging_to_stderr("INFO"), listen(_HOST, port) as listener:
        url = url_of(listener)
        print(  # noqa: T201  for a person, on stderr
            f"The TRaX sandbox is listening on {url}/v1\n"
            f"Try: curl -H 'X-API-Key: {SANDBOX_KEY}' {url}/v1/studios",
            *(f"It deviates: {DEVIATIONS[name].sentence}" for name in deviations),
            sep="\n",
            file=sys.stderr,
            flush=True,
        )
        sandbox = Sandbox(base_url=url, empty=empty)
        deviate(sandbox, deviations)
        anyio.run(serve_http, sandbox.app, listener)
    return 0


def _deviations() -> str:
    width = max(map(len, DEVIATIONS))
    return "\n".join(f"  {name:{width}}  {it.sentence}" for name, it in DEVIATIONS.items())
