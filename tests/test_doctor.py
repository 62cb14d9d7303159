"""`trax-mcp doctor` as a person and a program see it: real processes, a TRaX on a port, a home."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doctor_states import (
    DOCTOR_STATES,
    SECRETS,
    SNAPSHOTS,
    DoctorState,
    file_of,
    kept,
    said_in,
    see,
)
from tests.homes import Home
from tests.ports import Held, upstream
from tests.processes import PATIENCE_SECONDS, environment
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.error_responses import ErrorResponse, refused
from trax_mcp.api.models import Health
from trax_mcp.api.operations import GetHealth, GetOpenapi, ListStudios
from trax_mcp.cli.checks import Check, State, is_well
from trax_mcp.cli.trax_checks import (
    OF_A_STUDIO,
    OF_THE_ACCOUNT,
    ProbeResult,
    judge_scopes,
    judge_trax,
)
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from trax_mcp.api.errors import Failure
    from trax_mcp.cli.trax_checks import Read
    from trax_mcp.sandbox import Sandbox
    from trax_mcp.sandbox.messages import Answer, Answerer, Request

PUBLIC: Final = ("/v1/health", "/v1/openapi.json")
FIRST: Final = (*PUBLIC, "/v1/studios", "/v1/connections", "/v1/media")
STUDIO: Final = "/v1/studios/studio_42"
SECOND: Final = tuple(
    f"{STUDIO}/{it}" for it in ("destinations", "sources", "stream-status", "chat/messages")
)
MARKS: Final = {"ok": "✓", "failed": "✗", "warning": "!", "not_checked": "·"}

NO_KEY: Final = {"name": "", "state": "not_checked", "detail": "Not seen: see key."}
TOLD_WITHOUT_A_KEY: Final = {
    "ok": False,
    "checks": [
        {
            "name": "settings",
            "state": "ok",
            "detail": "Read from the environment: TRAX_BASE_URL.",
        },
        {
            "name": "key",
            "state": "failed",
            "detail": "There is none.",
            "remedy": "Make one on TRaX's Developer / API Keys screen,"
            " then run trax-mcp install CLIENT.",
        },
        {"name": "reach", "state": "ok", "detail": "http://127.0.0.1:PORT answers."},
        NO_KEY | {"name": "access"},
        {"name": "writes", "state": "ok", "detail": "TRaX takes changes."},
        {
            "name": "contract",
            "state": "ok",
            "detail": "It is the one that is built in (1.3.0).",
        },
        NO_KEY | {"name": "studios:read"},
        NO_KEY | {"name": "destinations:read"},
        NO_KEY | {"name": "sources:read"},
        NO_KEY | {"name": "stream:read"},
        NO_KEY | {"name": "chat:read"},
        NO_KEY | {"name": "connections:read"},
        NO_KEY | {"name": "media:read"},
        {
            "name": "write scopes",
            "state": "not_checked",
            "detail": "Not tried, since only a change would show: chat:send, connections:write,"
            " destinations:write, media:write, sources:write, stream:golive, studios:write.",
        },
        {
            "name": "clients",
            "state": "warning",
            "detail": "No MCP client's configuration was found.",
            "remedy": "Run trax-mcp install CLIENT: claude-desktop, claude-code, cursor, vscode.",
        },
    ],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


@pytest.mark.parametrize("name", DOCTOR_STATES)
async def test_every_state_is_told_and_nothing_is_changed(name: str, home: Home) -> None:
    """As it is kept, word for word; TRaX gets reads, each once, and the public ones without key."""
    state = DOCTOR_STATES[name]
    seen, sandbox = await see(state, home)
    assert seen.snapshot == kept(name)
    assert seen.code == state.code
    assert [secret for secret in SECRETS if secret in seen.text] == []
    assert max(map(len, seen.text.splitlines())) <= 78
    assert (len(sandbox.requests) > 0) is state.asked
    assert [received for received in sandbox.requests if received.method != "GET"] == []
    assert len(_paths(sandbox)) == len(set(_paths(sandbox)))
    keys = [it.headers.get("authorization") for it in sandbox.requests if it.path in PUBLIC]
    assert set(keys) <= {None}


def test_nothing_is_kept_of_those_who_are_gone() -> None:
    """A state that is no more takes its file along."""
    assert set(SNAPSHOTS.iterdir()) == {file_of(name) for name in DOCTOR_STATES}


@pytest.mark.parametrize("name", ["many clients", "trouble in many places", "a wrong setting"])
async def test_a_program_is_told_the_same_as_a_person(name: str, home: Home) -> None:
    """Mark, name, sentence and remedy, in the same order, no check more, and the same exit code."""
    seen, _ = await see(DOCTOR_STATES[name], home, "--json")
    told, text = json.loads(seen.text), kept(name)
    assert (seen.code, told["ok"]) == (DOCTOR_STATES[name].code, DOCTOR_STATES[name].code == 0)
    assert [secret for secret in SECRETS if secret in seen.text] == []
    assert len(re.findall(r"^ {2}[✓✗!·] ", text, re.MULTILINE)) == len(told["checks"])
    rest = " ".join(text.split())
    for check in told["checks"]:
        remedy = f" → {check['remedy']}" if "remedy" in check else ""
        words = f"{MARKS[check['state']]} {check['name']} {check['detail']}{remedy}"
        _, found, rest = rest.partition(words)
        assert found, words


async def test_json_is_one_object_with_every_check(home: Home) -> None:
    """A check without anything to do has no remedy; this one fails for one reason alone."""
    seen, _ = await see(DOCTOR_STATES["no key"], home, "--json")
    assert json.loads(seen.text) == TOLD_WITHOUT_A_KEY


async def test_all_that_can_be_asked_at_once_is_asked_at_once(home: Home) -> None:
    """Nothing is answered here before everything of the first round has come."""
    await _see_well(home, dict.fromkeys(FIRST, FIRST))


async def test_one_slow_answer_holds_up_no_other(home: Home) -> None:
    """Here all others are answered only when the studio has been looked into, all of it at once."""
    slow = {path: SECOND for path in (*FIRST, *SECOND) if path != "/v1/studios"}
    await _see_well(home, slow)


@pytest.mark.parametrize("columns", [30, 40, 60, 300])
async def test_it_fits_the_terminal(columns: int, home: Home) -> None:
    """Long words are folded, and nothing is wider than can be read with ease."""
    seen = await said_in(home, {"TRAX_SANDBOX": "1", "COLUMNS": str(columns)})
    lines = seen.text.splitlines()
    assert seen.code == 0
    assert max(map(len, lines)) <= min(columns, 78)
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in seen.text


async def test_a_terminal_that_knows_only_ascii_gets_typed_marks(home: Home) -> None:
    """With the same words as with `--sandbox`."""
    ascii_only = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    seen = await said_in(home, {"TRAX_SANDBOX": "1", **ascii_only})
    typed = kept("the sandbox").replace("✓", "ok").replace("·", ".").replace("→", "->")
    assert seen.snapshot.split() == typed.split()


async def test_progress_is_told_on_stderr_of_a_terminal(home: Home) -> None:
    """While TRaX is waited for; stdout has the one object and nothing else."""
    held = Held()
    ours, theirs = pty.openpty()
    async with upstream() as sandbox, asyncio.timeout(PATIENCE_SECONDS):
        sandbox.faults.add(held.fault, path="/v1/health")
        settings = home.settings(TRAX_BASE_URL=sandbox.base_url, TERM="xterm")
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trax_mcp", "doctor", "--json"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=theirs,
            env=environment(settings),
        )
        async with _reading(ours) as shown:
            await shown.readuntil(b"Looking at TRaX")
            held.release()
            out, _ = await command.communicate()
    os.close(theirs)
    assert json.loads(out)["ok"] is False


CODES: Final = (
    *("unreachable", "timeout", "bad_answer", "internal"),
    *("invalid_key", "insufficient_scope", "not_found", "rate_limited"),
)
READS: Final[tuple[Read, ...]] = (GetHealth, GetOpenapi, *OF_THE_ACCOUNT, *OF_A_STUDIO)


def failure_of(read: Read, code: str) -> Failure:
    """A failure with this code, as if TRaX had told it."""
    complaint = ErrorResponse(400, code, None, "req_1", None, None)
    about = {"studioId": "studio_42"} if "studio_id" in read.model_fields else {}
    return refused(read.model_validate(about), complaint, ANONYMOUS).failure


def result_of(codes: Mapping[Read, str | None]) -> ProbeResult:
    """What is seen where these reads fail and all others are answered."""
    answers: dict[Read, Any] = {read: {} for read in READS}
    answers[GetHealth] = Health(status="ok", write_enabled=True)
    answers[GetOpenapi] = CONTRACT.document
    failures = {read: failure_of(read, code) for read, code in codes.items() if code}
    asked = [it for it in READS if it not in OF_A_STUDIO or codes[ListStudios] is None]
    return ProbeResult(
        {it: answers[it] for it in asked if it not in failures},
        {it: failures[it] for it in asked if it in failures},
    )


@given(st.tuples(*(st.sampled_from((None, *CODES)) for _ in READS)))
def test_no_failure_is_lost_by_being_told_once(codes: tuple[str | None, ...]) -> None:
    """Whatever fails, but for want of a scope, something has failed; who points, points at it."""
    result = result_of(dict(zip(READS, codes, strict=True)))
    checks = (*judge_trax(result, where="TRaX", read_only=False), *judge_scopes(result))
    lacking = [it.call.scope for it, why in result.failures.items() if why.required_scope]
    assert is_well(checks) is (len(lacking) == len(result.failures) and None not in lacking)
    found = {check.name: check for check in checks}
    assert [it for it in checks if _points_at_what_is_well(it, found)] == []


def _points_at_what_is_well(check: Check, found: Mapping[str, Check]) -> bool:
    _, points, name = check.detail.removesuffix(".").partition("Not seen: see ")
    return bool(points) and found[name].state is State.OK


@asynccontextmanager
async def _reading(terminal: int) -> AsyncIterator[asyncio.StreamReader]:
    """Read what a terminal shows, while this lasts."""
    shown = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(shown)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(terminal, "rb", 0))
    try:
        yield shown
    finally:
        transport.close()


class _Round:
    """Holds answers back until all of some paths have been asked for."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._missing = set(paths)
        self._complete = anyio.Event()
        self.wait = Fault("wait for the rest", self._wait)

    async def _wait(self, asked: Request, onward: Answerer) -> Answer:
        self._missing.discard(asked.path)
        if not self._missing:
            self._complete.set()
        await self._complete.wait()
        return await onward(asked)


async def _see_well(home: Home, waiting: Mapping[str, tuple[str, ...]]) -> None:
    """See that all is well although paths are answered only once others have been asked for."""

    def trouble(sandbox: Sandbox) -> None:
        rounds = {paths: _Round(paths) for paths in set(waiting.values())}
        for path, paths in waiting.items():
            sandbox.faults.add(rounds[paths].wait, times=None, path=path)

    seen, sandbox = await see(DoctorState(0, trouble=trouble), home)
    assert seen.code == 0, seen.text
    assert set(_paths(sandbox)) == {*FIRST, *SECOND}


def _paths(sandbox: Sandbox) -> list[str]:
    return [received.path for received in sandbox.requests]
