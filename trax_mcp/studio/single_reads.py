"""Reads facts by one request each, for notes to an answer, which they may delay by two seconds."""

from collections.abc import Sequence
from typing import Final

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetStreamStatus, ListDestinations
from trax_mcp.studio.facts import Fact, Facts

LONGEST_SECONDS: Final = 2.0


async def read_once_each(
    client: Client, caller: Caller, studio_id: str, wanted: Sequence[Fact]
) -> Facts:
    """Return the status and the first page of destinations, as far as they are wanted.

    What fails, or takes longer than `LONGEST_SECONDS`, stays unknown.
    """
    found = [Facts()]

    async def read(fact: Fact) -> None:
        try:
            found.append(await _read(client, caller, studio_id, fact))
        except TraxError:
            return

    with anyio.move_on_after(LONGEST_SECONDS):
        async with anyio.create_task_group() as tasks:
            for fact in wanted:
                tasks.start_soon(read, fact)
    facts = found[0]
    for it in found:
        facts = facts.completed_by(it)
    return facts


async def _read(client: Client, caller: Caller, studio_id: str, fact: Fact) -> Facts:
    if fact is Fact.STATUS:
        status = await client.call(GetStreamStatus(studio_id=studio_id), caller, retry=False)
        return Facts(status=status)
    request = ListDestinations(studio_id=studio_id).next_page(None)
    page = await client.call(request, caller, retry=False)
    is_partial = {Fact.DESTINATIONS} if page.next_cursor else set()
    return Facts(destinations=page.data, partial=frozenset(is_partial))
