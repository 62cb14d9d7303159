"""The product's own command with the suite's fixtures beside its tools: `python -m` this module.

Everything of the product is in the path, from the command line to the sandbox. One function is
replaced: the one that makes the server is followed by the overlay.
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


def _build(client: Client, *, own: Caller, house: ServerDeps) -> Server[Lifespan]:
    server = build_server(client, own=own, house=house)
    overlay(server)
    return server


if __name__ == "__main__":
    # The suite still asks for what the protocol is about to leave behind.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    with patch.object(serve, "build_server", _build):
        main(sys.argv[1:])
