"""`trax-mcp room`: opens the control room of a studio in the browser, without an assistant."""

import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.reads import ListStudios
from trax_mcp.api.text_safety import quote, spell_out
from trax_mcp.cli.terminal import print_line, print_note
from trax_mcp.deployment import Deployment, open_deployment
from trax_mcp.observe.logs import logging_to_stderr
from trax_mcp.open_files import raise_max_open_files
from trax_mcp.server.app import Service
from trax_mcp.server.room_watch import Visitor
from trax_mcp.settings import CannotStart, Settings, read_settings
from trax_mcp.studio.names import Fit, likely_match, match_names
from trax_mcp.studio.reading import read_all_pages

if TYPE_CHECKING:
    from trax_mcp.web.room_page import RoomPage

_LONGEST_NAME: Final = 60
_MOST_LISTED: Final = 20
_NO_BROWSER: Final = "The control room opens in a browser, and there is none here."
_NO_STUDIOS: Final = "You have no studios."
_NO_KEY: Final = "There is no key. Run trax-mcp install, or try trax-mcp room --sandbox."
_NOT_CHOSEN: Final = "No studio was chosen."
_NAME_ONE: Final = "Name one: trax-mcp room STUDIO, by its name or id."
_NOT_SEEN: Final = "No browser has opened it yet. If none does, press Ctrl-C and try again."


def run(environment: Mapping[str, str], wanted: str | None) -> int:
    """Show the room of a studio until Ctrl-C.

    Raises:
        CannotStart: there is no browser or no key, or TRaX lists no studios, or none was chosen.
    """
    settings = read_settings(environment)
    raise_max_open_files()
    problem = ""
    with logging_to_stderr(settings.log_level, settings.log_format), suppress(KeyboardInterrupt):
        problem = anyio.run(_serve, settings, wanted)
    if problem:
        raise CannotStart(problem)
    return 0


async def _serve(settings: Settings, wanted: str | None) -> str:
    """Serve the room. Returns why it cannot, if so."""
    async with open_deployment(settings, over_http=False) as deployment:
        page = deployment.room_page
        if page is None:
            return _NO_BROWSER
        if deployment.caller.key is None:
            return _NO_KEY
        try:
            listed = await read_all_pages(deployment.trax, ListStudios(), deployment.caller)
        except TraxError as error:
            return f"Your studios couldn't be listed. {error.told}."
        if not listed.value:
            return _NO_STUDIOS
        studio = _choose(listed.value, wanted)
        if isinstance(studio, str):
            return studio
        await _show(studio, deployment, page)
    return ""


async def _show(studio: Studio, deployment: Deployment, page: "RoomPage") -> None:
    """Open the room of a studio, and serve it until a signal."""
    service = Service(deployment)
    async with service.open_watchers() as watchers:
        visitor = Visitor(deployment.caller, watchers, studio.id, by="page")
        name = quote(studio.name, longest=_LONGEST_NAME)
        print_line(f"The control room of {name} opens in your browser.")
        print_line("It works while this command runs. Press Ctrl-C to stop.")
        try:
            if await page.open(studio.id, partial(service.room.call, visitor)) == "failed":
                print_note(_NOT_SEEN)
            await _wait_for_signal()
        finally:
            with anyio.CancelScope(shield=True):
                await service.shut_down()


async def _wait_for_signal() -> None:
    if sys.platform == "win32":  # its event loop handles no signals
        await anyio.sleep_forever()  # Ctrl-C interrupts it
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            return


def _choose(studios: Sequence[Studio], wanted: str | None) -> Studio | str:
    """The studio that a person means: by its id, its name, words of it, or by a number.

    Or why there is none.
    """
    fitting = studios
    if wanted is not None:
        matches = match_names([(it.id, it.name) for it in studios], wanted)
        if (likely := likely_match(matches)) is not None:
            return studios[likely.index]
        fitting = [studios[it.index] for it in matches if it.fit >= Fit.PART]
        if not fitting:
            asked = quote(wanted, longest=_LONGEST_NAME)
            print_note(f"None of your studios matches {asked}. You have:")
            fitting = studios
        elif len(fitting) == 1:
            return fitting[0]
    elif len(studios) == 1:
        return studios[0]
    shown = fitting[:_MOST_LISTED]
    for number, it in enumerate(shown, start=1):
        print_line(f"  {number:2}  {spell_out(it.name, longest=_LONGEST_NAME)}  ({it.id})")
    if len(fitting) > len(shown):
        print_line(f"  and {len(fitting) - len(shown)} more. {_NAME_ONE}")
    return _ask(shown)


def _ask(shown: Sequence[Studio]) -> Studio | str:
    """Let the person on the terminal choose by number."""
    if not sys.stdin.isatty():
        return _NAME_ONE
    # The event loop has taken Ctrl-C, and would end nothing before the next answer.
    taken = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while given := input("Which one? A number; Enter cancels: ").strip():
            if given.isdecimal() and 1 <= int(given) <= len(shown):
                return shown[int(given) - 1]
            print_note(f"Please give a number from 1 to {len(shown)}.")
    except (EOFError, KeyboardInterrupt):
        print_line("")
    finally:
        signal.signal(signal.SIGINT, taken)
    return _NOT_CHOSEN
