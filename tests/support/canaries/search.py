"""One canary run: plant secrets, make every call, search all output.

Where each secret may be found is data in `secrets`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.canaries import secrets as secret
from tests.support.canaries.calls import CALLS_IN, CONFIRMED, MODES, OTHERS, FaultyTrax, actor_meta
from tests.support.canaries.secrets import ALLOWED, Seen
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.world.caller import PREVIEW_SECONDS
from tests.world.wire import FORMS, LEGACY, request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.support.product.sandbox import Sandbox
    from tests.support.server_process import Running
    from tests.world.wire import Message

_ALWAYS_PLANTED: Final = {
    "key as an argument": secret.ARGUMENT_KEY,
    "key in a resource URI": secret.URI_KEY,
    "key in a prompt": secret.PROMPT_KEY,
    "key as an actor name": secret.ACTOR_KEY,
    "key as a studio name": secret.STUDIO_NAME_KEY,
    "stream key from TRaX": secret.RETURNED_KEY,
    "unknown argument name": secret.UNKNOWN_ARGUMENT,
    "stream key": secret.STREAM_KEY,
    "stream key in an RTMP URL": secret.URL_STREAM_KEY,
    "cookie": secret.COOKIE,
    "redirect": secret.LOCATION,
    "reserved upload URL": secret.RESERVED_SIGNATURE,
    "unsolicited message": secret.UNSOLICITED,
}
"""Planted in every run, besides the key."""


@dataclass
class CanarySearch:
    """One run: what was planted and seen, and how to send a request."""

    trax: Sandbox
    era: str
    key: str
    seen: Seen = field(default_factory=Seen)
    post: Callable[[Message], Awaitable[str]] = field(init=False)
    request_ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.faulty_trax = FaultyTrax(self.trax)
        self.trax.add_key(self.key)
        self.trax.add_key(secret.OTHER_ACCOUNT_KEY, account=ANOTHER_ACCOUNT)
        self.trax.change("studio_42", name=f"Friday {secret.STUDIO_NAME_KEY}")
        put_on_air(self.trax, "studio_43")
        self.plant({"key": self.key, **_ALWAYS_PLANTED})

    def plant(self, more: dict[str, str]) -> None:
        """Search for these secrets too."""
        for name, it in more.items():
            self.seen.plant(name, it)

    async def ask(
        self,
        method: str,
        *,
        place: str | None = None,
        able: Message | None = None,
        **params: Any,  # noqa: ANN401  any JSON
    ) -> Message:
        """Send a request, add the response text to the seen texts, and return the response."""
        message = request(
            self.era, method, params, number=next(self.request_ids), capabilities=able
        )
        message["params"].setdefault("_meta", {}).update(params.get("_meta", {}))
        text = await self.post(message)
        self.seen.add(f"answer: {place or method}", text)
        found = re.search(r"^(?:data: )?(\{.*\})\s*$", text, re.MULTILINE)
        assert found, text
        answer: Message = json.loads(found[1])
        return answer

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool with a key as the actor name; plant a returned confirmation."""
        meta = actor_meta(self.era)
        answer = await self.ask("tools/call", place=tool, name=tool, arguments=arguments, **meta)
        payload: dict[str, Any] = answer.get("result", {}).get("structuredContent") or {}
        if "confirmation" in payload:
            self.plant({"confirmation": payload["confirmation"]})
        return payload

    async def call_everything(self) -> None:
        """Make every call, once in each mode of the faulty TRaX, and confirm those that can be.

        They are confirmed in the end, when all previews can have been read.
        """
        confirmed: list[tuple[str, str, dict[str, Any]]] = []
        for mode in MODES:
            self.faulty_trax.mode = mode
            for tool, arguments in CALLS_IN[mode]:
                uploads = tool == "upload_media"
                self.faulty_trax.signature = (
                    secret.UPLOADED_SIGNATURE if uploads else secret.RESERVED_SIGNATURE
                )
                payload = await self.call(tool, **arguments)
                if "confirmation" in payload and tool in CONFIRMED[mode]:
                    await self.call(tool, **arguments, confirm=True, confirmation="x" * 22)
                    evidence = {"confirm": True, "confirmation": payload["confirmation"]}
                    confirmed.append((mode, tool, {**arguments, **evidence}))
            for method, params in OTHERS:
                await self.ask(method, **params)
        await anyio.sleep(PREVIEW_SECONDS)
        for mode, tool, arguments in confirmed:
            self.faulty_trax.mode = mode
            await self.call(tool, **arguments)
        self.faulty_trax.mode = "normal"
        if self.era != LEGACY:
            await self.request_form()

    async def request_form(self) -> None:
        """Call `go_live` with forms in the modern era: the result is the question."""
        go_live = {"name": "go_live", "arguments": {"studioId": "studio_51"}}
        question = await self.ask("tools/call", place="go_live", able=FORMS, **go_live)
        self.plant({"question": question["result"]["requestState"]})

    def add_logs_and_requests(self, server: Running, audit: Path) -> None:
        """Add the logs and everything that has reached TRaX to the seen texts."""
        self.seen.add("log", server.stderr.text)
        self.seen.add("audit", audit.read_text(encoding="utf-8"))
        for it in self.trax.requests:
            headers = dict(it.headers)
            where = "storage" if it.path.startswith("/uploads/") else "TRaX: path"
            self.seen.add(where, f"{it.path} {it.query}")
            self.seen.add("TRaX: authorization", headers.pop("authorization", ""))
            self.seen.add("TRaX: headers", str(headers))
            self.seen.add("TRaX: body", json.dumps(it.body_json))

    def differences(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return what was found where it may not be, and what was not found where it must be."""
        found, expected = self.seen.found(), self.seen.allowed(ALLOWED)
        return sorted(found - expected), sorted(expected - found)


def add_process_titles(seen: Seen, process: Running) -> None:
    """Add what every user of the machine can see of the process and its children."""
    if not (proc := Path(f"/proc/{process.process.pid}")).exists():
        return  # no /proc on this platform
    for it in (proc, *(Path(f"/proc/{pid}") for pid in _children(proc))):
        seen.add(
            "process",
            (it / "cmdline").read_text(encoding="utf-8")
            + (it / "comm").read_text(encoding="utf-8"),
        )


def _children(proc: Path) -> list[str]:
    return [
        pid for it in proc.glob("task/*/children") for pid in it.read_text(encoding="utf-8").split()
    ]
