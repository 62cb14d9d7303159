"""`upload_media` through a real process: on stdio, on HTTP, on the embedded sandbox, in the log.

What reaches TRaX and its storage is seen at a sandbox in this process.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests import ROOT
from tests.folders import furnish
from tests.front import plain_http
from tests.jsonrpc import ERAS, MODERN, HttpCaller, opening, read_answer, request, tool_call
from tests.media import MP4
from tests.person import Told
from tests.ports import Held, upstream
from tests.processes import environment, running
from tests.storage import SIGNATURE
from tests.uploading import LONGEST, TOOL, acting, cut, tokens
from trax_mcp.sandbox import SANDBOX_KEY, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from trax_mcp.sandbox import Sandbox


def settings(trax: Sandbox, *folders: Path) -> dict[str, str]:
    """What the operator sets: a key, this TRaX, and what may be read."""
    return {
        "TRAX_API_KEY": SANDBOX_KEY,
        "TRAX_BASE_URL": trax.base_url,
        "TRAX_MEDIA_DIRS": os.pathsep.join(map(str, folders)),
    }


def processing_at_once(trax: Sandbox) -> None:
    """Let three seconds pass while the storage confirms the next file."""
    trax.faults.add(acting(lambda: trax.clock.advance(3)), method="PUT")


async def test_a_client_uploads_a_file_over_stdio(era: str, tmp_path: Path) -> None:
    """Through the real pipes and a real socket, with progress, from the second of two folders."""
    folder, progress = furnish(tmp_path), Told()
    async with upstream() as trax:
        processing_at_once(trax)
        command = StdioServerParameters(
            command=sys.executable,
            args=["-m", "trax_mcp"],
            env=environment(settings(trax, tmp_path / "outside", folder)),
            cwd=ROOT,
        )
        async with Client(command, mode=era, cache=None) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            given = {"path": str(folder / "intro.mp4"), "folder": "Openers"}
            result = await client.call_tool(TOOL, given, progress_callback=progress)
        *_, asset = trax.world.library.assets.values()
        shown = asset.shown(trax.clock.now())
    assert listed[-1] == TOOL
    assert (shown["status"], shown["folder"], shown["byteSize"]) == ("READY", "Openers", len(MP4))
    assert result.structured_content == shown
    sent = [(it.method, cut(it.path), "authorization" in it.headers) for it in trax.requests]
    assert sent == [
        ("POST", "/v1/media", True),
        ("PUT", "/uploads", False),
        ("GET", "/v1/media", True),
    ]
    told = [(int(gone), total) for gone, total, _ in progress.all]
    assert told == [(0, len(MP4) + LONGEST), (len(MP4), len(MP4) + LONGEST)]


async def test_no_address_is_told_or_logged(era: str, tmp_path: Path) -> None:
    """Under DEBUG, and where it is used, refused, redirected, broken off or unfit."""
    folder = furnish(tmp_path)
    async with upstream() as trax:
        chosen = {**settings(trax, folder), "TRAX_LOG_LEVEL": "DEBUG"}
        async with running(settings=chosen) as server:
            await server.tell(*opening(era))
            processing_at_once(trax)
            answers = [await server.ask(tool_call(era, TOOL, path="intro.mp4"))]
            away = {"Location": f"{trax.base_url}/uploads/{SIGNATURE}"}
            for number, fault in enumerate(
                (
                    Fault.status(403, {"url": f"/uploads/{SIGNATURE}"}, headers=away),
                    Fault.status(307, headers=away),
                    Fault.dropped(),
                ),
                2,
            ):
                trax.faults.add(fault, method="PUT")
                call = tool_call(era, TOOL, number=number, path="intro.mp4")
                answers.append(await server.ask(call))
            trax.base_url = f"http://storage.example/{SIGNATURE}"
            answers.append(await server.ask(tool_call(era, TOOL, number=9, path="intro.mp4")))
            assert await server.hang_up() == 0
    told = [it["result"].get("structuredContent", {}) for it in answers]
    assert [it.get("error", {}).get("code") for it in told] == [
        None,
        "upload_failed",
        "upload_failed",
        "unreachable",
        "bad_answer",
    ]
    secrets = [SIGNATURE, SANDBOX_KEY, "/uploads", *tokens(trax)]
    secrets += trax.world.library._reservations
    assert len(secrets) == 3 + 4 + 4
    assert [it for it in secrets if it in server.stdout.text + server.stderr.text] == []
    assert "DEBUG" in server.stderr.text


async def test_the_embedded_sandbox_takes_uploads_too(tmp_path: Path) -> None:
    """To try it: no network, and the asset is ready after the sandbox's own two seconds."""
    chosen = {"TRAX_MEDIA_DIRS": str(furnish(tmp_path))}
    async with running("--sandbox", settings=chosen) as server:
        answer = await server.ask(tool_call(MODERN, TOOL, path="intro.mp4"))
    asset = answer["result"]["structuredContent"]
    assert (asset["filename"], asset["status"]) == ("intro.mp4", "READY")


async def test_over_http_no_file_of_the_servers_machine_is_read(tmp_path: Path) -> None:
    """The caller's files are elsewhere: the tool is not there, whatever is set, and says why."""
    chosen = {"TRAX_MEDIA_DIRS": str(furnish(tmp_path))}
    async with (
        running("http", "--sandbox", "--port", "0", settings=chosen) as server,
        plain_http(await server.address()) as http,
    ):
        for era in ERAS:
            caller = HttpCaller(http, era)
            await caller.open()
            listed = read_answer(await caller.post(request(era, "tools/list")))
            assert TOOL not in [it["name"] for it in listed["result"]["tools"]]
            refused = await caller.call(TOOL, path="intro.mp4")
            code, message = error(refused)
            assert (code, "only on stdio" in message) == ("not_offered", True)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({}, "TRAX_MEDIA_DIRS"),
        ({"TRAX_GUARD_ALSO": "create_media_upload"}, "TRAX_GUARD_ALSO"),
        ({"TRAX_READ_ONLY": "1"}, "TRAX_READ_ONLY"),
        ({"TRAX_TOOLS": "studios"}, "TRAX_TOOLS"),
    ],
)
async def test_on_stdio_it_is_there_where_the_operator_says_so(
    tmp_path: Path, more: dict[str, str], named: str
) -> None:
    """Not without folders, and not around what else they have set."""
    folder = furnish(tmp_path)
    chosen = {**more, "TRAX_MEDIA_DIRS": str(folder)} if more else {}
    async with running("--sandbox", settings=chosen) as server:
        listed = await server.ask(request(MODERN, "tools/list"))
        refused = await server.ask(tool_call(MODERN, TOOL, number=2, path="intro.mp4"))
    assert TOOL not in [it["name"] for it in listed["result"]["tools"]]
    code, message = error(refused["result"])
    assert (code in {"not_offered", "read_only"}, named in message) == (True, True)


async def test_a_signal_ends_it_during_an_upload(tmp_path: Path) -> None:
    """The storage is silent; nobody waits for it."""
    async with upstream() as trax:
        held = Held()
        trax.faults.add(held.fault, method="PUT")
        async with running(settings=settings(trax, furnish(tmp_path))) as server:
            await server.tell(tool_call(MODERN, TOOL, path="intro.mp4"))
            await held.arrived()
            assert await server.stop(signal.SIGTERM) == 0
        held.release()
    assert server.stderr.text == ""


def error(result: dict[str, Any]) -> tuple[str, str]:
    """The code of a failed call, and what it says."""
    told = result["structuredContent"]["error"]
    return told["code"], told["message"]
