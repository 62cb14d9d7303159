"""Runs the conformance suite and the Inspector on node, and reads what the suite writes.

The suite writes one folder for each scenario, with its checks as JSON. Its package has the
requirements of each revision of the specification.
"""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests import ROOT
from tests.support.server_process import environment

Server = Literal["overlaid", "bare"]
Revision = Literal["2025-11-25", "2026-07-28"]
Era = Literal["legacy", "modern"]

TIMEOUT_SECONDS: Final = 120
_SCENARIO_MS: Final = "10000"
_PUBLISHER: Final = "node_modules/@modelcontextprotocol"
_INSPECTOR: Final = "inspector/clients/launcher/build/index.js"
_LINT_OPTIONS: Final = ("--format", "json", "-q", "--method", "tools/list", "--strict")
_ACCEPTED: Final = ("Path: outputSchema.", "Issue: `type` is an array")
"""Of a warning: that a type or null is written as a list. Models never get output schemas, and for
clients it is plain JSON Schema."""
_SUMMARY: Final = re.compile(r"^\d+ errors?, \d+ warnings? across \d+ tools?\.$", re.MULTILINE)
_STDIO: Final = ("--", sys.executable, "-m", "trax_mcp", "--sandbox")
_FOLDER: Final = re.compile(r"(?:authorization-)?server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_SCORED: Final = re.compile(r"^server:\n((?:  - \S+\n)+)", re.MULTILINE)
_NOT_SCORED: Final = re.compile(r"- scenario: (\S+)\n    leg: server\n")


class ProgramError(RuntimeError):
    """A program could not run; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `status` is the suite's."""

    id: str
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite: the required scenarios, the checks by scenario, and its exit code."""

    server: Server
    revision: Revision
    scored: frozenset[str]
    not_scored: frozenset[str]
    scenarios: Mapping[str, Sequence[Check]]
    code: int


@dataclass(frozen=True, slots=True)
class Completed:
    """The result of a program."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs in `packages`. They may write to `scratch`."""

    node: Path
    packages: Path
    scratch: Path

    async def run_suite(self, url: str, *, server: Server, revision: Revision) -> Run:
        """Run all scenarios of a revision against a server.

        Raises:
            ProgramError: the suite wrote no results, or unknown ones.
        """
        package = self.packages / _PUBLISHER / "conformance"
        results = self.scratch / server / revision
        results.mkdir(parents=True)
        options = ("--requirements", revision, "--timeout", _SCENARIO_MS, "-o", str(results))
        done = await self._run(package / "dist/index.js", "server", "--url", url, *options)
        if not (scenarios := read_scenarios(results)):
            said = (done.stderr or done.stdout).strip()[-500:]
            raise ProgramError(f"The suite has filed nothing. It said: {said}")
        text = (package / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
        if (scored := _SCORED.search(text)) is None:
            raise ProgramError(f"The suite's requirements of {revision} cannot be read.")
        names = scored[1].replace("  - ", "").split()
        not_scored = frozenset(_NOT_SCORED.findall(text))
        return Run(server, revision, frozenset(names), not_scored, scenarios, done.code)

    async def run_authorization(
        self, issuer: str, *, client_id: str, port: int, sign_in: Callable[[str], Awaitable[None]]
    ) -> Mapping[str, Sequence[Check]]:
        """Run the scenarios for authorization servers; `sign_in` is a person at an address.

        Raises:
            ProgramError: the suite wrote no results, or asked nobody to sign in.
        """
        results = self.scratch / "authorization"
        results.mkdir()
        resource = ("--resource", f"{issuer}/mcp", "-p", str(port), "-o", str(results))
        options = ("--url", issuer, "--client-id", client_id, *resource)
        script = self.packages / _PUBLISHER / "conformance/dist/index.js"
        async with self._started(script, "authorization", *options) as process:
            async for line in process.stdout or asyncio.StreamReader():
                if line.decode().startswith(f"{issuer}/authorize?"):
                    await sign_in(line.decode().strip())
            await process.wait()
        return read_scenarios(results)

    async def lint(self, era: Era, url: str = "") -> tuple[int, str]:
        """Lint the tool list over HTTP, or over stdio without a URL: number of tools, complaint."""
        target = (url, "--transport", "http") if url else ("--transport", "stdio")
        program = () if url else _STDIO
        script = self.packages / _PUBLISHER / _INSPECTOR
        options = (*_LINT_OPTIONS, "--protocol-era", era)
        done = await self._run(script, "--cli", *target, *options, *program)
        complaint = unexpected_warnings(done.stderr)
        complaint = complaint or (f"it ended with {done.code}" if done.code else "")
        try:
            return len(json.loads(done.stdout)["result"]["tools"]), complaint
        except (ValueError, KeyError, TypeError):
            return 0, complaint or "it has listed no tools"

    async def _run(self, script: Path, *arguments: str) -> Completed:
        async with self._started(script, *arguments) as process:
            stdout, stderr = await process.communicate()
        return Completed(process.returncode or 0, stdout.decode(), stderr.decode())

    @asynccontextmanager
    async def _started(self, script: Path, *arguments: str) -> AsyncIterator[Process]:
        # Another home, because both write to the user's home.
        home = str(self.scratch)
        variables = {"HOME": home, "USERPROFILE": home, "PATH": os.defpath}
        process = await asyncio.create_subprocess_exec(
            self.node,
            script,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=environment({}) | variables,
            cwd=ROOT,
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                yield process
        except TimeoutError:
            raise ProgramError(f"{script} was not done in {TIMEOUT_SECONDS} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def unexpected_warnings(output: str) -> str:
    """The Inspector's warnings without those that are accepted, and without its summary.

    A blank line follows each.
    """
    parts = filter(None, (it.strip() for it in _SUMMARY.sub("", output).split("\n\n")))
    return "\n".join(it for it in parts if not all(text in it for text in _ACCEPTED))


def read_scenarios(folder: Path) -> Mapping[str, Sequence[Check]]:
    """Read the suite's output folder.

    Raises:
        ProgramError: it has unknown content.
    """
    scenarios = {}
    for it in sorted(folder.iterdir()):
        if (match := _FOLDER.fullmatch(it.name)) is None:
            raise ProgramError(f"The suite has filed something else: {it.name}")
        scenarios[match["scenario"]] = _read_checks(it / "checks.json")
    return scenarios


def _read_checks(file: Path) -> Sequence[Check]:
    if not file.exists():  # the suite creates the folder first
        return [Check("scenario-crash", "FAILURE", "The suite gave it up.")]
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return [Check(it["id"], it["status"], it.get("errorMessage") or "") for it in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProgramError(f"The suite's {file} cannot be read: {error!r}") from None
