"""Runs the Dockerfile's instructions without a container engine, for `make image`.

They run in a folder that stands for the image. Its command runs there as its user, with a read-only
file system. Not covered: the real base image, the layers and the network.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from tests import ROOT
from tests.support.dockerfile import PORT, instructions, only, variables
from tests.support.jsonrpc import MODERN, HttpCaller, request
from tests.support.server_process import PATIENCE_SECONDS, Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.support.dockerfile import Instruction

_CONFINE = """
mount -o remount,bind,ro /
user=$1 group=$2
shift 2
exec setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs \
    --bounding-set=-all,+dac_read_search --inh-caps=-all,+dac_read_search \
    --ambient-caps=-all,+dac_read_search -- "$@"
"""
# It may read root's files, since this machine's Python may be there, and write nothing.
_CONFINED: Final = ("unshare", "--mount", "sh", "-ec", _CONFINE, "sh")


@dataclass(frozen=True, slots=True)
class Image:
    """A folder that stands for the image's `/`, with this Python as the base image's."""

    root: Path

    def build(self) -> None:
        """Run the instructions.

        Raises:
            subprocess.CalledProcessError: a command fails.
        """
        venv.create(self.root / "base", with_pip=True, symlinks=True)
        folder = self.root
        for instruction in instructions():
            match instruction.name:
                case "WORKDIR":
                    folder = self._inside(instruction.text)
                    folder.mkdir(parents=True)
                case "COPY" if instruction.option("from") is None:
                    self._copy(instruction, folder)
                case "RUN":
                    self._run(instruction.text.replace("/opt/", f"{self.root}/opt/"), folder)

    def files(self) -> frozenset[Path]:
        """All files of the image."""
        return frozenset(self.root.rglob("*"))

    def variables(self) -> dict[str, str]:
        """Its environment, without a home folder."""
        before = {"PATH": f"{self.root}/base/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
        values = {
            name: value.replace("/opt/", f"{self.root}/opt/") for name, value in _image_variables()
        }
        return before | {name: it.replace("$PATH", before["PATH"]) for name, it in values.items()}

    def _inside(self, path: str) -> Path:
        return self.root / path.removeprefix("/")

    def _copy(self, instruction: Instruction, folder: Path) -> None:
        *sources, target = instruction.words()
        for source in sources:
            if (ROOT / source).is_dir():
                no_bytecode = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, folder / target, ignore=no_bytecode)
            else:
                shutil.copy(ROOT / source, folder / target)

    def _run(self, words: str, folder: Path) -> None:
        env = {**os.environ, "PATH": f"{self.root}/base/bin:{os.environ['PATH']}"}
        subprocess.run(  # noqa: S603  our own Dockerfile
            ("/bin/sh", "-ec", words), cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
        )


def _image_variables() -> Sequence[tuple[str, str]]:
    return tuple(variables().items())


@asynccontextmanager
async def running_image(image: Image, prefix: Sequence[str]) -> AsyncIterator[Running]:
    """Start its command as its user, in its own environment."""
    command = (*prefix, *only("ENTRYPOINT").command(), "--port", "0", "--sandbox")
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=image.variables(), cwd="/"
    )
    running = Running(process)
    try:
        yield running
    finally:
        await running.leave()


async def check_running(image: Image, prefix: Sequence[str]) -> None:
    """Check that it is healthy, answers on loopback but to no other host name, and stops."""
    async with running_image(image, prefix) as server:
        port = (await server.address()).rpartition(":")[2]
        check_health(image, port)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS, trust_env=False
        ) as http:
            caller = HttpCaller(http, MODERN)
            assert "structuredContent" in await caller.call("list_studios")
            refused = await caller.post(request(MODERN, "tools/list"), host="trax.example.com")
            assert refused.status_code == httpx.codes.MISDIRECTED_REQUEST
        assert await server.stop(signal.SIGTERM) == 0


def check_health(image: Image, port: str) -> None:
    """Check that the health check succeeds, and fails where no server listens."""
    command = only("HEALTHCHECK").command()
    for tried, healthy in ((port, True), ("1", False)):
        words = [word.replace(PORT, tried) for word in command]
        env = image.variables()
        done = subprocess.run(  # noqa: S603  our own Dockerfile
            words, env=env, check=False, timeout=PATIENCE_SECONDS, stderr=subprocess.DEVNULL
        )
        assert (done.returncode == 0) is healthy


def check_no_build_tools(image: Image) -> None:
    """Check that no build or installation tool is left."""
    installed = {path.name for path in image.root.glob("opt/**/site-packages/*")}
    assert "trax_mcp" in installed
    assert not {"pip", "setuptools", "wheel", "hatchling"} & installed
    assert not list(image.root.glob("**/bin/pip*"))


def confining_command(image: Image) -> Sequence[str]:
    """The command prefix that prevents writing; empty if this machine cannot do that."""
    if sys.platform != "linux" or os.getuid() != 0 or shutil.which("unshare") is None:
        return ()
    user, _, group = only("USER").text.partition(":")
    confined = (*_CONFINED, user, group)
    cannot_write = ("sh", "-c", '! touch "$0"', str(image.root / "written"))
    tried = subprocess.run((*confined, *cannot_write), check=False, stderr=subprocess.DEVNULL)  # noqa: S603  ours
    return confined if tried.returncode == 0 else ()


def main() -> None:
    """Build and run the image, and check that it writes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        image = Image(Path(folder))
        image.root.chmod(0o755)
        image.build()
        check_no_build_tools(image)
        before, confined = image.files(), confining_command(image)
        asyncio.run(check_running(image, confined))
        assert image.files() == before
    user = f"user {only('USER').text}, on a read-only file system" if confined else "you"
    print(f"The image's command ran without a container engine, as {user}.")  # noqa: T201  shown by make


if __name__ == "__main__":
    main()
