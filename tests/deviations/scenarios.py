"""The calls of a row, each made through a client of the server, in a world of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import anyio

from tests.support.media_folders import make_media_folder
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.world.answers import data_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World


class Told(NamedTuple):
    """An answer, and what was true when it came."""

    label: str
    """The tool, and a word if it is called more than once."""
    result: types.CallToolResult
    live: bool
    """Whether the show was on air, or its start under way."""


_FRIDAY: Final = {"studioId": "studio_42"}


@dataclass
class Evening:
    """The calls of one row, one after the other, and their answers."""

    it: World
    told: list[Told] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """What viewers wrote, in order."""
    sent: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    started: int = 0
    """To how many destinations the show went."""

    async def call(self, tool: str, label: str = "", /, **arguments: object) -> Any:  # noqa: ANN401  JSON
        """Call a tool; returns the data of its answer."""
        result = await self.it[MINE].call(tool, **arguments)
        return self.note(label or tool, result)

    async def approved(self, tool: str, **arguments: object) -> Any:  # noqa: ANN401  as above
        """Call a guarded tool, and again with the approval if it asks for one."""
        shown = await self.call(tool, f"{tool} asks", **arguments)
        if "confirmation" not in shown:
            return shown
        if tool != "go_offline":
            await self.it[MINE].read_preview()
        given = {"confirm": True, "confirmation": shown["confirmation"]}
        return await self.call(tool, **arguments, **given)

    def note(self, label: str, result: types.CallToolResult) -> Any:  # noqa: ANN401  as above
        """Keep an answer with what is true now."""
        trax = self.it.trax
        self.told.append(Told(label, result, bool(trax.status()["live"]) or trax.is_running()))
        return data_of(result)

    def write(self, *texts: str, platform: str = "youtube") -> None:
        """Let viewers write."""
        for text in texts:
            self.it.trax.say(text, platform=platform)
        self.written += texts


@dataclass(frozen=True)
class Scenario:
    """The calls by name. `uploads` has files, and a clock that moves by hand."""

    name: str
    calls: Callable[[Evening], Awaitable[None]]
    uploads: bool = False

    async def play(self, deviate: Callable[[Sandbox], None], root: Path) -> Evening:
        """Make the calls while TRaX deviates."""
        settings: dict[str, Any] = {}
        if self.uploads:
            settings = {"TRAX_MEDIA_DIRS": str(make_media_folder(root))}
        async with open_world(
            MINE,
            trax=frozen_sandbox() if self.uploads else None,
            virtual=not self.uploads,
            short_seconds=15,
            **settings,
        ) as it:
            deviate(it.trax)
            evening = Evening(it)
            await self.calls(evening)
            evening.sent = [_shortened(sent) for sent in it.sent]
            stream = it.trax.world.streams.get(_FRIDAY["studioId"])
            evening.started = len(stream.destination_ids) if stream else 0
            evening.secrets = [MINE, *it.trax.reserved_uploads]
        return evening


def _shortened(sent: str) -> str:
    method, _, path = sent.partition(" ")
    return f"{method} {path.rpartition('/')[2]}" if "/uploads/" not in path else "PUT"


async def _go_live(evening: Evening) -> None:
    await evening.approved("go_live")


async def _find_check_go_live(evening: Evening) -> None:
    found = await evening.call("find_studio", query="Friday Night Show")
    matches = found.get("matches") or [{}]
    studio = {"studioId": matches[0].get("id", _FRIDAY["studioId"])}
    await evening.call("check_studio", **studio)
    await evening.approved("go_live", **studio)


async def _on_air(evening: Evening) -> None:
    evening.it.trax.go_live()
    await anyio.sleep(60)


async def _stop(evening: Evening) -> None:
    await _on_air(evening)
    await evening.approved("go_offline")
    await anyio.sleep(20)
    await evening.call("check_studio", "check_studio later", **_FRIDAY)


async def _stop_while_starting(evening: Evening) -> None:
    confirmation = await evening.it[MINE].confirmation("go_live")
    async with anyio.create_task_group() as tasks:
        given = {"confirm": True, "confirmation": confirmation}
        tasks.start_soon(partial(evening.call, "go_live", **given))
        await anyio.sleep(2)
        await evening.approved("go_offline")
        await evening.call("check_studio", **_FRIDAY)
    await anyio.sleep(20)
    await evening.call("check_studio", "check_studio later", **_FRIDAY)


async def _whole_show(evening: Evening) -> None:
    await _find_check_go_live(evening)
    await anyio.sleep(60)
    await evening.approved("go_offline")
    await evening.call("check_studio", "check_studio later", **_FRIDAY)


async def _stop_off_air(evening: Evening) -> None:
    await evening.approved("go_offline")
    await evening.call("check_studio", "check_studio later", **_FRIDAY)


async def _chat(evening: Evening) -> None:
    await _heard(evening)
    for number in range(3):
        evening.write(f"a{number}", f"b{number}")
        evening.write(f"c{number}", platform="twitch")
        await _heard(evening)
        await anyio.sleep(5)
    await evening.call("list_chat_messages")


async def _busy_chat(evening: Evening) -> None:
    await _heard(evening)
    for burst in range(2):
        evening.write(*(f"{burst}.{number}" for number in range(60)))
        await anyio.sleep(10)
        while (await _heard(evening)).get("more"):
            pass


async def _heard(evening: Evening) -> dict[str, Any]:
    """Wait for chat, after what was read before."""
    before = [data_of(it.result).get("cursor") for it in evening.told]
    cursors = [it for it in before if it]
    after = {"after": cursors[-1]} if cursors else {}
    seconds = 10 if cursors else 0
    heard: dict[str, Any] = await evening.call(
        "wait_for_chat_messages", f"wait {len(before)}", timeoutSeconds=seconds, **after
    )
    return heard


async def _say(evening: Evening) -> None:
    await evening.call("send_chat_message", text="Hello, everyone")


async def _switch(evening: Evening) -> None:
    await evening.call("update_destination", destId="dest_3", enabled=True)


async def _switch_on_air(evening: Evening) -> None:
    await _on_air(evening)
    await evening.approved("update_destination", destId="dest_1", enabled=False)


async def _delete(evening: Evening) -> None:
    await evening.approved("delete_destination", destId="dest_1")


async def _unlink(evening: Evening) -> None:
    await evening.approved("unlink_connection", connectionId="conn_1")


async def _create(evening: Evening) -> None:
    await evening.call("create_studio", name="Late Show")


async def _several(evening: Evening) -> None:
    await evening.approved(
        "apply_changes",
        changes=[
            {
                "tool": "update_destination",
                "arguments": {**_FRIDAY, "destId": "dest_1", "enabled": False},
            },
            {"tool": "go_live", "arguments": _FRIDAY},
        ],
    )


async def _read(evening: Evening) -> None:
    for tool in ("get_studio", "get_stream_status", "list_destinations", "list_connections"):
        await evening.call(tool)


async def _upload(evening: Evening) -> None:
    await evening.call("upload_media", path="intro.mp4")


GO_LIVE: Final = Scenario("go live", _go_live)
FIND_CHECK_GO_LIVE: Final = Scenario("find, check, go live", _find_check_go_live)
STOP: Final = Scenario("stop", _stop)
STOP_WHILE_STARTING: Final = Scenario("go live, and stop after two seconds", _stop_while_starting)
STOP_OFF_AIR: Final = Scenario("stop off air", _stop_off_air)
WHOLE_SHOW: Final = Scenario("a whole show", _whole_show)
CHAT: Final = Scenario("chat", _chat)
BUSY_CHAT: Final = Scenario("busy chat", _busy_chat)
SAY: Final = Scenario("send a message", _say)
SWITCH: Final = Scenario("switch a destination on", _switch)
SWITCH_ON_AIR: Final = Scenario("switch a destination off on air", _switch_on_air)
DELETE: Final = Scenario("delete a destination", _delete)
UNLINK: Final = Scenario("unlink an account", _unlink)
CREATE: Final = Scenario("create a studio", _create)
SEVERAL: Final = Scenario("switch one off and go live", _several)
READ: Final = Scenario("read", _read)
UPLOAD: Final = Scenario("upload a file", _upload, uploads=True)
