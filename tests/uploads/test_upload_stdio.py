"""`upload_media` through a real process: on stdio, and on HTTP.

A sandbox in this process records what reaches TRaX and its storage.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests import ROOT
from tests.support.http_clients import plain_http
from tests.support.loopback_ports import closed_port
from tests.support.media_folders import make_media_folder
from tests.support.media_samples import MP4
from tests.support.product.faults import Fault
from tests.support.product.local_servers import Held, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import environment, running
from tests.support.simulated_person import ProgressLog
from tests.support.upload_storage import SIGNATURE
from tests.support.uploads import TOOL, redacted_path, upload_secrets
from tests.world.answers import plain_data_of
from tests.world.wire import MODERN, HttpWire, read_answer, request, tool_call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox


def settings(trax: Sandbox, *folders: Path) -> dict[str, str]:
    """The settings: a key, this TRaX, and the allowed folders."""
    return {
        "TRAX_API_KEY": SANDBOX_KEY,
        "TRAX_BASE_URL": trax.base_url,
        "TRAX_MEDIA_DIRS": os.pathsep.join(map(str, folders)),
    }


def proxies() -> dict[str, str]:
    """The variables of a proxy that refuses every connection."""
    names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    return dict.fromkeys(names, f"http://127.0.0.1:{closed_port()}")


def finish_processing_during_upload(trax: Sandbox) -> None:
    """Let three seconds pass while the storage responds to the next file."""
    trax.faults.add(Fault.followed_by(lambda: trax.clock.advance(3)), method="PUT")


async def test_a_client_uploads_a_file_over_stdio(tmp_path: Path) -> None:
    """Over real pipes and sockets, with progress, from the second of two folders.

    No proxy is used: it would see an address that is not encrypted.
    """
    folder, progress = make_media_folder(tmp_path), ProgressLog()
    async with upstream() as trax:
        finish_processing_during_upload(trax)
        command = StdioServerParameters(
            command=sys.executable,
            args=["-m", "trax_mcp"],
            env=environment(settings(trax, tmp_path / "outside", folder)) | proxies(),
            cwd=ROOT,
        )
        async with Client(command, mode=MODERN, cache=None) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            arguments = {"path": str(folder / "intro.mp4"), "folder": "Openers"}
            result = await client.call_tool(TOOL, arguments, progress_callback=progress)
        asset = trax.last_asset
    assert listed[-1] == TOOL
    assert (asset["status"], asset["folder"], asset["byteSize"]) == (
        "READY",
        "Openers",
        len(MP4),
    )
    assert plain_data_of(result) == asset
    sent = [
        (it.method, redacted_path(it.path), "authorization" in it.headers) for it in trax.requests
    ]
    assert sent == [
        ("POST", "/v1/media", True),
        ("PUT", "/uploads", False),
        ("GET", "/v1/media", True),
    ]
    assert [(done, total) for done, total, _ in progress.all] == [(0, 145)]


async def test_no_upload_url_is_returned_or_logged(tmp_path: Path) -> None:
    """At log level DEBUG: on success, refusal, redirect, disconnect, and with an insecure URL.

    At last a signal ends the server while the storage does not respond.
    """
    folder = make_media_folder(tmp_path)
    async with upstream() as trax:
        environment_settings = {**settings(trax, folder), "TRAX_LOG_LEVEL": "DEBUG"}
        async with running(settings=environment_settings) as server:
            finish_processing_during_upload(trax)
            answers = [await server.ask(tool_call(MODERN, TOOL, path="intro.mp4"))]
            redirect_headers = {"Location": f"{trax.base_url}/uploads/{SIGNATURE}"}
            for number, fault in enumerate(
                (
                    Fault.status(403, {"url": f"/uploads/{SIGNATURE}"}, headers=redirect_headers),
                    Fault.status(307, headers=redirect_headers),
                    Fault.dropped(),
                ),
                2,
            ):
                tries = 2 if fault.name.startswith("dropped") else 1
                trax.faults.add(fault, method="PUT", times=tries)
                call = tool_call(MODERN, TOOL, number=number, path="intro.mp4")
                answers.append(await server.ask(call))
            trusted, trax.base_url = trax.base_url, f"http://storage.example/{SIGNATURE}"
            answers.append(await server.ask(tool_call(MODERN, TOOL, number=9, path="intro.mp4")))
            trax.base_url = trusted
            held = Held()
            trax.faults.add(held.fault, method="PUT")
            await server.tell(tool_call(MODERN, TOOL, number=10, path="intro.mp4"))
            await held.arrived()
            assert await server.stop(signal.SIGTERM) == 0
            held.release()
    payloads = [it["result"].get("structuredContent", {}) for it in answers]
    assert [it.get("error", {}).get("code") for it in payloads] == [
        None,
        "upload_failed",
        "upload_failed",
        "unreachable",
        "bad_answer",
    ]
    secrets = [SIGNATURE, SANDBOX_KEY, *upload_secrets(trax)]
    assert len(secrets) == 2 + 1 + 5 + 5
    assert [it for it in secrets if it in server.stdout.text + server.stderr.text] == []
    assert "DEBUG" in server.stderr.text


async def test_over_http_the_upload_tool_is_not_offered(tmp_path: Path) -> None:
    """The caller's files are on another machine, so it is not listed, and a call says why."""
    environment_settings = {"TRAX_MEDIA_DIRS": str(make_media_folder(tmp_path))}
    async with (
        running("http", "--sandbox", "--port", "0", settings=environment_settings) as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpWire(http, MODERN)
        listed = read_answer(await caller.post(request(MODERN, "tools/list")))
        assert TOOL not in [it["name"] for it in listed["result"]["tools"]]
        error = (await caller.call(TOOL, path="intro.mp4"))["structuredContent"]["error"]
        assert (error["code"], "only on stdio" in error["message"]) == ("not_offered", True)
