"""What is said of a studio's status where this server's own memory does not answer. Pure."""

from __future__ import annotations

from tests.units.studio_facts import NOW
from trax_mcp.api.errors import NotSent
from trax_mcp.tools.check import tell_status


async def _away(_studio: str) -> bool:
    raise NotSent("store_unavailable", "The store does not answer", "Call again later.")


async def test_a_status_is_told_without_the_store_of_several_replicas() -> None:
    """Whether a go-live is under way is not known then, and only on air it does not matter."""
    off_air = await tell_status({"live": False}, "studio_42", is_starting=_away, now=NOW)
    assert off_air == (
        "The show is off air. It's unclear whether a go-live is under way (The store does not"
        " answer)."
    )
    on_air = await tell_status({"live": True}, "studio_42", is_starting=_away, now=NOW)
    assert on_air == "The show is on air."
