"""`trax-mcp doctor` says what is not well and what to do, changes nothing and prints no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests import ROOT
from tests.support.certificates import server_tls
from tests.support.doctor_states import DOCTOR_STATES
from tests.support.home_folder import SECRETS, without_ports
from tests.support.loopback_ports import closed_port
from tests.support.product.commands import run_command
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.snapshots import DoctorStates
from tests.support.terminal_screen import run_on_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrupy.assertion import SnapshotAssertion

    from tests.support.home_folder import Home

ON_THE_SANDBOX: Final = (ROOT / DoctorStates.folder / "the-sandbox.txt").read_text("utf-8")


@pytest.mark.parametrize("name", DOCTOR_STATES)
async def test_doctor_reports_each_state_and_changes_nothing(
    name: str, home: Home, snapshot: SnapshotAssertion
) -> None:
    """The snapshot has its output, the exit code and what it asks TRaX, with and without a key."""
    state = DOCTOR_STATES[name]
    async with upstream() as sandbox:
        end_fault = state.set_up_sandbox(sandbox)
        state.set_up_home(home, sandbox.base_url)
        settings = filled_in({"TRAX_BASE_URL": sandbox.base_url, **state.settings}, home)
        files = home.file_stats()
        done = await home.run_beside("doctor", *state.arguments, settings=settings)
        assert (done.err, home.file_stats()) == ("", files)
        if end_fault is not None:
            end_fault()
    assert [secret for secret in SECRETS if secret in done.out] == []
    asked = [
        f"{it.method} {it.path}{'' if 'authorization' in it.headers else ', without a key'}\n"
        for it in sandbox.requests
    ]
    shown = f"{without_ports(done.out)}exit code {done.code}\n\nTRaX was asked:\n"
    text = shown + ("".join(asked) or "nothing\n")
    assert text == snapshot.with_defaults(extension_class=DoctorStates)


def filled_in(settings: Mapping[str, str], home: Home) -> dict[str, str]:
    """The settings with the home folder, a closed port and, unless they have one, a key."""
    places = {"HOME": str(home.path), "NOBODY": str(closed_port())}
    given = {"TRAX_API_KEY": SANDBOX_KEY, **settings}
    for name, place in places.items():
        given = {it: value.replace(name, place) for it, value in given.items()}
    return given


async def test_a_certificate_that_is_not_trusted_is_named_with_what_to_set(home: Home) -> None:
    """Of an authority that only a company knows, say."""
    async with upstream(server_tls("localhost")) as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_API_KEY": SANDBOX_KEY, "HTTPS_PROXY": ""}
        done = await home.run_beside("doctor", settings=settings)
    out = " ".join(done.out.split())
    assert "its certificate isn't trusted (unable to get local issuer certificate)." in out
    assert "→ If it's from your own network, set SSL_CERT_FILE to your CA's file." in out


async def test_a_terminal_shows_progress_and_then_the_same_report(home: Home) -> None:
    """As a process: that it is checking is shown meanwhile, and erased."""
    screen = await run_on_terminal("doctor", "--sandbox", settings=home.settings(COLUMNS="80"))
    expected, _, _ = ON_THE_SANDBOX.partition("exit code 0")
    assert (screen.code, screen.text.strip()) == (0, expected.strip())
    assert "Checking" in screen.output


def test_an_encoding_that_lacks_the_marks_loses_no_word(home: Home) -> None:
    """As that of a pipe on Windows: they are escaped."""
    done = run_command("doctor", "--sandbox", settings=home.settings(), encoding="ascii")
    expected, _, _ = ON_THE_SANDBOX.partition("exit code 0")
    escaped = expected.encode("ascii", "backslashreplace").decode()
    assert (done.code, done.out.split()) == (0, escaped.split())
