"""Stops reach TRaX in time in a flood of requests that somebody sends who has no good key.

Those of a key, too, that the server does not know yet. The flood is a process of its own: on
connections that stay, it posts as fast as the server answers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.flooded_server import KIB, STOP, flooded, flooding
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.world.wire import MODERN, request, tool_call
from tests.world.world import MINE

if TYPE_CHECKING:
    from tests.world.wire import Message

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there"),
]

LIST: Final = request(MODERN, "tools/list")
LARGE: Final = tool_call(MODERN, "apply_changes", changes=[{"a": [1]}] * (55 * KIB // 12))
LIKE_A_STOP: Final = tool_call(MODERN, "apply_changes", **LARGE["params"]["arguments"])
LIKE_A_STOP["params"]["_meta"]["x"] = "go_offline"
LIST_LIKE_A_STOP: Final = request(MODERN, "tools/list")
LIST_LIKE_A_STOP["params"]["_meta"]["x"] = "go_offline"
KEYS: Final = [f"sk_live_sandbox_new_{number}" for number in range(2)]


@dataclass(frozen=True)
class Attack:
    """A message, on so many connections, each time with another invented key if there is none.

    At `most` so many are answered before a stop is sent, on any machine.
    """

    message: Message
    most: int = 200
    connections: int = 200
    key: str = ""
    trax: Fault | None = None


ATTACKS: Final = {
    "stops": Attack(STOP, 300),
    "stops, and TRaX takes a second": Attack(STOP, 300, trax=Fault.delay(1.0)),
    "stops, and TRaX has too many": Attack(STOP, 300, trax=Fault.error(429, "rate_limited")),
    "lists": Attack(LIST, 100),
    "lists that name a stop": Attack(LIST_LIKE_A_STOP, 100),
    "large bodies of an accepted key": Attack(LARGE, 60, 40, READONLY_KEY),
    "large bodies that name a stop": Attack(LIKE_A_STOP, 60, 40, READONLY_KEY),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_flood_keeps_away_no_stop_of_a_key_that_is_new_here(attack: Attack) -> None:
    """Nor one, or a read, of a key that TRaX has accepted here."""
    async with flooded() as it:
        for key in KEYS:
            it.trax.add_key(key)
        await it.stop()
        await it.caller(attack.key).call("list_studios")
        if attack.trax is not None:
            it.trax.faults.add(attack.trax, times=None)
        async with flooding(it, attack.message, attack.connections, attack.key):
            for key in (*KEYS, MINE):
                before = it.answered
                await it.stop(key)
                assert it.answered - before <= attack.most
            before = it.answered
            await it.caller(MINE).call("list_studios")
            assert it.answered - before <= 2 * attack.most
