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
from tests.support.markdown_pages import CONTRIBUTING, USER_PAGES
from tests.support.product.commands import Outcome, run_command
from tests.support.product.reference import CLIENTS, check_front_matter, tool_names
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, environment, running

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = "/path/to/trax-mcp"


def documents() -> list[dict[str, Any]]:
    """The content of every JSON and TOML block."""
    found = [json.loads(block) for page in USER_PAGES for block in page.blocks("json")]
    return found + [tomllib.loads(block) for page in USER_PAGES for block in page.blocks("toml")]


def entries() -> list[dict[str, Any]]:
    """The `trax` entries of the client configurations, each once."""
    keys = {it.servers for it in CLIENTS.values()}
    found = [it[key]["trax"] for it in documents() for key in keys if "trax" in it.get(key, ())]
    return list({json.dumps(it): it for it in found}.values())


def of_opencode() -> dict[str, Any]:
    """Its entry, with the command as others have it."""
    (entry,) = (dict(it["mcp"]["trax"]) for it in documents() if "mcp" in it)
    assert entry.pop("type") == "local"
    program, *arguments = entry["command"]
    return entry | {"command": program, "args": arguments}


STARTED: Final = [*(it for it in entries() if "command" in it), of_opencode()]


def test_every_block_is_an_object() -> None:
    """It can be copied into a configuration."""
    assert documents()
    assert all(isinstance(it, dict) for it in documents())


@pytest.mark.parametrize("entry", STARTED, ids=str)
def test_every_configuration_starts_a_server(entry: dict[str, Any]) -> None:
    """With this installation's path."""
    assert entry["command"] == PROGRAM
    settings: dict[str, str] = entry.get("env", {})
    assert run_command(*entry.get("args", []), settings=settings) == Outcome(0, "", "")


def test_a_second_account_has_a_key_of_its_own(tmp_path: Path) -> None:
    """In a file that its entry names."""
    (entry,) = (
        it for page in documents() for it in page.get("mcpServers", {}).values() if it.get("env")
    )
    (name,) = entry["env"]
    key = tmp_path / "second-key"
    key.write_text(SANDBOX_KEY, encoding="utf-8")
    key.chmod(0o600)
    assert run_command(settings={name: str(key)}) == Outcome(0, "", "")
    assert run_command(settings={name: str(key) + "x"}).code != 0


async def check_server(client: Client, *, on_the_sandbox: bool) -> None:
    """List the tools and call one; the result shows the key and which TRaX is used."""
    assert [it.name for it in (await client.list_tools()).tools] == tool_names()
    answer = await client.call_tool("list_studios", {})
    expected = "Friday Night Show" if on_the_sandbox else "TRaX couldn't be reached"
    assert expected in str(answer.content)


async def test_a_configuration_starts_a_server_that_answers() -> None:
    (entry, *_) = (it for it in STARTED if not it["args"])
    # No server listens on this port, so no request leaves this machine.
    unreachable = {"TRAX_BASE_URL": "http://127.0.0.1:1"}
    env = environment(unreachable | {"TRAX_API_KEY": SANDBOX_KEY})
    start = StdioServerParameters(command=COMMAND, args=entry.get("args", []), env=env)
    async with Client(start) as client:
        await check_server(client, on_the_sandbox=False)


async def test_a_configuration_with_an_address_reaches_a_server() -> None:
    """With the key in its header."""
    (entry,) = (it for it in entries() if "url" in it)
    assert entry["headers"] == {"X-API-Key": "sk_live_..."}
    async with running("http", "--sandbox", "--port", "0") as server:
        url = entry["url"].replace("http://127.0.0.1:8765", await server.address())
        http = httpx2.AsyncClient(
            headers={"X-API-Key": SANDBOX_KEY}, trust_env=False, timeout=PATIENCE_SECONDS
        )
        async with http, Client(streamable_http_client(url, http_client=http)) as client:
            await check_server(client, on_the_sandbox=True)


def test_the_front_matter_in_contributing_is_valid() -> None:
    """The example for adding a prompt."""
    (block,) = CONTRIBUTING.blocks("toml")
    check_front_matter(tomllib.loads(block))
