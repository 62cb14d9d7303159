"""A TRaX in which people have written one text wherever they can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.product.frozen_sandbox import frozen_sandbox

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox

ORDINARY: Final = "An ordinary name"
QUIET: Final = "studio_60"
"""A studio in whose chat that text is the only message."""


def written_everywhere(text: str) -> Sandbox:
    """A sandbox whose studios, destinations, sources, accounts, files and messages have the text.

    Words of TRaX's own, such as a status, have it too.
    """
    trax = frozen_sandbox()
    for studio in trax.records("studios"):
        trax.change(studio["id"], name=text)
        for it in trax.records("destinations", of=studio["id"]):
            trax.change(it["id"], name=text, platform=text, status=text)
        for it in trax.records("sources", of=studio["id"]):
            trax.change(it["id"], name=text, type=text, status=text)
    for account in trax.records("connections"):
        trax.change(account["id"], displayName=text, platform=text, status=text)
    trax.add_asset(text, record_id="asset_1")
    for place in ("studio_42", QUIET):
        trax.say(text, studio=place, author=text, platform=text)
    return trax
