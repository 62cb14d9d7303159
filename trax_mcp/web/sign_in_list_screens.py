"""The screens of who is signed in with a key, as HTML. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from trax_mcp.sign_in.grants import SignIn
from trax_mcp.web.markup import NOTHING, Html, fill, joined, template
from trax_mcp.web.sign_in_screens import (
    Site,
    alert,
    host_text,
    key_field,
    quoted_name,
    screen,
)

_KEY: Final = template("sign_in_list_key.html")
_LIST: Final = template("sign_in_list.html")
_ITEM: Final = template("sign_in_list_item.html")
_OUTCOME: Final = """<p class="outcome" role="status">{text}</p>"""
_END_ALL: Final = """<button type="submit" form="end-all" class="yes">End all</button>"""


def list_key_screen(site: Site, *, problem: str = "") -> Html:
    """Asks for the key."""
    promise = "It is sent nowhere, and forgotten when you close the list."
    content = fill(
        _KEY, problem=alert(problem), key_field=key_field(site, promise, problem=problem)
    )
    title = "Who is signed in with your key?"
    return screen(site, title=f"Error: {problem}" if problem else title, content=content)


def list_screen(site: Site, sign_ins: Sequence[SignIn], *, token: str, outcome: str) -> Html:
    """Who is signed in, each with a button that ends it."""
    heading = "Signed in with your key" if sign_ins else "No client is signed in with your key"
    content = fill(
        _LIST,
        heading=heading,
        outcome=fill(_OUTCOME, text=outcome) if outcome else NOTHING,
        sign_ins=joined(_item(it, token) for it in sign_ins),
        end_all=Html(_END_ALL) if len(sign_ins) > 1 else NOTHING,
        token=token,
    )
    return screen(site, title=heading, content=content)


def _item(it: SignIn, token: str) -> Html:
    return fill(
        _ITEM,
        id=it.id,
        name=quoted_name(it.client_name),
        host=host_text(it.redirect_host),
        does=f"It may {it.access.label}.",
        since=_day(it.created),
        used=_day(it.last_used),
        token=token,
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
