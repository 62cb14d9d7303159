"""Steps in which a user works with their own things. Each succeeds and returns only own data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.concurrent_users.accounts import SHARED_STUDIO, marks
from tests.support.jsonrpc import LEGACY, read_answer

if TYPE_CHECKING:
    from tests.support.concurrent_users.users import User
    from tests.support.jsonrpc import Message

STUDIO_TOOLS: Final = (
    "get_studio",
    "list_destinations",
    "list_sources",
    "get_stream_status",
    "list_chat_messages",
    "check_studio",
    "wait_for_chat_messages",
)
"""Tools that read one studio."""
_LISTS: Final = ("list_studios", "list_connections", "list_media")
_QUERIES: Final = ("Show", "stage", "common", "")


def data_of(result: Message) -> Message:
    """Return the data of a successful call."""
    assert not result.get("isError"), result
    data: Message = result["structuredContent"]
    return data


async def look(user: User) -> None:
    """Read something of an own studio."""
    tool, studio = user.random.choice(STUDIO_TOOLS), user.random.choice(user.own_studios)
    data_of(await user.call(tool, studioId=studio))


async def list_all(user: User) -> None:
    """List own things page by page, and share the cursors."""
    tool = user.random.choice(_LISTS)
    cursor: dict[str, str] = {}
    while page := data_of(await user.call(tool, limit=1, **cursor)):
        assert marks(str(page["data"]))
        if "nextCursor" not in page:
            return
        cursor = {"cursor": page["nextCursor"]}
        user.shared.cursors.append((user.number, page["nextCursor"]))


async def find(user: User) -> None:
    """Find studios by a query that matches studios of all accounts."""
    query = user.random.choice(_QUERIES[:3])
    found = data_of(await user.call("find_studio", query=query))["matches"]
    assert {it["id"] for it in found} <= {*user.own_studios, SHARED_STUDIO}
    assert marks(str(found))


async def read(user: User) -> None:
    """Read own resources."""
    studio = user.random.choice(user.own_studios)
    own_studios = [f"trax://studios/{studio}{it}" for it in ("", "/stream-status", "/chat")]
    read = await user.read(user.random.choice([*own_studios, "trax://studios"]))
    assert marks(str(read)) or "live" in read
    listed = (await user.ask("resources/list"))["result"]["resources"]
    assert set(user.own_studios) <= {it["uri"].split("/")[3] for it in listed[2:]}


async def complete(user: User) -> None:
    """Get completions: only own things are suggested."""
    assert len(await user.complete()) == len(user.own_studios) + 1
    studio = user.random.choice(user.own_studios)
    assert len(await user.complete(argument="platform", studio=studio)) == 3
    connection = await user.complete(argument="connection", studio=studio)
    assert len(connection) == 1
    assert len(await user.complete("Show")) >= len(user.own_studios)


async def prompt(user: User) -> None:
    """Fetch a static list, and a prompt with an own studio in it."""
    static_methods = ("tools/list", "prompts/list", "resources/templates/list")
    await user.ask(user.random.choice(static_methods))
    arguments: dict[str, Any] = {"name": "go_live", "arguments": {"studio": user.own_studios[0]}}
    assert user.own_studios[0] in str(await user.ask("prompts/get", **arguments))


async def send_chat(user: User) -> None:
    """Send a chat message in an own studio."""
    studio, text = user.random.choice(user.own_studios), user.account.new("said")
    data_of(await user.call("send_chat_message", studioId=studio, text=text))
    user.expected_changes[f"POST /v1/studios/{studio}/chat/messages"] += 1


async def reserve(user: User) -> None:
    """Reserve a media upload; its URL belongs to this user alone."""
    arguments = {"filename": f"{user.account.new()}.mp4", "contentType": "video/mp4", "byteSize": 1}
    reserved = data_of(await user.call("create_media_upload", **arguments))
    user.expected_changes["POST /v1/media"] += 1
    user.shared.register(user.number, reserved["uploadUrl"].rsplit("/")[-1])


async def wait(user: User) -> None:
    """Wait for chat with a shared request id until a viewer writes something."""
    studio = user.own_studios[1]  # off air, where the sandbox's own viewers are silent
    cursor = (await user.read(f"trax://studios/{studio}/chat"))["cursor"]
    message = user.message(
        "tools/call",
        name="wait_for_chat_messages",
        arguments={"studioId": studio, "after": cursor, "timeoutSeconds": 55},
    )
    user.shared.waiting[message["id"]] = user.number
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_await_messages, user, message, studio)
        for _ in range(4):
            await look(user)
        user.account.add_viewer_message(user.trax.sandbox, studio)


async def _await_messages(user: User, message: Message, studio: str) -> None:
    received = data_of(read_answer(await user.post(message))["result"])
    del user.shared.waiting[message["id"]]
    assert received["studioId"] == studio
    assert marks(str(received["messages"]))


async def go_live_and_offline(user: User) -> None:
    """Take an own studio live and off again; others know the confirmations."""
    studio = user.own_studios[0]
    async with user.broadcast_lock:
        if user.era == LEGACY or user.random.random() < 0.5:
            confirmation = await user.preview("go_live", studio)
            await look(user)
            live = await user.confirm("go_live", studio, confirmation)
        else:
            state, choice = await user.question(studio)
            await look(user)
            live = await user.answer(studio, state, choice)
        assert data_of(live)["observed"]["state"] == "on_air", live
        confirmation = await user.preview("go_offline", studio)
        await look(user)
        data_of(await user.confirm("go_offline", studio, confirmation))
        for action in ("go-live", "go-offline"):
            user.expected_changes[f"POST /v1/studios/{studio}/{action}"] += 1


async def share_confirmations(user: User) -> None:
    """Preview `go_live` of the shared studio and share the confirmation with all users."""
    confirmation = await user.preview("go_live", SHARED_STUDIO)
    user.shared.confirmations.append((user.shared.valid_until(), user.number, confirmation))
    if user.era != LEGACY:
        state, choice = await user.question(SHARED_STUDIO)
        user.shared.questions.append((user.shared.valid_until(), user.number, state, choice))
