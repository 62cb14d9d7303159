"""Steps in which a user tries things of another user. None of them succeeds.

`User.check_answer` checks that the answers leak nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.support.concurrent_users.accounts import SHARED_STUDIO
from tests.support.concurrent_users.own_steps import STUDIO_TOOLS, data_of
from tests.support.jsonrpc import LEGACY, read_answer
from tests.support.served_app import error_code

if TYPE_CHECKING:
    from tests.support.concurrent_users.users import User
    from tests.support.jsonrpc import Message

_NOT_FOUND: Final = (-32002, -32602)


def _is_expired(result: Message) -> bool:
    content = result["structuredContent"]
    return (content["status"], content["reason"]) == ("confirmation_invalid", "expired")


async def read_others_studio(user: User) -> None:
    """Read another user's studio: it is not found."""
    other_studio = user.random.choice(user.other().studios)
    tool = user.random.choice(STUDIO_TOOLS)
    assert error_code(await user.call(tool, studioId=other_studio)) == "not_found"


async def read_others_resources(user: User) -> None:
    """Read another user's resources, also with a chat cursor."""
    other_studio = user.random.choice(user.other().studios)
    for path in ("", "/stream-status", "/chat", "/chat?after=start"):
        answer = await user.ask("resources/read", uri=f"trax://studios/{other_studio}{path}")
        assert answer["error"]["code"] in _NOT_FOUND, answer


async def subscribe_to_others_resources(user: User) -> None:
    """Subscribe to another user's resources."""
    for uri in user.resource_uris(user.other().studios):
        if user.era == LEGACY:
            answer = await user.ask("resources/subscribe", uri=uri)
        else:
            notifications = {"resourceSubscriptions": [uri]}
            answer = await user.ask("subscriptions/listen", notifications=notifications)
        assert answer["error"]["code"] in _NOT_FOUND, answer


async def complete_from_others_studio(user: User) -> None:
    """Get completions from another user's studio."""
    other = user.other()
    other_studio = other.studios[0]
    assert await user.complete(other_studio) == []
    platforms = await user.complete(argument="platform", studio=other_studio)
    assert len(platforms) == 1  # of the user's own linked account
    found = data_of(await user.call("find_studio", query=other_studio))
    assert found["matches"] == []


async def change_others_things(user: User) -> None:
    """Change another user's things, by every kind of id."""
    sandbox, other = user.trax.sandbox, user.other()
    other_studio = other.studios[0]
    destination, source = (
        sandbox.records(kind, of=other_studio)[0]["id"] for kind in ("destinations", "sources")
    )
    connection = sandbox.records("connections", of=other.user_id)[0]["id"]
    for tool, arguments in (
        ("go_live", {"studioId": other_studio}),
        ("update_studio", {"studioId": other_studio, "autoGoLive": True}),
        ("delete_destination", {"studioId": other_studio, "destId": destination}),
        ("delete_destination", {"studioId": user.own_studios[1], "destId": destination}),
        ("delete_source", {"studioId": user.own_studios[1], "sourceId": source}),
        ("unlink_connection", {"connectionId": connection}),
    ):
        assert error_code(await user.call(tool, **arguments)) == "not_found", tool


async def stop_others_broadcast(user: User) -> None:
    """Stop another user's broadcast. A stop is sent without known facts; TRaX refuses it."""
    other_studio = user.random.choice(user.other().studios)
    result = await user.call("go_offline", studioId=other_studio)
    if (confirmation := result["structuredContent"].get("confirmation")) is not None:
        result = await user.confirm("go_offline", other_studio, confirmation)
        user.expected_changes[f"POST /v1/studios/{other_studio}/go-offline"] += 1
    assert error_code(result) == "not_found"


async def use_others_confirmation(user: User) -> None:
    """Confirm with another user's confirmation, for the same call and for an own one."""
    for confirmation in user.shared.usable_confirmations(user.number)[-2:]:
        for studio in (SHARED_STUDIO, user.own_studios[1]):
            assert _is_expired(await user.confirm("go_live", studio, confirmation))
            user.done["another's confirmation"] += 1


async def answer_others_question(user: User) -> None:
    """Answer another user's question; in the legacy era, use it as a confirmation."""
    for state, choice in user.shared.usable_questions(user.number)[-2:]:
        if user.era == LEGACY:
            assert _is_expired(await user.confirm("go_live", SHARED_STUDIO, state))
        else:
            assert _is_expired(await user.answer(SHARED_STUDIO, state, choice))
        user.done["another's question"] += 1


async def use_others_session(user: User) -> None:
    """Use another user's session: it is not found. The modern era ignores it."""
    sessions = [it for it, owner in user.shared.owners.items() if owner != user.number]
    session = user.random.choice([it for it in sessions if it in user.shared.sessions])
    message = user.message("tools/call", name="list_studios", arguments={})
    response = await user.post(message, mcp_session_id=session)
    if user.era != LEGACY:
        assert data_of(read_answer(response)["result"])["data"]
        return
    assert response.status_code == 404
    headers = user.caller.all_headers() | {"mcp-session-id": session}
    deleted = await user.caller.http.delete("/mcp", headers=headers)
    async with user.caller.http.stream("GET", "/mcp", headers=headers) as stream:
        assert (deleted.status_code, stream.status_code) == (404, 404)
        user.check_answer((await stream.aread()).decode(), sent=session)


async def use_others_cursors(user: User) -> None:
    """Use another user's cursors in own lists and in an own chat."""
    for number, cursor in user.shared.cursors[-20:]:
        if number != user.number:
            data_of(await user.call("list_studios", cursor=cursor))
            data_of(await user.call("list_connections", cursor=cursor))
            break
    other = user.other().studios[0]
    message_ids = [it["id"] for it in user.trax.sandbox.messages(other, last=8)]
    arguments = {
        "studioId": user.own_studios[0],
        "after": json.dumps(message_ids),
        "timeoutSeconds": 0,
    }
    assert data_of(await user.call("wait_for_chat_messages", **arguments))["missed"]


async def cancel_others_request(user: User) -> None:
    """Cancel another user's pending requests."""
    for number, owner in list(user.shared.waiting.items()):
        if owner != user.number:
            message = {
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {"requestId": number, "reason": "because"},
            }
            response = await user.post(message)
            assert response.status_code in {202, 400}, response.text
            user.done["another's request"] += 1
