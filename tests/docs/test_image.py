"""The Dockerfile: its sources exist, it holds no key and runs unprivileged, its command serves.

`make image` lints it and runs it, as far as that is possible without a container engine.
"""

from __future__ import annotations

import re

from release.declared import (
    BUILD_REQUIREMENTS,
    PROJECT,
    REQUIREMENTS,
    build_sources,
    instructions,
    only,
)
from tests import ROOT
from tests.support.http_clients import plain_http
from tests.support.server_process import running
from tests.world.wire import MODERN, HttpWire, request


def test_only_the_files_that_the_build_needs_are_copied() -> None:
    """No other file reaches the build: no key file, no history."""
    copies = [it for it in instructions() if it.name == "COPY" and "--from" not in it.text]
    copied = {source for it in copies for source in it.words()[:-1]}
    assert copied == build_sources() | {
        str(it.relative_to(ROOT)) for it in (REQUIREMENTS, BUILD_REQUIREMENTS)
    }
    assert all((ROOT / source).exists() for source in copied)
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied


def test_image_runs_as_a_numeric_user_without_settings_on_one_slim_python() -> None:
    """A host that refuses root cannot look up a name, and a key in an image is public.

    A tag may be moved to another image, a digest may not.
    """
    user, _, group = only("USER").text.partition(":")
    assert min(int(user), int(group)) > 0
    assert "TRAX_" not in " ".join(it.text for it in instructions())
    # An environment that is built for one Python does not run on another.
    assert {it.words()[0] for it in instructions() if it.name == "FROM"} == {"$BASE"}
    assert re.fullmatch(r"BASE=python:3\.13-slim@sha256:[0-9a-f]{64}", only("ARG").text)
    assert PROJECT["requires-python"] == ">=3.11"


async def test_command_listens_on_all_interfaces_and_serves_known_hosts_only() -> None:
    """Loopback is not reachable from outside a container. The default port is the exposed one."""
    program, *arguments = only("ENTRYPOINT").command()
    assert program in PROJECT["scripts"]
    assert "--port" not in arguments
    assert f"127.0.0.1', {only('EXPOSE').text}," in only("HEALTHCHECK").text
    settings = {"TRAX_ALLOWED_HOSTS": "trax"}
    async with running(*arguments, "--port", "0", "--sandbox", settings=settings) as server:
        address = await server.address()
        assert address.startswith("http://0.0.0.0:")
        async with plain_http(address.replace("0.0.0.0", "127.0.0.1")) as http:  # noqa: S104  the address to replace
            message = request(MODERN, "tools/list")
            statuses = {
                host: (await HttpWire(http, MODERN).post(message, host=host)).status_code
                for host in ("localhost:8765", "trax", "trax:8765", "trax.example.com")
            }
    assert statuses == {
        "localhost:8765": 200,
        "trax": 200,
        "trax:8765": 200,
        "trax.example.com": 421,
    }
