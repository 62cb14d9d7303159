"""The Dockerfile: its sources exist, and its command and health check work.

`make image` runs it, as far as that is possible without a container engine.
"""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL
from typing import TYPE_CHECKING

from tests import ROOT
from tests.support.dockerfile import PORT, copied, instructions, only, variables
from tests.support.jsonrpc import MODERN, HttpCaller, request
from tests.support.pyproject import PROJECT, build_sources
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, environment, running
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRYPOINT = only("ENTRYPOINT").command()


async def is_healthy(address: str, settings: Mapping[str, str] | None = None) -> bool:
    """Whether the image's health check succeeds for a server at this address."""
    python, *words = only("HEALTHCHECK").command()
    assert python == "python"
    port = address.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(word.replace(PORT, port) for word in words),
        env=environment(settings or {}),
        stderr=DEVNULL,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await process.wait() == 0


def test_the_copied_files_exist_and_are_what_the_build_needs() -> None:
    """No other file reaches the build: no key file, no history."""
    assert copied() == build_sources()
    assert all((ROOT / source).exists() for source in copied())
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied()


def test_both_stages_use_the_same_slim_python_that_the_project_supports() -> None:
    """An environment built for one Python does not run on another."""
    bases = {it.words()[0] for it in instructions() if it.name == "FROM"}
    (base,) = bases
    found = re.fullmatch(r"python:3\.(\d+)-slim", base)
    assert found is not None
    assert PROJECT["requires-python"] == ">=3.11"
    assert int(found[1]) >= 11


def test_the_image_runs_as_an_unprivileged_numeric_user() -> None:
    """A host that refuses root cannot look up a name."""
    user, _, group = only("USER").text.partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_image_contains_no_setting_and_no_key() -> None:
    """A key in an image is public."""
    settings = {f"TRAX_{name.upper()}" for name in Settings.model_fields}
    assert not settings & set(variables())
    assert variables()["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "TRAX_" not in " ".join(it.text for it in instructions())


async def test_the_health_check_detects_a_stopped_server() -> None:
    """It connects directly, even if a proxy is set."""
    async with running("http", "--sandbox", "--port", "0") as server:
        address = await server.address()
        assert await is_healthy(address)
        assert await is_healthy(address, {"HTTP_PROXY": "http://127.0.0.1:1"})
    assert not await is_healthy(address)


async def test_the_health_check_fails_for_another_server() -> None:
    """A response is not enough: the sandbox's API has no `/healthz`."""
    async with running("sandbox", "--port", "0") as other:
        assert not await is_healthy(await other.address())


async def test_the_command_listens_on_all_interfaces_and_serves_known_hosts_only() -> None:
    """Loopback is not reachable from outside a container."""
    program, *arguments = ENTRYPOINT
    assert program in PROJECT["scripts"]
    settings = {"TRAX_ALLOWED_HOSTS": "trax"}
    async with running(*arguments, "--port", "0", "--sandbox", settings=settings) as server:
        address = await server.address()
        assert address.startswith("http://0.0.0.0:")
        async with plain_http(address.replace("0.0.0.0", "127.0.0.1")) as http:  # noqa: S104  the address to replace
            statuses = {
                host: (
                    await HttpCaller(http, MODERN).post(request(MODERN, "tools/list"), host=host)
                ).status_code
                for host in ("localhost:8765", "trax", "trax:8765", "trax.example.com")
            }
    assert statuses == {
        "localhost:8765": 200,
        "trax": 200,
        "trax:8765": 200,
        "trax.example.com": 421,
    }


async def test_the_exposed_and_checked_port_is_the_default_port() -> None:
    """The command does not set a port."""
    assert "--port" not in ENTRYPOINT
    async with running(*ENTRYPOINT[1:], "--help") as help_process:
        await help_process.end()
    assert only("EXPOSE").text == PORT
    assert f"({PORT})" in help_process.stdout.text
    assert f"127.0.0.1', {PORT}," in only("HEALTHCHECK").text
