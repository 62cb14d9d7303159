"""The official suite and the Inspector judge the server as it is started, in both protocol eras.

What the suite may find is in `expected-failures-*.yml`, with the reason. Run one after the other,
since some of the suite's checks wait for half a second only.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests import ROOT
from tests.support.hosted_process import hosted_server
from tests.support.http_clients import plain_http
from tests.support.loopback_ports import held_port
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import environment, running
from tests.world.oauth import OAuthSteps

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path

NODE: Final = ROOT / "build/tools/bin/node"
PACKAGES: Final = ROOT / "build/referees/node_modules/@modelcontextprotocol"
SUITE: Final = PACKAGES / "conformance/dist/index.js"
INSPECTOR: Final = PACKAGES / "inspector/clients/launcher/build/index.js"
SECONDS: Final = 120
SCENARIO_MS: Final = "10000"
ACCEPTED: Final = ("Path: outputSchema.", "Issue: `type` is an array")
"""Of a warning: that a type or null is written as a list. Models never get output schemas, and for
clients it is plain JSON Schema."""
SUMMARY: Final = re.compile(r"^\d+ errors?, \d+ warnings? across \d+ tools?\.$", re.MULTILINE)


@asynccontextmanager
async def node(
    folder: Path, script: Path, *arguments: str, stderr: int = STDOUT
) -> AsyncIterator[Process]:
    """Run a script on node, with a home of its own, since both write into it."""
    variables = {"HOME": str(folder), "USERPROFILE": str(folder), "PATH": os.defpath}
    process = await asyncio.create_subprocess_exec(
        NODE,
        script,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=stderr,
        env=environment({}) | variables,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
async def test_the_suite_finds_what_is_expected_and_nothing_else(
    revision: str, tmp_path: Path
) -> None:
    """It runs every scenario that the revision requires, and compares with our file itself."""
    expected = ROOT / f"proof/conformance/expected-failures-{revision}.yml"
    options = ("--expected-failures", str(expected), "--timeout", SCENARIO_MS)
    async with running("http", "--port", "0", "--sandbox") as server:
        url = f"{await server.address()}/mcp"
        what = ("server", "--url", url, "--requirements", revision, "-o", str(tmp_path / "results"))
        async with node(tmp_path, SUITE, *what, *options) as suite:
            said, _ = await suite.communicate()
    assert suite.returncode == 0, said.decode()


async def test_the_suite_signs_in_at_the_authorization_server(tmp_path: Path) -> None:
    """All that it has for such servers: their metadata, and a sign-in from request to token."""
    said = []
    async with AsyncExitStack() as stack:
        port = stack.enter_context(held_port())
        callback = f"http://127.0.0.1:{port}/callback"
        server = await stack.enter_async_context(hosted_server(tmp_path, "--sandbox"))
        person = await stack.enter_async_context(OAuthSteps(server.address, redirect_uri=callback))
        (await person.register()).raise_for_status()
        results, issuer = tmp_path / "results", server.address
        options = ("--client-id", person.client_id, "--resource", f"{issuer}/mcp", "-p", str(port))
        what = ("authorization", "--url", issuer, *options, "-o", str(results))
        async with node(tmp_path, SUITE, *what) as suite:
            async for line in suite.stdout or asyncio.StreamReader():
                said.append(line.decode())
                if said[-1].startswith(f"{issuer}/authorize?"):
                    back = await person.connected(said[-1].strip(), SANDBOX_KEY)
                    async with plain_http(callback) as browser:
                        await browser.get(back)
            code = await suite.wait()
    checks = [
        (it["id"], it["status"])
        for file in results.glob("*/checks.json")
        for it in json.loads(file.read_text(encoding="utf-8"))
    ]
    assert sorted(checks) == [
        ("authorization-code-grant", "SUCCESS"),
        ("authorization-server-metadata", "SUCCESS"),
        ("authorization-server-metadata-cimd", "SUCCESS"),
    ], "".join(said)
    assert code == 0


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_the_inspector_has_nothing_to_say_about_the_tools(
    transport: str, era: str, tmp_path: Path
) -> None:
    """In its strict mode, but for one warning that is accepted."""
    options = ("--format", "json", "-q", "--method", "tools/list", "--strict")
    async with running("http", "--port", "0", "--sandbox") as server:
        target = (f"{await server.address()}/mcp",) if transport == "http" else ()
        program = () if target else ("--", sys.executable, "-m", "trax_mcp", "--sandbox")
        asked = ("--cli", *target, "--transport", transport, *options, "--protocol-era", era)
        async with node(tmp_path, INSPECTOR, *asked, *program, stderr=PIPE) as inspector:
            stdout, stderr = await inspector.communicate()
    # A blank line follows each warning.
    warnings = filter(None, (it.strip() for it in SUMMARY.sub("", stderr.decode()).split("\n\n")))
    assert [it for it in warnings if not all(text in it for text in ACCEPTED)] == []
    assert inspector.returncode == 0
    assert json.loads(stdout)["result"]["tools"]
