"""The exchanges that README quotes, played on the sandbox: `python -m tests.exchanges` writes them.

What a person reads there is what the server said, word for word; a test compares. Long lines are
broken, and what is different each time (confirmations, request ids) has a stand-in.
"""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests import ROOT
from tests.conftest import OWNER, client_on
from tests.hand import HandClock
from tests.person import Person, agreeing, choices, refusing
from tests.ports import listening
from tests.processes import PATIENCE_SECONDS
from tests.witness import still
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.transports import http_app
from trax_mcp.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import mcp_types as types

    from trax_mcp.sandbox import Sandbox

README: Final = ROOT / "README.md"
ASKED: Final = "Your client can ask you"
SHOWN: Final = "Your client cannot ask you"
PRESSED: Final = "A bot with three moderators"
WRITTEN: Final = "What is written down"

_STUDIO: Final = {"studioId": "studio_42"}
_ACTOR: Final = "live.traxstreaming/actor"
_STAND_INS: Final = {"confirmation": "d9cLnkBSqoygZvrQp52JXg", "requestId": f"mcp_{'0a1b2c3d' * 4}"}
_FENCE = re.compile(r"(```[a-z]+\n.*?\n```)", re.DOTALL)
_WIDEST = 98

Block = tuple[str, str]
"""What the words are, `text` or `json`, and the words."""


class PausingClock(HandClock):
    """Holds the server's look at what came of an act until it is told to go on."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.looking, self.may_go_on = anyio.Event(), anyio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait to be told."""
        self.looking.set()
        await self.may_go_on.wait()
        await super().sleep(seconds)


async def play() -> Mapping[str, Sequence[Block]]:
    """Play them all; what was said, under the heading where README tells it."""
    with tempfile.TemporaryDirectory() as folder:
        audit_log = Path(folder, "audit.jsonl")
        pressed = await _play_pressed(audit_log)
        written = _last_line(audit_log, event="sent")
    asked, shown = await _play_asked(), await _play_shown()
    return {ASKED: asked, SHOWN: shown, PRESSED: pressed, WRITTEN: [_json(written)]}


def quoting(readme: str, said: Mapping[str, Sequence[Block]]) -> str:
    """README with what was said in its place."""
    for heading, blocks in said.items():
        before, title, rest = readme.partition(f"\n### {heading}\n")
        section, next_title, after = rest.partition("\n##")
        quoted = _FENCE.split(section)
        assert len(quoted) == 2 * len(blocks) + 1, f"{heading} quotes something else"
        quoted[1::2] = [f"```{kind}\n{words}\n```" for kind, words in blocks]
        readme = "".join((before, title, *quoted, next_title, after))
    return readme


async def _play_asked() -> list[Block]:
    """A person is asked in a form: they agree; and another time they do not."""
    person = Person()
    async with _in_memory(person) as client:
        person.will(refusing)
        refused = await client.call_tool("go_live", _STUDIO)
        person.will(agreeing)
        begun = await client.call_tool("go_live", _STUDIO)
    form = person.forms[-1]
    offered = "\n".join(f"( ) {choice}" for choice in choices(form))
    asked = f"{form.message}\n\nYour decision:\n{offered}"
    return [("text", asked), _json(_told(begun)), _said(refused, paragraphs=1)]


async def _play_shown() -> list[Block]:
    """A client without forms: a preview, and the same call with its confirmation."""
    async with _in_memory(None) as client:
        shown = await client.call_tool("go_live", _STUDIO)
        yes = _yes_to(shown)
        begun = await client.call_tool("go_live", yes)
    assert not begun.is_error
    return [_said(shown), _json(yes)]


async def _play_pressed(audit_log: Path) -> list[Block]:
    """A bot over HTTP: one preview for three moderators, two of whom press at once, one later."""
    results: dict[str, types.CallToolResult] = {}
    async with _over_http(audit_log) as (client, clock), anyio.create_task_group() as presses:
        yes = _yes_to(await client.call_tool("go_live", _STUDIO))

        async def press(who: str) -> None:
            results[who] = await client.call_tool("go_live", yes, meta=_asking_for(who))
            done[who].set()

        done = {who: anyio.Event() for who in ("ann", "ben", "cleo")}
        presses.start_soon(press, "ann")
        await clock.looking.wait()
        await press("ben")
        clock.may_go_on.set()
        await done["ann"].wait()
        await press("cleo")
    assert not results["ann"].is_error
    return [_said(results["ben"]), _said(results["cleo"])]


@asynccontextmanager
async def _in_memory(person: Person | None) -> AsyncIterator[Client]:
    trax = still()
    house = ServerDeps(clock=HandClock(trax))
    server = build_server(client_on(trax), own=OWNER, house=house)
    async with Client(server, cache=None, elicitation_callback=person) as client:
        yield client


@asynccontextmanager
async def _over_http(audit_log: Path) -> AsyncIterator[tuple[Client, PausingClock]]:
    trax = still()
    clock = PausingClock(trax)
    house = ServerDeps(clock=clock, audit_log=audit_log)
    server = build_server(client_on(trax), own=ANONYMOUS, house=house)
    app = http_app(server, read_settings({}), in_flight=house.in_flight, presence=house.presence)
    headers = {"X-API-Key": SANDBOX_KEY}
    async with (
        listening(app) as address,
        httpx2.AsyncClient(headers=headers, trust_env=False) as web,
        Client(streamable_http_client(f"{address}/mcp", http_client=web), cache=None) as client,
    ):
        with anyio.fail_after(PATIENCE_SECONDS):
            yield client, clock


def _yes_to(shown: types.CallToolResult) -> dict[str, Any]:
    return {**_STUDIO, "confirm": True, "confirmation": _told(shown)["confirmation"]}


def _told(result: types.CallToolResult) -> dict[str, Any]:
    return result.structured_content or {}


def _asking_for(who: str) -> Any:  # noqa: ANN401  the SDK's type allows only its own members
    return {_ACTOR: who}


def _said(result: types.CallToolResult, *, paragraphs: int | None = None) -> Block:
    """What a model reads, with a stand-in for the confirmation."""
    (block,) = result.content
    assert block.type == "text"
    given = _told(result).get("confirmation")
    text = block.text.replace(given, _STAND_INS["confirmation"]) if given else block.text
    lines = "\n\n".join(text.split("\n\n")[:paragraphs]).splitlines()
    return "text", "\n".join(fill(line, _WIDEST, break_long_words=False) for line in lines)


def _json(value: dict[str, Any]) -> Block:
    """A line for each member that fits on one, so that it reads well beside a text."""
    members = (f'"{name}": {_member(it)}' for name, it in _standing_in(value).items())
    return "json", "{\n" + indent(",\n".join(members), "  ") + "\n}"


def _member(value: object) -> str:
    line = json.dumps(value)
    return line if len(line) < _WIDEST - 15 else json.dumps(value, indent=2)


def _standing_in(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _STAND_INS.get(name, _standing_in(it) if isinstance(it, dict) else it)
        for name, it in value.items()
    }


def _last_line(path: Path, *, event: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    last: dict[str, Any] = [line for line in lines if line["event"] == event][-1]
    return last


def main() -> None:
    """Write what was said into README."""
    readme = README.read_text(encoding="utf-8")
    README.write_text(quoting(readme, anyio.run(play)), encoding="utf-8")


if __name__ == "__main__":
    main()
