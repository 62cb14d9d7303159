"""What a member of the crowd does with what is theirs. Each step works, and tells of their own.

Others see on the board what is going on meanwhile, and try it. It knows tools and answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.crowd.accounts import COMMON, marks
from tests.jsonrpc import LEGACY, read_answer

if TYPE_CHECKING:
    from tests.crowd.members import Member
    from tests.jsonrpc import Message

OF_A_STUDIO: Final = (
    "get_studio",
    "list_destinations",
    "list_sources",
    "get_stream_status",
    "list_chat_messages",
    "check_readiness",
    "wait_for_chat_messages",
)
"""Tools that look at one studio."""
_LISTS: Final = ("list_studios", "list_connections", "list_media")
_SOUGHT: Final = ("Show", "stage", "common", "")


def worked(result: Message) -> Message:
    """What a call that worked has answered."""
    assert not result.get("isError"), result
    data: Message = result["structuredContent"]
    return data


async def look(member: Member) -> None:
    """Look at something of one of their studios."""
    tool, studio = member.random.choice(OF_A_STUDIO), member.random.choice(member.own)
    worked(await member.call(tool, studioId=studio))


async def list_all(member: Member) -> None:
    """List what is theirs, page by page, and let the cursors lie about."""
    tool = member.random.choice(_LISTS)
    cursor: dict[str, str] = {}
    while page := worked(await member.call(tool, limit=1, **cursor)):
        assert marks(str(page["data"]))
        if "nextCursor" not in page:
            return
        cursor = {"cursor": page["nextCursor"]}
        member.board.cursors.append((member.number, page["nextCursor"]))


async def find(member: Member) -> None:
    """Find studios by what all of them are called; on the stage, it says what one may do there."""
    query = member.random.choice(_SOUGHT[:3])
    found = worked(await member.call("find_studio", query=query))["matches"]
    assert {it["id"] for it in found} <= {*member.own, COMMON}
    assert marks(str(found))


async def read(member: Member) -> None:
    """Read what is theirs as resources."""
    studio = member.random.choice(member.own)
    own = [f"trax://studios/{studio}{it}" for it in ("", "/stream-status", "/chat")]
    read = await member.read(member.random.choice([*own, "trax://studios"]))
    assert marks(str(read)) or "live" in read
    listed = (await member.ask("resources/list"))["result"]["resources"]
    assert set(member.own) <= {it["uri"].split("/")[3] for it in listed[2:]}


async def complete(member: Member) -> None:
    """Have everything suggested: it is just what is theirs."""
    assert len(await member.complete()) == len(member.own) + 1
    studio = member.random.choice(member.own)
    assert len(await member.complete(argument="platform", studio=studio)) == 3
    connection = await member.complete(argument="connection", studio=studio)
    assert len(connection) == 1
    assert len(await member.complete("Show")) >= len(member.own)


async def prompt(member: Member) -> None:
    """Fetch what is the same for everybody, and a prompt with something of theirs in it."""
    shared = ("tools/list", "prompts/list", "resources/templates/list")
    await member.ask(member.random.choice(shared))
    filled: dict[str, Any] = {"name": "go_live", "arguments": {"studio": member.own[0]}}
    assert member.own[0] in str(await member.ask("prompts/get", **filled))


async def speak(member: Member) -> None:
    """Say something in a chat of theirs."""
    studio, text = member.random.choice(member.own), member.account.new("said")
    worked(await member.call("send_chat_message", studioId=studio, text=text))
    member.changed[f"POST /v1/studios/{studio}/chat/messages"] += 1


async def reserve(member: Member) -> None:
    """Have room made for a file; the address for it is theirs alone."""
    given = {"filename": f"{member.account.new()}.mp4", "contentType": "video/mp4", "byteSize": 1}
    reserved = worked(await member.call("create_media_upload", **given))
    member.changed["POST /v1/media"] += 1
    member.board.pin(member.number, reserved["uploadUrl"].rsplit("/")[-1])


async def wait(member: Member) -> None:
    """Wait for chat, for all to see, until somebody says something."""
    studio = member.random.choice(member.own)
    cursor = (await member.read(f"trax://studios/{studio}/chat"))["cursor"]
    message = member.message(
        "tools/call",
        name="wait_for_chat_messages",
        arguments={"studioId": studio, "after": cursor, "timeoutSeconds": 55},
    )
    member.board.waiting[message["id"]] = member.number
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_hear, member, message, studio)
        for _ in range(4):
            await look(member)
        member.account.hear(member.town.trax, studio)


async def _hear(member: Member, message: Message, studio: str) -> None:
    heard = worked(read_answer(await member.post(message))["result"])
    del member.board.waiting[message["id"]]
    assert heard["studioId"] == studio
    assert marks(str(heard["messages"]))


async def show(member: Member) -> None:
    """Take one of their studios live and off again, with a yes that others know of."""
    studio = member.own[0]
    async with member.on_air:
        if member.era == LEGACY or member.random.random() < 0.5:
            handle = await member.preview("go_live", studio)
            await look(member)
            live = await member.confirm("go_live", studio, handle)
        else:
            state, yes = await member.question(studio)
            await look(member)
            live = await member.answer(studio, state, yes)
        assert worked(live)["observed"]["state"] == "on_air", live
        handle = await member.preview("go_offline", studio)
        await look(member)
        worked(await member.confirm("go_offline", studio, handle))
        for act in ("go-live", "go-offline"):
            member.changed[f"POST /v1/studios/{studio}/{act}"] += 1


async def rehearse(member: Member) -> None:
    """Be asked about the stage, where what any of them would agree to is one and the same."""
    handle = await member.preview("go_live", COMMON)
    member.board.handles.append((member.board.until(), member.number, handle))
    if member.era != LEGACY:
        state, yes = await member.question(COMMON)
        member.board.questions.append((member.board.until(), member.number, state, yes))
