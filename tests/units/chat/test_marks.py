"""What is remembered of messages that were sent ends after ten minutes. Nobody can displace it.

`tests/chat/test_own_messages.py` has the marks as clients get them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.units.set_clock import SetClock
from trax_mcp.actions.chat_and_media import SendChatMessage
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Refused
from trax_mcp.api.responses import Response
from trax_mcp.chat.marks import ChatMarks

if TYPE_CHECKING:
    from collections.abc import Iterable

MINE: Final = Caller("sk_live_mine")
STUDIO: Final = "studio_42"
HELLO: Final = [{"id": "m1", "text": "Hello"}]
REFUSED: Final = Refused("invalid_key", "TRaX does not accept this key", "Make a new one.")


def sent(
    marks: ChatMarks,
    texts: Iterable[str],
    *,
    caller: Caller = MINE,
    studio: str = STUDIO,
    result: Any = None,  # noqa: ANN401  an answer or a failure
) -> None:
    for text in texts:
        operation = SendChatMessage(studio_id=studio, text=text)
        marks.record(operation, caller, None)
        marks.record(operation, caller, result or answer())


def answer(**data: object) -> Response[Any]:
    return Response({"ok": True, **data}, "req_1", 201, size=1)


def own(marks: ChatMarks, messages: object = HELLO) -> tuple[str, ...]:
    return marks.own(MINE, STUDIO, messages)


def test_a_message_is_remembered_for_ten_minutes_whatever_follows_it() -> None:
    clock = SetClock()
    marks = ChatMarks(clock)
    sent(marks, ["Hello", *map(str, range(1_000))])
    clock.at += timedelta(seconds=599)
    sent(marks, ["one more"])
    assert own(marks) == ("m1",)
    clock.at += timedelta(seconds=1)
    assert own(marks) == ()


def test_refused_messages_displace_nothing_and_take_back_only_themselves() -> None:
    """Nor do those of a thousand keys that TRaX does not know."""
    marks = ChatMarks(SetClock())
    sent(marks, ["Hello"])
    sent(marks, ["Hello", *map(str, range(199))], result=REFUSED)
    for number in range(2_000):
        sent(marks, ["Hello"], caller=Caller(f"sk_live_{number}"), result=REFUSED)
    assert own(marks) == ("m1",)


def test_the_chats_that_were_used_last_are_remembered() -> None:
    marks = ChatMarks(SetClock())
    sent(marks, ["Hello"])
    for number in range(1_023):
        sent(marks, ["Hello"], studio=f"studio_{number}")
    assert own(marks) == ("m1",)
    for number in range(1_024):
        sent(marks, ["Hello"], caller=Caller(f"sk_live_{number}"))
    assert own(marks) == ()


def test_what_is_no_message_has_no_mark() -> None:
    marks = ChatMarks(SetClock())
    sent(marks, ["Hello"], result=answer(messageId=True))
    lists: tuple[object, ...] = (None, "Hello", {}, [None, 1, [], {}, {"id": True, "text": 1}])
    assert [own(marks, messages) for messages in lists] == [()] * len(lists)
    assert own(marks, [{"id": "m1", "text": None}, {"id": "m2", "text": "Hello"}]) == ("m2",)


def test_the_text_names_a_message_without_an_id() -> None:
    marks = ChatMarks(SetClock())
    sent(marks, ["Hello"], result=answer(messageId=""))
    for no_id in (None, "", True, 7.5):
        messages = [{"id": no_id, "text": text} for text in ("Hi", "Hello")]
        assert own(marks, messages) == ("Hello",)
