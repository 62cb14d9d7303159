"""A server made by `FastMCP.from_openapi`, with the defaults of its documentation.

Run by the peer's own Python. Arguments: contract, upstream, and a port for HTTP.
"""

import json
import os
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP  # type: ignore[import-not-found]  # only in the peer's environment


def main(contract: str, upstream: str, port: str | None = None) -> None:
    """Serve over stdio, or over HTTP if there is a port."""
    server = FastMCP.from_openapi(
        openapi_spec=json.loads(Path(contract).read_text(encoding="utf-8")),
        client=httpx2.AsyncClient(
            base_url=upstream, headers={"Authorization": f"Bearer {os.environ['API_KEY']}"}
        ),
        name="race",
    )
    if port is None:
        server.run()
    else:
        server.run(transport="http", host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
