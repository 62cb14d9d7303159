"""Asks TRaX once whether it accepts a key, before `install` keeps it."""

import sys
from contextlib import aclosing
from http import HTTPStatus

import anyio

from trax_mcp.api.argument_types import LARGEST_PAGE
from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.models import Page, Studio
from trax_mcp.api.operations import ListStudios
from trax_mcp.cli.client_factory import client_for
from trax_mcp.cli.install.file_replacement import InstallError
from trax_mcp.cli.terminal import console_on, waiting
from trax_mcp.settings import DEFAULT_BASE_URL, Settings


def check_key(key: str, settings: Settings | None) -> str:
    """Read the studios with a key, where the settings say; the result is a sentence.

    Waits for at most TRAX_TIMEOUT_SECONDS. `settings` is None if only the client knows them.

    Raises:
        InstallError: TRaX refuses the key.
    """
    if settings is None:
        return _unchecked("only your client can fill in its settings")
    try:
        with waiting(console_on(sys.stderr), "Asking TRaX about the key"):
            studios = anyio.run(_read_studios, key, settings)
    except TraxError as error:
        return _describe_failure(error.failure, settings)
    count = len(studios.data)
    match count:
        case 0:
            number = "no studio yet"
        case 1:
            number = "1 studio"
        case _:
            number = f"{count} studios{' or more' * bool(studios.next_cursor)}"
    it = f"{number}; whether it may go live shows only when you do"
    return f"Key works{_at(settings)}: {it}."


async def _read_studios(key: str, settings: Settings) -> Page[Studio]:
    async with aclosing(client_for(settings)) as client:
        return await client.call(ListStudios(limit=LARGEST_PAGE), Caller(key), retry=False)


def _describe_failure(failure: Failure, settings: Settings) -> str:
    if failure.required_scope is not None:
        lacks = f"it lacks {failure.required_scope}, so no studio is found by its name"
        return f"Key works{_at(settings)}, but {lacks}."
    # A 403 without this code can come from a gateway or a proxy, which has not looked at the key.
    if failure.code == "invalid_key" or failure.http_status == HTTPStatus.UNAUTHORIZED:
        raise InstallError(
            f"TRaX{_at(settings)} refuses this key: it is unknown, revoked or expired. Make a new"
            f" one on {KEYS_SCREEN}, and run this again"
        )
    return _unchecked(failure.happened)


def _at(settings: Settings) -> str:
    return "" if settings.base_url == DEFAULT_BASE_URL else f" at {settings.base_url}"


def _unchecked(reason: str) -> str:
    return f"Key kept, but not checked: {reason}. Check it later with trax-mcp doctor."
