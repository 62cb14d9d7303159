"""What a publisher gets: an entry for the MCP Registry, and pages that name this version's files.

The registry's own schema and rules are checked by its program, `mcp-publisher`, over the network.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from release.server_json import server_json
from tests import ROOT
from tests.support.markdown_pages import docs
from tests.support.product.server import VERSION

BUNDLE: Final = f"trax-mcp-{VERSION}.mcpb"
DIGEST: Final = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_registry_is_told_where_the_bundle_is_and_its_checksum() -> None:
    """All of it follows from one address."""
    assert server_json("https://github.com/ann-b/trax-mcp", BUNDLE, DIGEST) == {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": "io.github.ann-b/trax-mcp",
        "title": "TRaX",
        "description": "Run your TRaX live streams by conversation.",
        "version": VERSION,
        "repository": {"url": "https://github.com/ann-b/trax-mcp", "source": "github"},
        "packages": [
            {
                "registryType": "mcpb",
                "identifier": (
                    f"https://github.com/ann-b/trax-mcp/releases/download/v{VERSION}/{BUNDLE}"
                ),
                "fileSha256": DIGEST,
                "transport": {"type": "stdio"},
            }
        ],
    }


def test_the_entry_is_within_the_limits_of_the_registry() -> None:
    """Its schema's, and that the address of a bundle has `mcp` in it."""
    it = server_json("https://github.com/ann/show", BUNDLE, DIGEST)
    (package,) = it["packages"]
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", it["name"])
    assert 1 <= len(it["description"]) <= 100
    assert re.fullmatch(r"\d+\.\d+\.\d+", it["version"])
    assert re.fullmatch(r"[a-f0-9]{64}", package["fileSha256"])
    assert "mcp" in package["identifier"]


@pytest.mark.parametrize(
    "address",
    ["", "https://example.com/trax-mcp", "https://github.com/ann", "https://github.com/ann/trax/"],
)
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"urls\.Repository must be"):
        server_json(address, BUNDLE, DIGEST)


def test_the_pages_name_the_line_to_fill_in_and_this_version() -> None:
    """The line is there, still without an address or with one."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert len([it for it in lines if "urls.Repository =" in it]) == 1
    assert "urls.Repository" in docs("publishing").text
    for page in ("publishing", "claude-desktop"):
        named = set(re.findall(r"\d+\.\d+\.\d+(?=\.mcpb|-py3|\.cdx)", docs(page).text))
        assert named == {VERSION}
