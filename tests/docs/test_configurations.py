"""Every piece of JSON and TOML on a page is valid; with each configuration a server starts."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.support.home_folder import COMMAND
from tests.support.listed_tools import check_server
from tests.support.markdown_pages import CONTRIBUTING, USER_PAGES
from tests.support.server_process import environment, running
from trax_mcp.cli.install.clients import CLIENTS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.prompts import FrontMatter
from trax_mcp.server.tool_filter import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PROGRAM: Final = "/path/to/trax-mcp"
KEY_FILE: Final = "/path/to/key"


def documents() -> list[dict[str, Any]]:
    """The content of every JSON and TOML block."""
    found = [json.loads(block) for page in USER_PAGES for block in page.blocks("json")]
    return found + [tomllib.loads(block) for page in USER_PAGES for block in page.blocks("toml")]


def configurations() -> list[dict[str, Any]]:
    """The `trax` entries of the client configurations, each once."""
    keys = {it.servers for it in CLIENTS.values()}
    entries = [it[key]["trax"] for it in documents() for key in keys if key in it]
    return list({json.dumps(it): it for it in entries}.values())


def test_every_block_is_an_object() -> None:
    """It can be copied into a configuration."""
    assert documents()
    assert all(isinstance(it, dict) for it in documents())


@pytest.mark.parametrize("entry", configurations(), ids=str)
async def test_every_configuration_starts_a_server_that_answers(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    """With this installation's path and a key in a file."""
    if "url" in entry:
        async with running("http", "--sandbox", "--port", "0") as server:
            url = entry["url"].replace("http://127.0.0.1:8765", await server.address())
            assert entry["headers"] == {"X-API-Key": "sk_live_..."}
            http = httpx2.AsyncClient(headers={"X-API-Key": SANDBOX_KEY}, trust_env=False)
            async with http, Client(streamable_http_client(url, http_client=http)) as client:
                await check_server(client, on_the_sandbox=True)
        return
    (tmp_path / "key").write_text(SANDBOX_KEY)
    assert entry["command"] == PROGRAM
    settings: dict[str, str] = entry.get("env", {})
    env = {name: it.replace(KEY_FILE, str(tmp_path / "key")) for name, it in settings.items()}
    # No server listens on this port, so no request leaves this machine.
    unreachable = {"TRAX_BASE_URL": "http://127.0.0.1:1"}
    start = StdioServerParameters(
        command=COMMAND, args=entry.get("args", []), env=environment(unreachable | env)
    )
    async with Client(start) as client:
        await check_server(client, on_the_sandbox="--sandbox" in entry.get("args", []))


def test_the_front_matter_in_contributing_is_valid() -> None:
    """The example for adding a prompt."""
    (block,) = CONTRIBUTING.blocks("toml")
    front = FrontMatter.model_validate(tomllib.loads(block))
    assert set(front.tools) <= TOOLS
