"""Runs the conformance suite and the Inspector, both on node, each with a time limit."""

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

from proof.conformance.suite_results import (
    RefereeError,
    Revision,
    Run,
    Server,
    read_required,
    read_scenarios,
)
from tests import ROOT
from tests.support.server_process import environment

TIMEOUT_SECONDS: Final = 120
_SCENARIO_MS: Final = "10000"

Era = Literal["legacy", "modern"]
_PUBLISHER: Final = "node_modules/@modelcontextprotocol"
_INSPECTOR: Final = "inspector/clients/launcher/build/index.js"
_LINT_OPTIONS: Final = ("--format", "json", "-q", "--method", "tools/list", "--strict")


@dataclass(frozen=True, slots=True)
class CompletedProgram:
    """The result of a program."""

    code: int
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Lint:
    """The Inspector's result for a tool list."""

    transport: str
    era: Era
    tools: int
    code: int
    output: str
    seconds: float

    @property
    def problems(self) -> Sequence[str]:
        """The problems; without any, the Inspector prints nothing."""
        where = f"Inspector --strict, {self.transport}, {self.era}"
        if self.code or self.output:
            return [f"{where}: it ended with {self.code}, saying: {self.output}"]
        return [] if self.tools else [f"{where}: no tool was listed."]


@dataclass(frozen=True, slots=True)
class Referees:
    """The paths of node and the referees, and a folder for their files."""

    node: Path
    packages: Path
    scratch: Path

    async def run_suite(self, url: str, *, server: Server, revision: Revision) -> Run:
        """Run the suite on a server, with the requirements of a revision.

        Raises:
            RefereeError: it was not done in time, or wrote no readable files.
        """
        package = self.packages / _PUBLISHER / "conformance"
        folder = self.scratch / server / revision
        folder.mkdir(parents=True)
        arguments = ("server", "--url", url, "--requirements", revision, "--timeout", _SCENARIO_MS)
        completed = await self._run(package / "dist/index.js", *arguments, "-o", str(folder))
        if not (scenarios := read_scenarios(folder)):
            raise RefereeError(f"The suite has filed nothing. It said: {_last_output(completed)}")
        required = read_required(package, revision)
        return Run(server, revision, required, scenarios, completed.code, completed.seconds)

    async def lint_http(self, url: str, era: Era) -> Lint:
        """Lint the tool list of a server over HTTP."""
        return await self._lint("HTTP", era, target=(url, "--transport", "http"))

    async def lint_stdio(self, era: Era) -> Lint:
        """Start the product over stdio on the sandbox, and lint its tool list."""
        program = ("--", sys.executable, "-m", "trax_mcp", "--sandbox")
        return await self._lint("stdio", era, target=("--transport", "stdio"), program=program)

    async def _lint(
        self, transport: str, era: Era, *, target: Sequence[str], program: Sequence[str] = ()
    ) -> Lint:
        arguments = ("--cli", *target, *_LINT_OPTIONS, "--protocol-era", era, *program)
        completed = await self._run(self.packages / _PUBLISHER / _INSPECTOR, *arguments)
        output = completed.stderr.strip()
        return Lint(
            transport,
            era,
            _count_tools(completed.stdout),
            completed.code,
            output,
            completed.seconds,
        )

    async def _run(self, script: Path, *arguments: str) -> CompletedProgram:
        started_at = time.monotonic()
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
            async with asyncio.timeout(TIMEOUT_SECONDS):
                stdout, stderr = await process.communicate()
        except TimeoutError:
            raise RefereeError(f"{script} was not done in {TIMEOUT_SECONDS} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        code = process.returncode or 0
        return CompletedProgram(
            code, stdout.decode(), stderr.decode(), time.monotonic() - started_at
        )

    def _environment(self) -> Mapping[str, str]:
        """The environment with another home, because both write to the user's home."""
        home = str(self.scratch)
        return environment({}) | {"HOME": home, "USERPROFILE": home, "PATH": os.defpath}


def _count_tools(stdout: str) -> int:
    try:
        return len(json.loads(stdout)["result"]["tools"])
    except (ValueError, KeyError, TypeError):
        return 0


def _last_output(completed: CompletedProgram) -> str:
    return (completed.stderr or completed.stdout).strip()[-500:]
