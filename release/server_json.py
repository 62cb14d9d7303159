"""Makes `server.json`, with which the MCP Registry lists the bundle.

Source: its schema of 2025-12-11, its "Package Types" and its "Official Registry Requirements".
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from release.declared import PROJECT
from tests import ROOT
from tests.support.product.server import VERSION

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
_REPOSITORY: Final = re.compile(r"https://github\.com/([\w-]+)/[\w.-]+")
"""The registry gives names to owners there, and takes bundles from releases there."""


def repository() -> str | None:
    """The address that `pyproject.toml` names, if the publisher has filled it in."""
    address: str | None = PROJECT.get("urls", {}).get("Repository")
    return address


def server_json(address: str, bundle_name: str, digest: str) -> dict[str, Any]:
    """The entry for a bundle that is in the release of this version at that address.

    Raises:
        ValueError: it is the address of something else.
    """
    found = _REPOSITORY.fullmatch(address)
    if found is None:
        message = (
            "urls.Repository must be https://github.com/OWNER/NAME, without a slash at its end"
        )
        raise ValueError(message)
    manifest = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
    return {
        "$schema": SCHEMA,
        "name": f"io.github.{found[1]}/{PROJECT['name']}",
        "title": manifest["display_name"],
        "description": manifest["description"],
        "version": VERSION,
        "repository": {"url": address, "source": "github"},
        "packages": [
            {
                "registryType": "mcpb",
                "identifier": f"{address}/releases/download/v{VERSION}/{bundle_name}",
                "fileSha256": digest,
                "transport": {"type": "stdio"},
            }
        ],
    }
