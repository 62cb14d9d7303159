"""Asks TRaX whether the key that the user gave to `install` works. No message contains it."""

import sys
from contextlib import aclosing
from http import HTTPStatus
from typing import NamedTuple

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Page, Studio
from trax_mcp.api.reads import ListStudios
from trax_mcp.cli.install.configuration import WrongKey
from trax_mcp.cli.terminal import console_on, waiting
from trax_mcp.deployment import client_for
from trax_mcp.settings import DEFAULT_BASE_URL, KEYS_SCREEN, Settings


class CheckedKey(NamedTuple):
    """What is known of a key, in a sentence. `is_known`: TRaX has accepted it."""

    sentence: str
    is_known: bool = True


def check_key(key: str, settings: Settings) -> CheckedKey:
    """Read the studios with a key, where the settings say.

    Waits for at most TRAX_TIMEOUT_SECONDS.

    Raises:
        WrongKey: TRaX refuses the key.
    """
    at = "" if settings.base_url == DEFAULT_BASE_URL else f" at {settings.base_url}"
    try:
        with waiting(console_on(sys.stderr), "Asking TRaX about the key"):
            studios = anyio.run(_read_studios, key, settings)
    except TraxError as error:
        failure = error
        if failure.required_scope is not None:
            lacks = f"it lacks {failure.required_scope}, so no studio is found by its name"
            return CheckedKey(f"The key works{at}, but {lacks}.")
        # A 403 without this code can come from a gateway, which has not looked at the key.
        if failure.code == "invalid_key" or failure.http_status == HTTPStatus.UNAUTHORIZED:
            raise WrongKey(
                f"TRaX{at} doesn't recognize that key. Check that you copied all of it, or make a"
                f" new one on {KEYS_SCREEN}"
            ) from None
        why = failure.happened
        return CheckedKey(f"Not checked yet: {why}. Run trax-mcp doctor later.", is_known=False)
    count = len(studios.data or ())
    number = {0: "no studio yet", 1: "1 studio"}.get(count, f"{count} studios")
    more = " or more" * bool(studios.next_cursor)
    return CheckedKey(
        f"The key works{at}: {number}{more}. Whether it may go live shows only when you do."
    )


async def _read_studios(key: str, settings: Settings) -> Page[Studio]:
    async with aclosing(client_for(settings)) as client:
        return await client.call(ListStudios(), Caller(key), retry=False)
