"""Where a platform can't be read, unlinking an account names each destination that may use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

UNLINK: Final = {"connectionId": "conn_1"}


def _platform_of(number: int) -> Callable[[dict[str, Any]], object]:
    """The platform of one item of a list is a number."""
    return lambda page: page["data"][number].update(platform=7)


@pytest.mark.parametrize(
    ("path", "number", "place", "unknown", "still_on"),
    [
        (
            "*/studio_42/destinations", 1, '"Late crowd" (an unknown platform)',
            "the platform of 1 destination", "Still on, perhaps for YouTube: ",
        ),
        (
            "*/connections", 0, '"Late crowd" (Twitch)',
            "the account's platform", "Still on, perhaps for the platform: ",
        ),
    ],
)  # fmt: skip
@in_virtual_time
async def test_what_may_use_an_account_is_named_where_a_platform_is_unknown(
    *, path: str, number: int, place: str, unknown: str, still_on: str
) -> None:
    async with open_world(MINE, virtual=True) as it:
        odd = Fault.patched(_platform_of(number))
        it.trax.faults.add(odd, times=None, path=path, method="GET")
        preview = (await it[MINE].preview("unlink_connection", **UNLINK))["preview"]
        result = await it[MINE].confirmed("unlink_connection", **UNLINK)
    assert f'{place} in "Friday Night Show" may stop working.' in preview["warnings"]
    assert preview["unknown"] == [f"{unknown} (TRaX didn't say)"]
    assert still_on in text_of(result)
    assert f'{place} in "Friday Night Show"' in text_of(result)
