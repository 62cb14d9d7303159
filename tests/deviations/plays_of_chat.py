"""Deviations of chat, and those that pass after some requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.deviations.plays import CHAT, MEDIA, edited, page, played, refused
from tests.support.product.exchanges import Response, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deviations.row import Play
    from tests.support.product.exchanges import Request, RequestHandler
    from tests.support.product.sandbox import Sandbox

    Json = dict[str, Any]


def chat(change: Callable[[list[Json]], object]) -> Play:
    """Change the messages of a page in place, or to what is returned."""

    def edit(answer: Json) -> Json:
        changed = change(answer["data"])
        return {**answer, "data": answer["data"] if changed is None else changed}

    return edited(CHAT, edit)


def messages(edit: Callable[[int, Json], object]) -> Play:
    """Change each message of a page by its number."""

    def change(listed: list[Json]) -> None:
        for number, message in enumerate(listed):
            edit(number, message)

    return chat(change)


def number_of(message: Json) -> int:
    """The number in an id of the sandbox."""
    return int(str(message["id"]).rpartition("_")[2])


def changing_ids(trax: Sandbox) -> None:
    """Give each message another id at each read."""
    reads = 0

    def change(listed: list[Json]) -> None:
        nonlocal reads
        reads += 1
        for message in listed:
            message["id"] += f".{reads}"

    chat(change)(trax)


def chat_null_at_first(trax: Sandbox) -> None:
    """Have no message, and say null for that."""
    trax.world.chats.clear()
    edited(CHAT, lambda it: {"data": it["data"] or None})(trax)


def after_reads(call: str, reads: int, then: Play) -> Play:
    """Deviate after so many of these calls."""

    def play(trax: Sandbox) -> None:
        async def respond(request: Request, handler: RequestHandler) -> Response:
            nonlocal reads
            reads -= 1
            if reads == 0:
                then(trax)
            return await handler(request)

        played(call, respond, times=reads)(trax)

    return play


chat_limited = after_reads(CHAT, 1, refused(CHAT, 429, "rate_limited", times=2, Retry_After="3"))
chat_page_once = after_reads(CHAT, 1, page(CHAT, times=1))


def answered_with_record(call: str, record: str) -> Play:
    """Answer a change with the record as it is, and change nothing."""

    def play(trax: Sandbox) -> None:
        async def respond(_: Request, _handler: RequestHandler) -> Response:
            return Response(200, encode_json(trax.record(record)))

        played(call, respond)(trax)

    return play


def processing_at_first(trax: Sandbox) -> None:
    """Say PROCESSING in the first reads of the files."""

    def edit(answer: Json) -> None:
        for it in answer["data"]:
            it["status"] = "PROCESSING"

    edited(MEDIA, edit, times=3)(trax)
