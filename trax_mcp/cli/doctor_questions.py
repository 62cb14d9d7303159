"""What `trax-mcp doctor CLIENT` says of the questions that a client will ask."""

from typing import Final

from trax_mcp.cli.install.clients import McpClient
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.deployment import enrolled_passkey
from trax_mcp.server.ways import Operator, ways
from trax_mcp.server.ways_in_words import NOBODY, asked_in, known_from, newest
from trax_mcp.settings import CannotStart, Settings
from trax_mcp.web.browser import has_browser

_ANYWHERE: Final = "Use a client that shows forms, or one on a computer with a browser."


def describe(client: McpClient, settings: Settings) -> tuple[bool, str, str | None] | None:
    """Whether this client lets a person be asked, in what, and what to do if not.

    None if nothing is known of it, or the settings are wrong.
    """
    drawn = newest(client.name)
    try:
        passkey = enrolled_passkey(settings)
    except CannotStart:
        return None
    if drawn is None:
        return None
    ask = WaysToAsk.of(settings.ask, needs_passkey=passkey is not None)
    if ask.confirm_alone:
        return False, f"Nobody is asked: TRAX_ASK={ask}.", None
    operator = Operator(ask, has_page=has_browser())
    found = asked_in(drawn, operator)
    if found == NOBODY:
        return False, f"{client.title} can't ask you, so only going offline works.", _ANYWHERE
    known = known_from(drawn)
    if ways(drawn.connected(), operator)[0] != "preview":
        return True, f"{client.title} asks you in {found} ({known}).", None
    remedy = _ANYWHERE if ask.asks_people else None
    return False, f"The assistant asks you, by a preview in {client.title} ({known}).", remedy
