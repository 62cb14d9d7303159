"""The product's own command with the suite's fixtures.

Run as `python -m proof.conformance.overlaid_server`. Only the function that builds the server is
replaced.
"""

import sys
import warnings
from unittest.mock import patch

from mcp.server import Server
from mcp.shared.exceptions import MCPDeprecationWarning

from proof.conformance.overlay import overlay
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.cli import main, serve
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.lifespan import Lifespan


def _build(client: Client, *, own: Caller, deps: ServerDeps) -> Server[Lifespan]:
    server = build_server(client, own=own, deps=deps)
    overlay(server)
    return server


if __name__ == "__main__":
    # The suite still tests deprecated parts of the protocol.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    with patch.object(serve, "build_server", _build):
        main(sys.argv[1:])
