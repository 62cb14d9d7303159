"""Runs the Dockerfile's instructions without a container engine, for `make image`.

They run in a folder that stands for the image, in which its command then runs. Not covered: the
real base image, its user, the layers and the network.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import venv
from asyncio.subprocess import PIPE
from pathlib import Path

from tests import ROOT
from tests.support.dockerfile import Instruction, instructions, only
from tests.support.jsonrpc import MODERN, HttpCaller
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, Running


def build(root: Path) -> None:
    """Run the instructions, with this Python as the base image's.

    Raises:
        subprocess.CalledProcessError: a command fails.
    """
    venv.create(root / "base", with_pip=True, symlinks=True)
    folder = root
    for it in instructions():
        match it:
            case Instruction("WORKDIR", text):
                folder = root / text.removeprefix("/")
                folder.mkdir()
            case Instruction("COPY", text) if "--from" not in text:
                for source in it.words()[:-1]:
                    _copy(ROOT / source, folder / source)
            case Instruction("RUN", text):
                command = ("/bin/sh", "-ec", text.replace("/opt/", f"{root}/opt/"))
                path = {"PATH": f"{root}/base/bin:{os.environ['PATH']}"}
                subprocess.run(  # noqa: S603  our own Dockerfile
                    command,
                    cwd=folder,
                    env=os.environ | path,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


async def check_running(root: Path) -> None:
    """Check that the command is healthy, answers and stops."""
    variables = dict(word.split("=", 1) for word in only("ENV").words())
    path = variables["PATH"].replace("/opt/", f"{root}/opt/").replace("$PATH", "/usr/bin:/bin")
    environment = variables | {"PATH": path, "HOME": "/nonexistent"}
    command = (*only("ENTRYPOINT").command(), "--port", "0", "--sandbox")
    server = Running(
        await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd="/"
        )
    )
    try:
        address = (await server.address()).replace("0.0.0.0", "127.0.0.1")  # noqa: S104  the address to replace
        health = only("HEALTHCHECK").command()
        for port, is_healthy in ((address.rpartition(":")[2], True), ("1", False)):
            done = subprocess.run(  # noqa: S603, ASYNC221  our own Dockerfile; nothing else runs
                [word.replace(only("EXPOSE").text, port) for word in health],
                env=environment,
                check=False,
                timeout=PATIENCE_SECONDS,
                stderr=subprocess.DEVNULL,
            )
            assert (done.returncode == 0) is is_healthy
        async with plain_http(address) as http:
            assert "structuredContent" in await HttpCaller(http, MODERN).call("list_studios")
        assert await server.stop(signal.SIGTERM) == 0
    finally:
        await server.leave()


def main() -> None:
    """Build and run the image, and check that no build tool is left and nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root)
        before = set(root.rglob("*"))
        installed = {path.name for path in root.glob("opt/**/site-packages/*")}
        assert "trax_mcp" in installed
        assert not {"pip", "setuptools", "wheel", "hatchling"} & installed
        asyncio.run(check_running(root))
        assert set(root.rglob("*")) == before
    print("The image's command ran without a container engine.")  # noqa: T201  shown by make


if __name__ == "__main__":
    main()
