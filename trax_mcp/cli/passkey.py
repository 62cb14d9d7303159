"""`trax-mcp passkey`: enrols a passkey, without which no page gives a yes from then on."""

import sys
from collections.abc import Mapping

import anyio

from trax_mcp.cli.terminal import console_on
from trax_mcp.clock import Clock
from trax_mcp.private_files import passkey_path
from trax_mcp.settings import CannotStart, read_settings
from trax_mcp.web.browser import has_browser
from trax_mcp.web.enrolment import enrol_passkey
from trax_mcp.web.passkey import Passkey, webauthn


def run(environment: Mapping[str, str]) -> int:
    """Enrol a passkey in the browser, and write its public half.

    Raises:
        CannotStart: the library is missing, there is no browser, the page cannot be opened, or the
            file cannot be written.
    """
    webauthn()
    if not has_browser():
        raise CannotStart("A passkey is made in a browser, and there is none here.")
    path = passkey_path(read_settings(environment))
    console = console_on(sys.stdout)
    console.print("A page opens in your browser: make the passkey there.")
    passkey = _make_passkey()
    if passkey is None:
        console.print("No passkey was made. Nothing has changed.")
        return 1
    try:
        passkey.write(path)
    except OSError as error:
        raise CannotStart(f"The passkey can't be written: {error.strerror}.") from None
    console.print(f"Done. From now on approvals need this passkey, on the page. It is in {path}.")
    console.print("Delete that file to go back. Restart your MCP client so that this counts.")
    return 0


def _make_passkey() -> Passkey | None:
    """Let the person make one in their browser.

    Raises:
        CannotStart: the page cannot be served or opened.
    """
    passkey, problem = None, ""
    try:
        passkey = anyio.run(enrol_passkey, Clock())
    except* OSError as errors:
        (error,) = errors.exceptions
        problem = str(error)
    if problem:
        raise CannotStart(f"The page for the passkey can't be opened: {problem}.")
    return passkey
