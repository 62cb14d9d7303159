"""A server made by `FastMCP.from_openapi`, with the defaults of its documentation.

Run by the peer's own Python: contract, upstream, and a port for HTTP. It knows nothing of ours.
"""

import json
import os
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP  # type: ignore[import-not-found]  # only the peer has it


def main(contract: str, upstream: str, port: str | None = None) -> None:
    """Serve on stdio, or over HTTP where a port is named."""
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
