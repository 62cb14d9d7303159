"""Runs the exchanges that pages quote on the sandbox.

`python -m tests.support.quoted_exchanges` writes them into the pages.

A test compares the pages with the server's output. Long lines are wrapped, and values that change
each time (confirmation ids, request ids) have fixed replacements.
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
from mcp import Client

from tests import ROOT
from tests.support.product.frozen_sandbox import still
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.served_app import sdk_connection
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Person, agreeing, choices, refusing
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox

CONSENT: Final = ROOT / "docs/consent.md"
SECURITY: Final = ROOT / "docs/security.md"
HTTP: Final = ROOT / "docs/http.md"
FORM_HEADING: Final = "Your client can ask you"
PREVIEW_HEADING: Final = "You cannot be asked at all"
SEVERAL_HEADING: Final = "Several changes, one question"
BOT_HEADING: Final = "A bot with three moderators"
AUDIT_HEADING: Final = "What is written down"

_STUDIO: Final = {"studioId": "studio_42"}
_TWITCH_ONLY: Final = {
    **_STUDIO,
    "changes": [
        {"tool": "update_destination", "arguments": {"destId": "dest_1", "enabled": False}},
        {"tool": "go_live", "arguments": {}},
    ],
}
_ACTOR: Final = "live.traxstreaming/actor"
_REPLACEMENTS: Final = {
    "confirmation": "d9cLnkBSqoygZvrQp52JXg",
    "requestId": f"mcp_{'0a1b2c3d' * 4}",
}
_FENCE = re.compile(r"(```[a-z]+\n.*?\n```)", re.DOTALL)
_MAX_WIDTH = 98

Block = tuple[str, str]
"""The kind, `text` or `json`, and the content."""


class PausingClock(HandClock):
    """Holds the server's check of an operation's outcome until it is released."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.checking, self.released = anyio.Event(), anyio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait until released."""
        self.checking.set()
        await self.released.wait()
        await super().sleep(seconds)


async def run_exchanges() -> Mapping[Path, Mapping[str, Sequence[Block]]]:
    """Run all exchanges; return the blocks by page and heading."""
    with tempfile.TemporaryDirectory() as folder:
        audit_log = Path(folder, "audit.jsonl")
        bot = await _run_bot_exchange(audit_log)
        audit = _last_line(audit_log, event="sent")
    form_blocks, preview = await _run_form_exchange(), await _run_preview_exchange()
    consent = {
        FORM_HEADING: form_blocks,
        PREVIEW_HEADING: preview,
        SEVERAL_HEADING: await _run_several_exchange(),
    }
    security = {AUDIT_HEADING: [_json_block(audit)]}
    return {CONSENT: consent, SECURITY: security, HTTP: {BOT_HEADING: bot}}


def with_exchanges(page: str, exchanges: Mapping[str, Sequence[Block]]) -> str:
    """A page with these blocks in place of its own."""
    for heading, blocks in exchanges.items():
        before, title, rest = page.partition(f"\n## {heading}\n")
        section, next_title, after = rest.partition("\n##")
        parts = _FENCE.split(section)
        assert len(parts) == 2 * len(blocks) + 1, f"{heading} quotes something else"
        parts[1::2] = [f"```{kind}\n{content}\n```" for kind, content in blocks]
        page = "".join((before, title, *parts, next_title, after))
    return page


async def _run_form_exchange() -> list[Block]:
    """A person answers a form: once they decline, once they approve."""
    person = Person()
    person.answer_with(refusing)
    async with _in_memory(person) as client:
        declined = await client.call_tool("go_live", _STUDIO)
    person.answer_with(agreeing)
    async with _in_memory(person) as client:
        started = await client.call_tool("go_live", _STUDIO)
    return [
        _form_block(person),
        _json_block(_payload(started)),
        _text_block(declined, paragraphs=1),
    ]


async def _run_several_exchange() -> list[Block]:
    """A person answers one form about two changes."""
    person = Person()
    person.answer_with(agreeing)
    async with _in_memory(person) as client:
        result = await client.call_tool("apply_changes", _TWITCH_ONLY)
    said = _text_block(result)[1].partition("\n{")[0]
    return [_form_block(person), ("text", said)]


