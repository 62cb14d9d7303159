"""The exchanges that pages quote, as they happen between a client and the server on the sandbox.

Long lines are wrapped, and what differs each time (ids of confirmations and requests) is replaced.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client

from tests import ROOT
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.simulated_person import Person, agreeing, choices
from tests.world.caller import PREVIEW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox

Block = tuple[str, str]
"""The kind, `text` or `json`, and the content."""

_STUDIO: Final = {"studioId": "studio_42"}
_TWITCH_ONLY: Final = {
    **_STUDIO,
    "changes": [
        {"tool": "update_destination", "arguments": {"destId": "dest_1", "enabled": False}},
        {"tool": "go_live", "arguments": {}},
    ],
}
_REPLACEMENTS: Final = {
    "confirmation": "d9cLnkBSqoygZvrQp52JXg",
    "requestId": f"mcp_{'0a1b2c3d' * 4}",
}
_FENCE: Final = re.compile(r"(```[a-z]+\n.*?\n```)", re.DOTALL)
_MAX_WIDTH: Final = 98


def exchanges() -> Mapping[str, str]:
    """The pages with the exchanges of today."""
    return {
        path: _filled_in((ROOT / path).read_text("utf-8"), sections)
        for path, sections in anyio.run(_run_all).items()
    }


def _filled_in(page: str, sections: Mapping[str, Sequence[Block]]) -> str:
    """A page with these blocks in place of its own, in the section with each heading."""
    for heading, blocks in sections.items():
        before, title, rest = page.partition(f"\n## {heading}\n")
        section, next_title, after = rest.partition("\n##")
        parts = _FENCE.split(section)
        assert len(parts) == 2 * len(blocks) + 1, f"{heading} quotes something else"
        parts[1::2] = [f"```{kind}\n{content}\n```" for kind, content in blocks]
        page = "".join((before, title, *parts, next_title, after))
    return page


async def _run_all() -> Mapping[str, Mapping[str, Sequence[Block]]]:
    """The blocks of each section, by page and heading."""
    ben_and_cleo, audited = await _press_three_times()
    return {
        "docs/bots.md": {"When two people press": ben_and_cleo},
        "docs/consent.md": {
            "In a form": await _answer_a_form(),
            "By your assistant": await _confirm_a_preview(),
            "Several changes at once": await _answer_a_form_about_several(),
        },
        "docs/security.md": {"The audit log": [_json_block(audited)]},
    }


async def _answer_a_form() -> list[Block]:
    person = Person()
    person.answer_with(agreeing)
    async with _client(person) as client:
        started = await client.call_tool("go_live", _STUDIO)
    return [_form_block(person), ("text", _wrapped(_payload(started)["summary"]))]


async def _answer_a_form_about_several() -> list[Block]:
    person = Person()
    person.answer_with(agreeing)
    async with _client(person) as client:
        result = await client.call_tool("apply_changes", _TWITCH_ONLY)
    said = _text_block(result)[1].partition("\n{")[0]
    return [_form_block(person), ("text", said)]


async def _confirm_a_preview() -> list[Block]:
    """A client without forms: a preview, and the same call with its confirmation."""
    trax = frozen_sandbox()
    clock = HandClock(trax)
    async with Client(Product(trax, clock).server(), cache=None) as client:
        preview = await client.call_tool("go_live", _STUDIO)
        confirmed = _confirmed(preview)
        clock.advance(PREVIEW_SECONDS)
        started = await client.call_tool("go_live", confirmed)
    assert not started.is_error
    return [_text_block(preview)]


class _PausingClock(HandClock):
    """Holds the server's check of what came of an operation until it is released."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.checking, self.released = anyio.Event(), anyio.Event()

    async def sleep(self, seconds: float) -> None:
        self.checking.set()
        await self.released.wait()
        await super().sleep(seconds)


async def _press_three_times() -> tuple[list[Block], dict[str, Any]]:
    """One preview, which a bot confirms for three moderators: two at once, one later.

    Returns what the bot reads for the second and the third, and the last line of the first press in
    the audit log.
    """
    trax = frozen_sandbox()
    clock = _PausingClock(trax)
    results: dict[str, types.CallToolResult] = {}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "audit.jsonl")
        server = Product(trax, clock, {"TRAX_AUDIT_LOG": str(log)}).server()
        async with Client(server, cache=None) as client:
            confirmed = _confirmed(await client.call_tool("go_live", _STUDIO))
            clock.advance(PREVIEW_SECONDS)

            async def press(moderator: str) -> None:
                meta: Any = {"live.traxstreaming/actor": moderator}
                results[moderator] = await client.call_tool("go_live", confirmed, meta=meta)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(press, "ann")
                await clock.checking.wait()
                await press("ben")
                clock.released.set()
            await press("cleo")
        audited = _last_sent(log)
    assert not results["ann"].is_error
    return [_text_block(results["ben"]), _text_block(results["cleo"])], audited


def _last_sent(log: Path) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [json.loads(it) for it in log.read_text("utf-8").splitlines()]
    return [it for it in lines if it["event"] == "sent"][-1]


def _client(person: Person | None = None) -> Client:
    return Client(Product(frozen_sandbox()).server(), cache=None, elicitation_callback=person)


def _confirmed(preview: types.CallToolResult) -> dict[str, Any]:
    return {**_STUDIO, "confirm": True, "confirmation": _payload(preview)["confirmation"]}


def _payload(result: types.CallToolResult) -> dict[str, Any]:
    return result.structured_content or {}


def _form_block(person: Person) -> Block:
    """The last form, with its choices: the no is first, and preselected."""
    form = person.forms[-1]
    yes, no = choices(form)
    return "text", f"{_wrapped(form.message)}\n\n(x) {no}\n( ) {yes}"


def _text_block(result: types.CallToolResult, *, paragraphs: int | None = None) -> Block:
    """The text that a model reads."""
    (block,) = result.content
    assert block.type == "text"
    text = block.text
    if confirmation := _payload(result).get("confirmation"):
        text = text.replace(confirmation, _REPLACEMENTS["confirmation"])
    lines = "\n\n".join(text.split("\n\n")[:paragraphs]).splitlines()
    return "text", "\n".join(map(_wrapped, lines))


def _wrapped(line: str) -> str:
    return fill(line, width=_MAX_WIDTH, break_long_words=False)


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
