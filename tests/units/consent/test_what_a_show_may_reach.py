"""What a go-live may reach although it was not shown. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from trax_mcp.actions.stream import GoLive
from trax_mcp.actions.view import View
from trax_mcp.api.models import Destination
from trax_mcp.api.reads import ListDestinations
from trax_mcp.studio.facts import Facts, Read


def places(
    switches: str = "", *, missing: str = "", unreadable: int = 0, is_null: bool = False
) -> Facts:
    """Destinations that are "on", "off" or "unknown", and what is wrong with their list."""
    words = {"on": True, "off": False, "unknown": None}
    items = [
        {"id": str(number), "name": f"P{number}", "platform": "kick", "enabled": words[it]}
        for number, it in enumerate(switches.split())
    ]
    read = tuple(map(Destination.model_validate, items))
    return Facts({ListDestinations: Read(read, missing, unreadable, is_null)})


ON: Final = places("on off")
WHETHER: Final = (
    'Whether "P0" (Kick), "P1" (Kick) are on can\'t be read: the show may stream there too.'
)
CUT: Final = "only the first 10,000 were read"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (ON, ()),
        (Facts(), ()),
        (
            places(is_null=True),
            ("TRaX sent no list of destinations: the show may stream anyway.",),
        ),
        (
            places("on", unreadable=2),
            ("2 destinations can't be read: the show may stream there too.",),
        ),
        (
            places("on", missing=CUT),
            ("Not all destinations could be read: the show may stream to others too.",),
        ),
        (
            places("unknown unknown"),
            (WHETHER,),
        ),
    ],
)
def test_it_stands_before_all_else(facts: Facts, told: tuple[str, ...]) -> None:
    view = View(facts, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert [it.text for it in GoLive(studio_id="s").lead(view)] == [*told, "Anyone can watch."]
