"""A hunt for canaries: they are planted, the tour is made, and every place is searched.

It knows how one asks and where one looks; where a canary may be found is data in `canaries`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.canaries import secrets as secret
from tests.canaries.secrets import Sightings, allowed
from tests.canaries.tour import CALLS, CONFIRMED, MODES, OTHERS, Trouble, actor
from tests.jsonrpc import FORMS, LEGACY, request
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES, STRANGER
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.jsonrpc import Message
    from tests.processes import Running
    from trax_mcp.sandbox import Sandbox

_EVERYWHERE: Final = {
    "key as an argument": secret.ARGUMENT_KEY,
    "key in an address": secret.URI_KEY,
    "key in a prompt": secret.PROMPT_KEY,
    "key as somebody's name": secret.ACTOR_KEY,
    "key as a studio's name": secret.NAME_KEY,
    "stream key that TRaX tells": secret.TOLD_KEY,
    "name that is no argument's": secret.UNKNOWN,
    "stream key": secret.STREAM_KEY,
    "stream key in an address": secret.ADDRESS_KEY,
    "cookie": secret.COOKIE,
    "redirect": secret.LOCATION,
    "reserved address": secret.RESERVED,
    "no message": secret.STRAY,
}
"""What is planted in every run, besides the key."""


@dataclass
class Hunt:
    """One run: what is planted in it, where it was seen, and how one asks."""

    trax: Sandbox
    era: str
    key: str
    seen: Sightings = field(default_factory=Sightings)
    planted: dict[str, list[str]] = field(default_factory=dict)
    ask: Callable[[Message], Awaitable[str]] = field(init=False)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.trouble = Trouble(self.trax)
        world = self.trax.world
        world.keys[self.key] = Key(self.key, "own", ACCOUNT, SCOPES)
        world.keys[secret.NEIGHBOURS_KEY] = Key(secret.NEIGHBOURS_KEY, "next", STRANGER, SCOPES)
        world.studios.change(world.studios["studio_42"], {"name": f"Friday {secret.NAME_KEY}"})
        world.go_live(world.studios["studio_43"])
        self.trax.clock.advance(60)
        self.plant({"key": self.key, **_EVERYWHERE})

    def plant(self, more: dict[str, str]) -> None:
        """Look for these too."""
        for name, it in more.items():
            self.planted.setdefault(name, []).append(it)

    async def get(
        self,
        method: str,
        *,
        place: str | None = None,
        able: Message | None = None,
        **params: Any,  # noqa: ANN401  any JSON
    ) -> Message:
        """Ask for something, and keep the answer."""
        message = request(self.era, method, params, number=next(self.numbers), able=able)
        message["params"].setdefault("_meta", {}).update(params.get("_meta", {}))
        text = await self.ask(message)
        self.seen.add(f"answer: {place or method}", text)
        found = re.search(r"^(?:data: )?(\{.*\})\s*$", text, re.MULTILINE)
        assert found, text
        answer: Message = json.loads(found[1])
        return answer

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool, for somebody whose name is a key; keep what must not be told on."""
        meta = actor(self.era)
        answer = await self.get("tools/call", place=tool, name=tool, arguments=arguments, **meta)
        told: dict[str, Any] = answer.get("result", {}).get("structuredContent") or {}
        if "confirmation" in told:
            self.plant({"confirmation": told["confirmation"]})
        return told

    async def tour(self) -> None:
        """Ask for everything, and again in each kind of trouble."""
        for mode in MODES:
            self.trouble.mode = mode
            self.trouble.signatures = [secret.RESERVED, secret.UPLOADED]
            for tool, given in CALLS:
                told = await self.call(tool, **given)
                if "confirmation" in told and tool in CONFIRMED[mode]:
                    await self.call(tool, **given, confirm=True, confirmation="x" * 22)
                    agreed = {"confirm": True, "confirmation": told["confirmation"]}
                    await self.call(tool, **given, **agreed)
            for method, params in OTHERS:
                await self.get(method, **params)
        self.trouble.mode = "well"
        if self.era != LEGACY:
            await self.be_asked()

    async def be_asked(self) -> None:
        """Have a person asked, in the era where the question is the answer."""
        named = {"name": "go_live", "arguments": {"studioId": "studio_51"}}
        asked = await self.get("tools/call", place="go_live", able=FORMS, **named)
        self.plant({"question": asked["result"]["requestState"]})

    def search(self, server: Running, audit: Path) -> None:
        """Look through what was written, and through what has reached TRaX."""
        self.seen.add("log", server.stderr.text)
        self.seen.add("audit", audit.read_text())
        for it in self.trax.requests:
            headers = dict(it.headers)
            where = "storage" if it.path.startswith("/uploads/") else "TRaX: path"
            self.seen.add(where, f"{it.path} {it.query}")
            self.seen.add("TRaX: authorization", headers.pop("authorization", ""))
            self.seen.add("TRaX: headers", str(headers))
            self.seen.add("TRaX: body", json.dumps(it.body_json))

    def verdict(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """What was found where it may not be, and what was not found where it may be."""
        found, expected = self.seen.of(self.planted), allowed(self.planted)
        return sorted(found - expected), sorted(expected - found)


def look_at(seen: Sightings, process: Running) -> None:
    """How the process and its children look to everybody on the machine."""
    if not (proc := Path(f"/proc/{process.process.pid}")).exists():
        return  # not here
    for it in (proc, *(Path(f"/proc/{pid}") for pid in _children(proc))):
        seen.add("process", (it / "cmdline").read_text() + (it / "comm").read_text())


def _children(proc: Path) -> list[str]:
    return [pid for it in proc.glob("task/*/children") for pid in it.read_text().split()]
