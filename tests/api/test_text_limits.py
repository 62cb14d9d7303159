"""Every text and every list in an argument has a limit, so that no call can fill the memory.

TRaX documents no limits: they are this server's. The table here is written by hand.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from tests.support.guarded_calls import STUDIO
from tests.support.media_folders import make_media_folder
from tests.support.product.faults import Fault
from tests.support.single_faults import READ, results_of
from tests.support.valid_calls import EVERY
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

    Call = tuple[str, dict[str, Any]]

LIMITS: Final = {
    **dict.fromkeys(("studioId", "destId", "sourceId", "connectionId"), 512),
    **dict.fromkeys(("name", "platform", "type", "contentType"), 200),
    **dict.fromkeys(("rtmpUrl", "url", "streamKey"), 2_048),
    **dict.fromkeys(("cursor", "after", "path", "folder"), 4_096),
    "filename": 255,
    "text": 2_000,
    "query": 512,
    "confirmation": 512,
}
"""The most characters of each argument that is a text."""

GIVEN: Final = {"studioId", "destId", "sourceId", "connectionId", "cursor", "after", "confirmation"}
"""Texts that TRaX or this server has given: nobody meets their limit, and no schema states it."""

LARGEST_REQUEST_BYTES: Final = 256 << 10
"""The most that the server reads over HTTP."""

VALID: Final = {**EVERY, "upload_media": {"path": "intro.mp4"}}
NEXT: Final = ". Nothing was sent: correct the arguments and call again."


def open_all(tmp_path: Path) -> AbstractAsyncContextManager[World]:
    """A world whose server offers every tool."""
    return open_world(MINE, TRAX_MEDIA_DIRS=str(make_media_folder(tmp_path)))


async def refusal(it: World, tool: str, arguments: dict[str, Any]) -> str:
    """The message of a call with invalid arguments; empty if they were valid."""
    error = (await it[MINE].data(tool, **arguments)).get("error", {})
    return str(error["message"]) if error.get("code") == "invalid_arguments" else ""


async def schemas(it: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Each argument of each tool, and its schema."""
    return [
        (tool.name, name, schema)
        for tool in (await it[MINE].client.list_tools()).tools
        for name, schema in tool.input_schema["properties"].items()
    ]


def with_text(tool: str, name: str, text: str) -> Call:
    """A valid call with this text in one of its arguments."""
    pairs = {"rtmpUrl": {"streamKey": "k"}, "streamKey": {"rtmpUrl": "rtmps://live.example"}}
    arguments = {**VALID[tool], **pairs.get(name, {}), name: text}
    if name in pairs:
        arguments.pop("connectionId", None)
    return tool, arguments


async def test_the_schema_states_the_limits_and_a_call_at_all_of_them_fits_into_a_request(
    tmp_path: Path,
) -> None:
    """Even if its client escapes every character, with room for what else is in a request."""
    async with open_all(tmp_path) as it:
        lists: list[tuple[int, int | None]] = []
        longest: dict[str, dict[str, Any]] = {}
        for tool, name, schema in await schemas(it):
            if schema["type"] == "string":
                stated = None if name in GIVEN else LIMITS[name]
                assert schema.get("maxLength") == stated, (tool, name)
            items = schema.get("items", schema)
            widest = "\U0001f525" * int(items.get("maxLength", LIMITS.get(name, 1)))
            longest.setdefault(tool, {})[name] = [widest] * schema.get("maxItems", 1)
            if schema["type"] == "array":
                lists.append((schema["maxItems"], items.get("maxLength")))
        assert lists == [(50, 200), (10, None)]
        assert (
            max(len(json.dumps(each)) for each in longest.values()) < LARGEST_REQUEST_BYTES - 65_536
        )


async def test_a_text_over_its_limit_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """Nothing is sent. The limit is checked before the content, which is too long to look at."""
    async with open_all(tmp_path) as it:
        texts = [(tool, name) for tool, name, its in await schemas(it) if its["type"] == "string"]
        assert len(texts) > 30
        for tool, name in texts:
            limit = f"have at most {LIMITS[name]:,} characters (a limit of this server)"
            wrong = "be the string that the preview gave" if name == "confirmation" else limit
            for text in ("x", " "):
                call = with_text(tool, name, text * (LIMITS[name] + 1))
                assert await refusal(it, *call) == f"`{name}` must {wrong}{NEXT}"
        assert list(it.trax.requests) == []
        for tool, name in texts:  # characters count, not bytes, as in JSON Schema
            assert await refusal(it, *with_text(tool, name, "\U0001f600" * LIMITS[name])) == ""


TOO_MANY: Final = f"`platforms` must have at most 50 items (a limit of this server){NEXT}"
TOO_LONG: Final = f"`platforms` must have at most 200 characters (a limit of this server){NEXT}"
LISTS: Final[list[tuple[object, str]]] = [
    (["x" * 200] * 50, ""),
    (["kick"] * 51, TOO_MANY),
    ([" "] * 51, f"`platforms` must be a non-empty string{NEXT}"),
    (["x" * 201], TOO_LONG),
    (str(["kick"] * 51).replace("'", '"'), TOO_MANY),
    (f'["{"x" * 201}"]', TOO_LONG),
    ('["' + r"\ud83d\ude00" * 200 + '"]', ""),
    ("[" * 120_201, f"`platforms` must be a list of non-empty strings{NEXT}"),
]


async def test_the_number_and_length_of_list_items_are_limited(tmp_path: Path) -> None:
    """Also of a list in a string, as some models send it."""
    async with open_all(tmp_path) as it:
        for platforms, problem in LISTS:
            arguments = {**STUDIO, "text": "Hello", "platforms": platforms}
            assert await refusal(it, "send_chat_message", arguments) == problem


async def test_a_text_of_millions_of_characters_holds_up_nobody(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """What TRaX says is shown in part, and no other call waits for that, above all no stop."""
    texts = [it * (2_000_000 // len(it.encode())) for it in (" ", "a", "\u3000", '"', "\u0301")]
    faults = [Fault.error(400, "invalid_request", it) for it in texts]
    before = time.process_time()
    results = await results_of(server, sandbox, READ, faults)
    assert time.process_time() - before < 1
    assert len(str(results)) < 10_000
