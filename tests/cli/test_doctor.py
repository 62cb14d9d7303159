"""`trax-mcp doctor` says what is not well and what to do, changes nothing and prints no key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.doctor_states import (
    DOCTOR_STATES,
    SECRETS,
    SNAPSHOTS,
    read_snapshot,
    run_in_state,
    snapshot_file,
)
from tests.support.home_folder import ARGUMENTS, COMMAND
from tests.support.product.commands import run_command
from tests.support.terminal_screen import run_on_terminal

if TYPE_CHECKING:
    from tests.support.home_folder import Home

PUBLIC_PATHS: Final = ("/v1/health", "/v1/openapi.json")
MARKS: Final = {"ok": "✓", "failed": "✗", "warning": "!", "not_checked": "·"}


@pytest.mark.parametrize("name", DOCTOR_STATES)
async def test_doctor_reports_each_state_and_changes_nothing(name: str, home: Home) -> None:
    """The output equals the snapshot; only reads are sent, the public ones without a key."""
    state = DOCTOR_STATES[name]
    result, sandbox = await run_in_state(state, home)
    assert result.snapshot == read_snapshot(name)
    assert result.code == state.code
    assert [secret for secret in SECRETS if secret in result.text] == []
    assert max(map(len, result.text.splitlines())) <= 78
    assert (len(sandbox.requests) > 0) is state.sends_requests
    assert sandbox.sent == []
    keys = [it.headers.get("authorization") for it in sandbox.requests if it.path in PUBLIC_PATHS]
    assert set(keys) <= {None}


def test_every_doctor_snapshot_belongs_to_a_state() -> None:
    """And every state has a snapshot."""
    assert set(SNAPSHOTS.iterdir()) == {snapshot_file(name) for name in DOCTOR_STATES}


async def test_a_terminal_shows_progress_and_then_the_same_report(home: Home) -> None:
    """As a process: that it is checking is shown meanwhile, and erased."""
    screen = await run_on_terminal("doctor", "--sandbox", settings=home.settings(COLUMNS="80"))
    expected = read_snapshot("the sandbox").removesuffix("exit code 0\n")
    assert (screen.code, screen.text.strip()) == (0, expected.strip())
    assert "Checking" in screen.output


async def test_json_output_has_the_same_checks_as_the_text(home: Home) -> None:
    """It is one object, in the same order, with the same exit code. Only some have a `remedy`."""
    name = "trouble in many places"
    result, _ = await run_in_state(DOCTOR_STATES[name], home, "--json")
    report, text = json.loads(result.text), read_snapshot(name)
    assert (result.code, report["ok"]) == (1, False)
    assert [secret for secret in SECRETS if secret in result.text] == []
    assert report.keys() == {"ok", "checks"}
    assert len(re.findall(r"^ {2}[✓✗!·] ", text, re.MULTILINE)) == len(report["checks"])
    rest = " ".join(text.split())
    for check in report["checks"]:
        assert check.keys() - {"remedy"} == {"name", "state", "detail"}
        remedy = f" → {check['remedy']}" if "remedy" in check else ""
        expected = f"{MARKS[check['state']]} {check['name']} {check['detail']}{remedy}"
        _, found, rest = rest.partition(expected)
        assert found, expected


async def test_a_refused_key_is_sent_no_second_time(home: Home) -> None:
    """The checks that need none go on."""
    _, sandbox = await run_in_state(DOCTOR_STATES["a key that is repeated"], home)
    assert [it.path for it in sandbox.requests] == ["/v1/health", "/v1/studios", "/v1/openapi.json"]


async def test_a_key_is_not_sent_to_another_address(home: Home) -> None:
    """Neither that of the key file nor that of a client."""
    result, sandbox = await run_in_state(DOCTOR_STATES["a key for another deployment"], home)
    assert "so the key is not sent." in " ".join(result.text.split())
    assert list(sandbox.requests) == []


def test_eight_lines_say_that_all_is_well() -> None:
    """One for each check, and one for all."""
    lines = [it for it in read_snapshot("all is well").splitlines() if it.strip()]
    assert (len(lines[:-1]), lines[-2:]) == (8, ["  All is well.", "exit code 0"])


@pytest.mark.parametrize(
    ("started", "is_here"),
    [
        ({"command": COMMAND, "args": ARGUMENTS}, True),
        ({"command": COMMAND, "args": [*ARGUMENTS, "--sandbox"]}, True),
        ({"command": COMMAND, "args": [*ARGUMENTS, "http"]}, False),
        ({"command": COMMAND, "args": 3}, False),
        ({"command": [COMMAND]}, False),
        ({"url": "http://127.0.0.1:8765/mcp"}, False),
    ],
    ids=str,
)
def test_a_client_that_starts_this_installation_is_known_by_its_entry(
    started: dict[str, object], *, is_here: bool, home: Home
) -> None:
    """With or without the sandbox."""
    home.write_entry("cursor", **started)
    detail = home.doctor("--sandbox")["cursor"]["detail"]
    assert ("starts this installation" in detail) is is_here
    assert ("starts another trax" in detail) is not is_here


def test_output_fits_a_narrow_terminal(home: Home) -> None:
    """Long words are folded. A pipe gets no colours."""
    done = run_command("doctor", "--sandbox", settings=home.settings(COLUMNS="40"))
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 40
    assert "\x1b" not in done.out


def test_an_encoding_that_lacks_the_marks_loses_no_word(home: Home) -> None:
    """As that of a pipe on Windows: they are escaped."""
    done = run_command("doctor", "--sandbox", settings=home.settings(), encoding="ascii")
    expected = read_snapshot("the sandbox").removesuffix("exit code 0\n")
    escaped = expected.encode("ascii", "backslashreplace").decode()
    assert (done.code, done.out.split()) == (0, escaped.split())
