"""Plays a hosted server for a person: `make hosted`. Everything is real but TRaX.

Where a browser can be opened, the person signs in and says yes there. `--print` prints the
addresses instead. Where there is none, the page is filled in for them, and the yes is to a preview.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from proof.hosted.panel_page import panel_page
from tests.support.guarded_calls import STUDIO
from tests.support.hosted_process import HostedServer, hosted_server
from tests.support.oauth_steps import OAuthSteps, sent_back_to
from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.support.served_app import plain_http
from tests.support.server_process import running
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.web.browser import has_browser, open_browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mcp_types as types
    from mcp import Client

    from tests.support.sdk_oauth_client import Callback

_PATIENCE_SECONDS: Final = 300
_APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
_CONSOLE: Final = Console(highlight=False)


@dataclass(frozen=True)
class Person:
    """The person, and where their browser is. `bridge` draws panels, if it was built."""

    has_browser: bool
    prints: bool
    bridge: str | None

    @property
    def is_there(self) -> bool:
        """Whether somebody can be asked."""
        return self.has_browser or self.prints

    @property
    def extensions(self) -> tuple[Any, ...]:
        """What their client can draw."""
        return _APPS if self.is_there and self.bridge else ()

    async def open(self, address: str) -> None:
        """Open an address, or print it."""
        print(f"    {address}", flush=True)  # on one line, so that it can be followed
        if not self.prints:
            open_browser(address)


def step(text: str) -> None:
    """Say what is done now."""
    _CONSOLE.print(f"\n[bold]{text}[/bold]")


def show(text: str) -> None:
    """Show what comes of it."""
    _CONSOLE.print(Padding(Text(text), (0, 0, 0, 4), expand=False))


async def play(person: Person, server: HostedServer) -> None:
    """Play it, from the first request without a token to the last one with a revoked one."""
    step(f"A server for claude.ai, ChatGPT and phones, at {server.address}, on made-up studios.")
    async with plain_http(server.address) as http:
        refused = await http.post("/mcp", json={})
    step(f"A client comes with no token. It is answered {refused.status_code}, and where to begin:")
    show(refused.headers["www-authenticate"])
    memory = TokenMemory()
    async with callback_page(seconds=_PATIENCE_SECONDS) as callback:
        async with _signed_in(person, server, callback, memory) as client:
            studios = (await client.call_tool("list_studios")).structured_content or {}
            step("The client has a token of this server, and no key. It sees your studios:")
            show(", ".join(it["name"] for it in studios["data"]))
            await go_live(person, client)
            await revoke(server)
        step("It calls once more with the token that it had.")
        async with plain_http(server.address) as http:
            token = memory.tokens.access_token if memory.tokens else ""
            answer = await http.post("/mcp", json={}, headers={"Authorization": f"Bearer {token}"})
        show(f"{answer.status_code} {answer.headers['www-authenticate'].partition(',')[0]}")


@asynccontextmanager
async def _signed_in(
    person: Person, server: HostedServer, callback: Callback, memory: TokenMemory
) -> AsyncIterator[Client]:
    async def sign_in(url: str) -> None:
        if person.is_there:
            step("It sends you here. Choose “Run shows”; the key of the made-up studios is")
            show(SANDBOX_KEY)
            await person.open(url)
        else:
            await fill_in(server.address, url, callback.uri)

    async with sdk_oauth_client(
        server.address, sign_in, callback, memory=memory, extensions=person.extensions
    ) as client:
        yield client


async def fill_in(address: str, url: str, callback: str) -> None:
    """Do what a person does on the page, and show what it says."""
    step("It sends you to a page. There is no browser here, so this program fills it in.")
    async with OAuthSteps(address) as steps, plain_http(callback) as browser:
        page = await steps.browser.get(url, follow_redirects=True)
        show(sentences(page.text))
        checked = await steps.type_key(page, SANDBOX_KEY)
        step("With the key, the page says:")
        show(sentences(checked.text))
        await browser.get(sent_back_to(await steps.press(checked, "Connect")))


def sentences(html: str) -> str:
    """The text of a page, line by line."""
    body = re.sub(r"(?s)<(style|head).*?</\1>", "", html)
    lines = (
        " ".join(unescape(it).split())
        for it in re.split(r"<(?!/?(?:strong|b|em|code|span)\b)[^>]*>", body)
    )
    return "\n".join(re.sub(r"<[^>]+>", "", it) for it in lines if it)


async def go_live(person: Person, client: Client) -> None:
    """Go live with a yes in the panel, or to a preview."""
    step("“Go live.” Nothing is sent without your yes:")
    asked = await client.call_tool("go_live", STUDIO)
    show(text_of(asked))
    if (asked.structured_content or {})["status"] == "asking" and person.bridge:
        async with panel_page(client, asked, person.bridge) as address:
            step("Your client draws the question. Say yes or no here:")
            await person.open(address)
            result = await _answered(client, asked)
    else:
        step("You say yes.")
        confirmation = (asked.structured_content or {})["confirmation"]
        yes = {**STUDIO, "confirm": True, "confirmation": confirmation}
        result = await client.call_tool("go_live", yes)
    show(text_of(result).partition("\n{")[0])


async def _answered(client: Client, asked: types.CallToolResult) -> types.CallToolResult:
    """The same call again, until the person has answered."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (asked.structured_content or {}).get("status") == "asking":
            await asyncio.sleep(1)
            asked = await client.call_tool("go_live", STUDIO)
    return asked


async def revoke(server: HostedServer) -> None:
    """See who is signed in, and end it, as the operator does."""
    step("As the operator you see who is signed in, with `trax-mcp sign-in list`:")
    listed = await _command(server, "list")
    show(listed)
    sign_in_id = listed.split()[0]
    step("You end it, with `trax-mcp sign-in revoke`:")
    show(await _command(server, "revoke", sign_in_id))


async def _command(server: HostedServer, *arguments: str) -> str:
    settings = {
        "TRAX_SIGN_IN_FILE": str(server.file),
        "TRAX_SIGN_IN_SECRET_FILE": str(server.secret_file),
    }
    async with running("sign-in", *arguments, settings=settings) as command:
        await command.finish()
    return command.stdout.text.strip() or command.stderr.text.strip()


def text_of(result: types.CallToolResult) -> str:
    """What a model reads of a result."""
    return "\n".join(getattr(it, "text", "") for it in result.content)


async def main(person: Person) -> None:
    """Start the server, play, and end."""
    with TemporaryDirectory() as folder:
        async with hosted_server(
            Path(folder), "--sandbox", settings={"TRAX_SIGN_IN_REGISTRATION": "1"}
        ) as server:
            await play(person, server)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m proof.hosted.play", description=__doc__)
    parser.add_argument("--print", action="store_true", help="print addresses, and open none")
    built = Path(os.environ.get("APP_BRIDGE", "build/browser/host.js"))
    options = parser.parse_args()
    somebody = Person(has_browser(), options.print, built.read_text() if built.is_file() else None)
    try:
        asyncio.run(main(somebody))
    except TimeoutError:
        sys.exit(f"\nNobody answered within {_PATIENCE_SECONDS} seconds.")
    except PermissionError:
        sys.exit("\nYou cancelled. Nothing was connected.")