async def _run_preview_exchange() -> list[Block]:
    """A client without forms: a preview, and the same call with its confirmation."""
    async with _in_memory(None) as client:
        preview = await client.call_tool("go_live", _STUDIO)
        confirmed = _confirmed(preview)
        started = await client.call_tool("go_live", confirmed)
    assert not started.is_error
    return [_text_block(preview), _json_block(confirmed)]


async def _run_bot_exchange(audit_log: Path) -> list[Block]:
    """A bot over HTTP: one preview, which three moderators confirm: two at once, one later."""
    results: dict[str, types.CallToolResult] = {}
    async with _over_http(audit_log) as (client, clock), anyio.create_task_group() as tasks:
        confirmed = _confirmed(await client.call_tool("go_live", _STUDIO))

        async def confirm(moderator: str) -> None:
            results[moderator] = await client.call_tool(
                "go_live", confirmed, meta=_actor_meta(moderator)
            )
            done[moderator].set()

        done = {moderator: anyio.Event() for moderator in ("ann", "ben", "cleo")}
        tasks.start_soon(confirm, "ann")
        await clock.checking.wait()
        await confirm("ben")
        clock.released.set()
        await done["ann"].wait()
        await confirm("cleo")
    assert not results["ann"].is_error
    return [_text_block(results["ben"]), _text_block(results["cleo"])]


@asynccontextmanager
async def _in_memory(person: Person | None) -> AsyncIterator[Client]:
    async with Client(Product(still()).server(), cache=None, elicitation_callback=person) as client:
        yield client


@asynccontextmanager
async def _over_http(audit_log: Path) -> AsyncIterator[tuple[Client, PausingClock]]:
    trax = still()
    clock = PausingClock(trax)
    app = Product(trax, clock, {"TRAX_AUDIT_LOG": str(audit_log)}).app()
    headers = {"X-API-Key": SANDBOX_KEY}
    async with (
        listening(app) as address,
        sdk_connection(address, headers) as connection,
        Client(connection, cache=None) as client,
    ):
        with anyio.fail_after(PATIENCE_SECONDS):
            yield client, clock


def _form_block(person: Person) -> Block:
    """The last form, with its choices."""
    form = person.forms[-1]
    offered = "\n".join(f"( ) {choice}" for choice in choices(form))
    return "text", f"{form.message}\n\nYour decision:\n{offered}"


def _confirmed(preview: types.CallToolResult) -> dict[str, Any]:
    return {**_STUDIO, "confirm": True, "confirmation": _payload(preview)["confirmation"]}


def _payload(result: types.CallToolResult) -> dict[str, Any]:
    return result.structured_content or {}


def _actor_meta(moderator: str) -> Any:  # noqa: ANN401  the SDK's type allows only its own members
    return {_ACTOR: moderator}


def _text_block(result: types.CallToolResult, *, paragraphs: int | None = None) -> Block:
    """The text that a model reads, with a replacement for the confirmation id."""
    (block,) = result.content
    assert block.type == "text"
    confirmation = _payload(result).get("confirmation")
    text = (
        block.text.replace(confirmation, _REPLACEMENTS["confirmation"])
        if confirmation
        else block.text
    )
    lines = "\n\n".join(text.split("\n\n")[:paragraphs]).splitlines()
    return "text", "\n".join(fill(line, _MAX_WIDTH, break_long_words=False) for line in lines)


def _json_block(value: dict[str, Any]) -> Block:
    """JSON with each member on one line where it fits."""
    members = (f'"{name}": {_member(it)}' for name, it in _with_replacements(value).items())
    return "json", "{\n" + indent(",\n".join(members), "  ") + "\n}"


def _member(value: object) -> str:
    line = json.dumps(value)
    return line if len(line) < _MAX_WIDTH - 15 else json.dumps(value, indent=2)


def _with_replacements(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _REPLACEMENTS.get(name, _with_replacements(it) if isinstance(it, dict) else it)
        for name, it in value.items()
    }


def _last_line(path: Path, *, event: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    last: dict[str, Any] = [line for line in lines if line["event"] == event][-1]
    return last


def main() -> None:
    """Write the exchanges into their pages."""
    for path, exchanges in anyio.run(run_exchanges).items():
        page = with_exchanges(path.read_text(encoding="utf-8"), exchanges)
        write(path, page)


if __name__ == "__main__":
    main()
