"""Runs the Dockerfile's instructions without a container engine, for `make image`.

They run in a folder that stands for the image, in which its command then runs. Not covered: the
real base image, its user, the layers and the network. What is installed there is written down as a
bill of materials.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from asyncio.subprocess import PIPE
from pathlib import Path

from release.declared import REQUIREMENTS, Instruction, instructions, locked, only
from tests import ROOT
from tests.support.http_clients import plain_http
from tests.support.product.server import VERSION
from tests.support.server_process import PATIENCE_SECONDS, Running
from tests.world.wire import MODERN, HttpWire

UNDECLARED = {"protobuf"}
"""What declares no licence. Its text has BSD-3-Clause."""


def build(root: Path) -> None:
    """Run the instructions, with this Python as the base image's."""
    venv.create(root / "base", with_pip=True, symlinks=True)
    path = {"PATH": f"{root}/base/bin:{os.environ['PATH']}"}
    folder = root
    for it in instructions():
        match it:
            case Instruction("WORKDIR", text):
                folder = root / text.removeprefix("/")
                folder.mkdir()
            case Instruction("COPY", text) if "--from" not in text:
                for source in it.words()[:-1]:
                    (folder / source).parent.mkdir(exist_ok=True)
                    copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                    copy(ROOT / source, folder / source)
            case Instruction("RUN", text):
                command = ("/bin/sh", "-ec", text.replace("/opt/", f"{root}/opt/"))
                subprocess.run(
                    command,
                    cwd=folder,
                    env=os.environ | path,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )


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
            done = subprocess.run(  # noqa: ASYNC221  nothing else runs
                [word.replace(only("EXPOSE").text, port) for word in health],
                env=environment,
                check=False,
                timeout=PATIENCE_SECONDS,
                stderr=subprocess.DEVNULL,
            )
            assert (done.returncode == 0) is is_healthy
        async with plain_http(address) as http:
            assert "structuredContent" in await HttpWire(http, MODERN).call("list_studios")
        assert await server.stop(signal.SIGTERM) == 0
    finally:
        await server.leave()


def write_bill(root: Path, program: Path, bill: Path) -> None:
    """Write the bill of materials, in CycloneDX, and check that it names what is locked."""
    declared = root / "pyproject.toml"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared.write_text(text.replace('dynamic = ["version"]', f'version = "{VERSION}"'), "utf-8")
    options = ("--output-reproducible", "--pyproject", declared, "--output-file", bill)
    python = root / "opt/trax-mcp/bin/python"
    subprocess.run([program, "environment", *options, python], check=True)
    declared.unlink()
    found = json.loads(bill.read_text(encoding="utf-8"))
    assert str(root) not in bill.read_text(encoding="utf-8")
    assert "timestamp" not in found["metadata"]
    assert found["metadata"]["component"]["version"] == VERSION
    assert {it["purl"] for it in found["components"]} == {
        f"pkg:pypi/{name}@{version}" for name, version in locked(REQUIREMENTS).items()
    }
    assert {it["name"] for it in found["components"] if "licenses" not in it} <= UNDECLARED


def main() -> None:
    """Build and run the image, and check that no build tool is left and nothing is written."""
    program, bill = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root)
        write_bill(root, program, bill)
        before = set(root.rglob("*"))
        installed = {path.name for path in root.glob("opt/trax-mcp/**/site-packages/*")}
        assert "trax_mcp" in installed
        assert not {"pip", "setuptools", "wheel", "hatchling"} & installed
        asyncio.run(check_running(root))
        assert set(root.rglob("*")) == before
    print(f"The image's command ran without a container engine. {bill} lists what is in it.")


if __name__ == "__main__":
    main()
