"""What a member of the crowd tries with what is another's. Nothing of it comes to anything.

Each step says what an honest server answers to it; that nothing strange is told is seen to where
the answer is taken in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.crowd.accounts import COMMON
from tests.crowd.dealings import OF_A_STUDIO, worked
from tests.front import error_code
from tests.jsonrpc import LEGACY, read_answer

if TYPE_CHECKING:
    from tests.crowd.members import Member
    from tests.jsonrpc import Message

_NOT_FOUND: Final = (-32002, -32602)


def _expired(result: Message) -> bool:
    told = result["structuredContent"]
    return (told["status"], told["reason"]) == ("confirmation_invalid", "expired")


async def pry(member: Member) -> None:
    """Look into another's studio: there is no such thing."""
    theirs = member.random.choice(member.other().studios(member.town.trax))
    tool = member.random.choice(OF_A_STUDIO)
    assert error_code(await member.call(tool, studioId=theirs)) == "not_found"


async def peek(member: Member) -> None:
    """Read another's addresses, also from a place in their chat."""
    theirs = member.random.choice(member.other().studios(member.town.trax))
    for path in ("", "/stream-status", "/chat", "/chat?after=start"):
        answer = await member.ask("resources/read", uri=f"trax://studios/{theirs}{path}")
        assert answer["error"]["code"] in _NOT_FOUND, answer


async def eavesdrop(member: Member) -> None:
    """Subscribe to what is another's."""
    for uri in member.addresses(member.other().studios(member.town.trax)):
        if member.era == LEGACY:
            answer = await member.ask("resources/subscribe", uri=uri)
        else:
            wanted = {"resourceSubscriptions": [uri]}
            answer = await member.ask("subscriptions/listen", notifications=wanted)
        assert answer["error"]["code"] in _NOT_FOUND, answer


async def guess(member: Member) -> None:
    """Have suggestions made from another's things."""
    other = member.other()
    theirs = other.studios(member.town.trax)[0]
    assert await member.complete(theirs) == []
    platforms = await member.complete(argument="platform", studio=theirs)
    assert len(platforms) == 1  # where the member's own account is linked
    found = worked(await member.call("find_studio", query=theirs))
    assert found["matches"] == []


async def meddle(member: Member) -> None:
    """Change what is another's, by every kind of id."""
    world = member.town.trax.world
    other = member.other()
    theirs = other.studios(member.town.trax)[0]
    place, source = (next(iter(it.of(theirs))).id for it in (world.destinations, world.sources))
    account = next(iter(world.connections.of(other.user))).id
    for tool, given in (
        ("go_live", {"studioId": theirs}),
        ("update_studio", {"studioId": theirs, "autoGoLive": True}),
        ("delete_destination", {"studioId": theirs, "destId": place}),
        ("delete_destination", {"studioId": member.own[1], "destId": place}),
        ("delete_source", {"studioId": member.own[1], "sourceId": source}),
        ("unlink_connection", {"connectionId": account}),
    ):
        assert error_code(await member.call(tool, **given)) == "not_found", tool


async def interrupt(member: Member) -> None:
    """Stop another's broadcast. A stop is never held up here: it is TRaX that refuses it."""
    theirs = member.random.choice(member.other().studios(member.town.trax))
    shown = await member.call("go_offline", studioId=theirs)
    if (handle := shown["structuredContent"].get("confirmation")) is not None:
        shown = await member.confirm("go_offline", theirs, handle)
        member.changed[f"POST /v1/studios/{theirs}/go-offline"] += 1
    assert error_code(shown) == "not_found"


async def forge(member: Member) -> None:
    """Say yes with what was given to another, for the very same act and for one of one's own."""
    for handle in member.board.fresh_handles(member.number)[-2:]:
        for studio in (COMMON, member.own[1]):
            assert _expired(await member.confirm("go_live", studio, handle))
            member.done["a confirmation of another's"] += 1


async def impersonate(member: Member) -> None:
    """Answer what another was asked; in the earlier era nothing is ever asked in this way."""
    for state, yes in member.board.fresh_questions(member.number)[-2:]:
        if member.era == LEGACY:
            assert _expired(await member.confirm("go_live", COMMON, state))
        else:
            assert _expired(await member.answer(COMMON, state, yes))
        member.done["a question of another's"] += 1


async def intrude(member: Member) -> None:
    """Come with another's session: there is none. In the later era it means nothing."""
    known = [it for it, owner in member.board.owners.items() if owner != member.number]
    session = member.random.choice([it for it in known if it in member.board.sessions])
    message = member.message("tools/call", name="list_studios", arguments={})
    response = await member.post(message, mcp_session_id=session)
    if member.era != LEGACY:
        assert worked(read_answer(response)["result"])["data"]
        return
    assert response.status_code == 404
    headers = member.caller.all_headers() | {"mcp-session-id": session}
    deleted = await member.caller.http.delete("/mcp", headers=headers)
    async with member.caller.http.stream("GET", "/mcp", headers=headers) as stream:
        assert (deleted.status_code, stream.status_code) == (404, 404)
        member.take((await stream.aread()).decode(), asked=session)


async def turn_pages(member: Member) -> None:
    """Go on in one's own lists, and in one's own chat, where another has left off."""
    for number, cursor in member.board.cursors[-20:]:
        if number != member.number:
            worked(await member.call("list_studios", cursor=cursor))
            worked(await member.call("list_connections", cursor=cursor))
            break
    other = member.other().studios(member.town.trax)[0]
    said = [it.id for it in member.town.trax.world.chats[other].recent(8)]
    given = {"studioId": member.own[0], "after": json.dumps(said), "timeoutSeconds": 0}
    assert worked(await member.call("wait_for_chat_messages", **given))["missed"]


async def cancel(member: Member) -> None:
    """Take back what another has asked for and waits for."""
    for number, owner in list(member.board.waiting.items()):
        if owner != member.number:
            message = {
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {"requestId": number, "reason": "because"},
            }
            response = await member.post(message)
            assert response.status_code in {202, 400}, response.text
            member.done["a wait of another's"] += 1
