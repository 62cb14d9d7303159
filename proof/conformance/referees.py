"""The referees' programs, run: the conformance suite and the Inspector, both on node.

What they are told is here, and where they leave what they saw; each has a time in which it must be
done, and is ended if it is not. What their findings are worth is not decided here.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from proof.conformance.results import (
    RefereeError,
    Revision,
    Run,
    Server,
    read_required,
    read_scenarios,
)
from tests import ROOT
from tests.processes import environment

PATIENCE_SECONDS: Final = 120
_SCENARIO_MS: Final = "10000"

Era = Literal["legacy", "modern"]
_PUBLISHER: Final = "node_modules/@modelcontextprotocol"
_INSPECTOR: Final = "inspector/clients/launcher/build/index.js"
_PLAINLY: Final = ("--format", "json", "-q", "--method", "tools/list", "--strict")


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Lint:
    """What the Inspector says of the tools that it is shown."""

    transport: str
    era: Era
    tools: int
    code: int
    words: str
    seconds: float

    @property
    def problems(self) -> Sequence[str]:
        """What it should not have said; it is quiet where all is well."""
        where = f"Inspector --strict, {self.transport}, {self.era}"
        if self.code or self.words:
            return [f"{where}: it ended with {self.code}, saying: {self.words}"]
        return [] if self.tools else [f"{where}: no tool was listed."]


@dataclass(frozen=True, slots=True)
class Referees:
    """Where node and the referees are, and a folder in which they may leave things."""

    node: Path
    packages: Path
    scratch: Path

    async def run_suite(self, url: str, *, server: Server, revision: Revision) -> Run:
        """Let the suite judge a server by what a revision requires.

        Raises:
            RefereeError: it was not done in time, or left no files that can be read.
        """
        package = self.packages / _PUBLISHER / "conformance"
        into = self.scratch / server / revision
        into.mkdir(parents=True)
        told = ("server", "--url", url, "--requirements", revision, "--timeout", _SCENARIO_MS)
        ended = await self._run(package / "dist/index.js", *told, "-o", str(into))
        if not (scenarios := read_scenarios(into)):
            raise RefereeError(f"The suite has filed nothing. It said: {_last_words(ended)}")
        required = read_required(package, revision)
        return Run(server, revision, required, scenarios, ended.code, ended.seconds)

    async def lint_http(self, url: str, era: Era) -> Lint:
        """Let the Inspector judge the tools that a server lists over HTTP."""
        return await self._lint("HTTP", era, target=(url, "--transport", "http"))

    async def lint_stdio(self, era: Era) -> Lint:
        """Let the Inspector start the product on stdio, on the sandbox, and judge its tools."""
        program = ("--", sys.executable, "-m", "trax_mcp", "--sandbox")
        return await self._lint("stdio", era, target=("--transport", "stdio"), program=program)

    async def _lint(
        self, transport: str, era: Era, *, target: Sequence[str], program: Sequence[str] = ()
    ) -> Lint:
        told = ("--cli", *target, *_PLAINLY, "--protocol-era", era, *program)
        ended = await self._run(self.packages / _PUBLISHER / _INSPECTOR, *told)
        words = ended.stderr.strip()
        return Lint(transport, era, _count_tools(ended.stdout), ended.code, words, ended.seconds)

    async def _run(self, script: Path, *arguments: str) -> Ended:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            self.node,
            script,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environment(),
            cwd=ROOT,
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                stdout, stderr = await process.communicate()
        except TimeoutError:
            raise RefereeError(f"{script} was not done in {PATIENCE_SECONDS} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        code = process.returncode or 0
        return Ended(code, stdout.decode(), stderr.decode(), time.monotonic() - began)

    def _environment(self) -> Mapping[str, str]:
        """Both keep things in the user's home, which is not to be touched."""
        home = str(self.scratch)
        return environment({}) | {"HOME": home, "USERPROFILE": home, "PATH": os.defpath}


def _count_tools(stdout: str) -> int:
    try:
        return len(json.loads(stdout)["result"]["tools"])
    except (ValueError, KeyError, TypeError):
        return 0


def _last_words(ended: Ended) -> str:
    return (ended.stderr or ended.stdout).strip()[-500:]
