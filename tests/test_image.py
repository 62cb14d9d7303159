"""The Dockerfile: it names what is there, and its command and its health check do what they should.

`make image` carries it out, as far as that can be done without a container engine.
"""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL
from typing import TYPE_CHECKING

from tests import ROOT
from tests.dockerfile import PORT, copied, instructions, only, variables
from tests.front import plain_http
from tests.jsonrpc import MODERN, HttpCaller, request
from tests.processes import PATIENCE_SECONDS, environment, running
from tests.project import PROJECT, needed_to_build
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRYPOINT = only("ENTRYPOINT").command()


async def is_healthy(address: str, settings: Mapping[str, str] | None = None) -> bool:
    """What the image's health check says of a server at this address."""
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


def test_what_is_copied_is_there_and_is_what_the_build_needs() -> None:
    """Nothing else reaches the build at all: no key file, no history, no environment."""
    assert copied() == needed_to_build()
    assert all((ROOT / source).exists() for source in copied())
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied()


def test_both_stages_stand_on_one_small_python_that_the_project_runs_on() -> None:
    """An environment that was built for one Python does not run on another."""
    bases = {it.words()[0] for it in instructions() if it.name == "FROM"}
    (base,) = bases
    found = re.fullmatch(r"python:3\.(\d+)-slim", base)
    assert found is not None
    assert PROJECT["requires-python"] == ">=3.11"
    assert int(found[1]) >= 11


def test_it_runs_as_nobody_in_particular() -> None:
    """A number: a host that refuses root cannot look a name up."""
    user, _, group = only("USER").text.partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_it_holds_no_setting_and_no_key() -> None:
    """Whoever runs it chooses; a key in an image is everybody's."""
    settings = {f"TRAX_{name.upper()}" for name in Settings.model_fields}
    assert not settings & set(variables())
    assert variables()["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "TRAX_" not in " ".join(it.text for it in instructions())


async def test_its_health_check_tells_a_server_from_none() -> None:
    """It asks this machine itself, whatever proxy is set."""
    async with running("http", "--sandbox", "--port", "0") as server:
        address = await server.address()
        assert await is_healthy(address)
        assert await is_healthy(address, {"HTTP_PROXY": "http://127.0.0.1:1"})
    assert not await is_healthy(address)


async def test_its_health_check_says_no_to_a_server_that_is_another() -> None:
    """An answer is not enough: the sandbox's own API has no `/healthz`."""
    async with running("sandbox", "--port", "0") as other:
        assert not await is_healthy(await other.address())


async def test_its_command_listens_everywhere_and_answers_by_known_names_alone() -> None:
    """Inside a container loopback would be reached by nobody; the names still guard it."""
    program, *arguments = ENTRYPOINT
    assert program in PROJECT["scripts"]
    settings = {"TRAX_ALLOWED_HOSTS": "trax"}
    async with running(*arguments, "--port", "0", "--sandbox", settings=settings) as server:
        address = await server.address()
        assert address.startswith("http://0.0.0.0:")
        async with plain_http(address.replace("0.0.0.0", "127.0.0.1")) as http:  # noqa: S104  as it says
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


async def test_the_port_that_is_exposed_and_checked_is_the_one_that_it_listens_on() -> None:
    """The command does not name it, so it is the program's own."""
    assert "--port" not in ENTRYPOINT
    async with running(*ENTRYPOINT[1:], "--help") as asked:
        await asked.end()
    assert only("EXPOSE").text == PORT
    assert f"({PORT})" in asked.stdout.text
    assert f"127.0.0.1', {PORT}," in only("HEALTHCHECK").text
