"""Every guarded call on the seeded sandbox, as a client makes it and as it reaches TRaX."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.support.operation_table import CHANGES, IDS, NEVER, WHILE_LIVE
from tests.support.product.frozen_sandbox import STUDIO as PLACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.operation_table import Entry, Example

Arguments = dict[str, Any]

STUDIO: Final = {"studioId": "studio_42"}
GUARD_ALSO: Final = "send_chat_message"
"""The value of `TRAX_GUARD_ALSO` in these tests."""


@dataclass(frozen=True, slots=True)
class GuardedOperation:
    """A guarded call. `sent` is the request that reaches TRaX if it runs.

    With `other_arguments` it is another guarded call of the same tool. `on_air`: it is guarded, or
    useful, only while the studio is live.
    """

    tool: str
    arguments: Arguments
    sent: str
    other_arguments: Arguments
    on_air: bool = False

    @property
    def other(self) -> GuardedOperation:
        """The same operation with other arguments."""
        return replace(self, arguments={**self.arguments, **self.other_arguments})


def _destination(
    changes: Arguments, other_arguments: Arguments, *, on_air: bool = False
) -> GuardedOperation:
    arguments = {**STUDIO, "destId": "dest_3", **changes}
    sent = f"PATCH {PLACE}/destinations/dest_3"
    return GuardedOperation("update_destination", arguments, sent, other_arguments, on_air=on_air)


def _source(changes: Arguments, other_arguments: Arguments) -> GuardedOperation:
    arguments = {**STUDIO, "sourceId": "source_2", **changes}
    sent = f"PATCH {PLACE}/sources/source_2"
    return GuardedOperation("update_source", arguments, sent, other_arguments, on_air=True)


GO_LIVE: Final = GuardedOperation(
    "go_live", STUDIO, f"POST {PLACE}/go-live", {"studioId": "studio_43"}
)
YES: Final = "Go live on YouTube and Twitch"
NO: Final = "Don't go live"
"""The choices in the question of `GO_LIVE`."""
IS_LIVE: Final = "You're live, since "
"""How the page and the panel begin to say that `GO_LIVE` was seen on air."""

GO_OFFLINE: Final = GuardedOperation(
    "go_offline", STUDIO, f"POST {PLACE}/go-offline", {"studioId": "studio_43"}, on_air=True
)
DELETE_DESTINATION: Final = GuardedOperation(
    "delete_destination",
    {**STUDIO, "destId": "dest_1"},
    f"DELETE {PLACE}/destinations/dest_1",
    {"destId": "dest_2"},
)
DELETE_SOURCE: Final = GuardedOperation(
    "delete_source",
    {**STUDIO, "sourceId": "source_1"},
    f"DELETE {PLACE}/sources/source_1",
    {"sourceId": "source_2"},
)
AUTO_GO_LIVE: Final = GuardedOperation(
    "update_studio", {**STUDIO, "autoGoLive": True}, f"PATCH {PLACE}", {"name": "Mine now"}
)

_OTHER_IDS: Final = {
    "studioId": "studio_43",
    "destId": "dest_2",
    "sourceId": "source_2",
    "connectionId": "conn_2",
}


def _from_table(entry: Entry, example: Example) -> GuardedOperation:
    """The first guarded call of a tool in the table of operations."""
    method, path = entry.call.split(" ")
    arguments = entry.arguments(example)
    last_id = [name for name in arguments if name in _OTHER_IDS][-1]
    return GuardedOperation(
        entry.tool,
        arguments,
        f"{method} {path.format_map(IDS)}",
        {last_id: _OTHER_IDS[last_id]},
        on_air=example.when == WHILE_LIVE,
    )


_BY_HAND: Final[Mapping[str, GuardedOperation]] = {
    "go_live": GO_LIVE,
    "go_offline": GO_OFFLINE,
    "delete_destination": DELETE_DESTINATION,
    "delete_source": DELETE_SOURCE,
    "unlink_connection": GuardedOperation(
        "unlink_connection",
        {"connectionId": "conn_1"},
        "DELETE /v1/connections/conn_1",
        {"connectionId": "conn_2"},
    ),
    "update_studio, autoGoLive": AUTO_GO_LIVE,
    "update_destination, streamKey": _destination(
        {"streamKey": "sandbox-new-key"}, {"streamKey": "sandbox-other-key"}
    ),
    "update_destination, rtmpUrl": _destination(
        {"rtmpUrl": "rtmps://new.example/app"}, {"rtmpUrl": "rtmps://other.example/app"}
    ),
    "update_destination, platform": _destination({"platform": "custom"}, {"platform": "twitch"}),
    "update_destination, enabled, on air": _destination(
        {"enabled": True}, {"enabled": False}, on_air=True
    ),
    "update_destination, vertical, on air": _destination(
        {"vertical": True}, {"vertical": False}, on_air=True
    ),
    "create_destination, on air": GuardedOperation(
        "create_destination",
        {**STUDIO, "name": "Backup", "platform": "youtube", "connectionId": "conn_1"},
        f"POST {PLACE}/destinations",
        {"name": "Elsewhere"},
        on_air=True,
    ),
    "create_source, on air": GuardedOperation(
        "create_source",
        {**STUDIO, "name": "Second camera", "type": "webcam"},
        f"POST {PLACE}/sources",
        {"name": "Hidden camera"},
        on_air=True,
    ),
    "update_source, active, on air": _source({"active": True}, {"active": False}),
    "update_source, url, on air": _source(
        {"url": "rtmp://new.example/guest"}, {"url": "rtmp://other.example/guest"}
    ),
    "send_chat_message, guarded by choice": GuardedOperation(
        "send_chat_message",
        {**STUDIO, "text": "We are back."},
        f"POST {PLACE}/chat/messages",
        {"text": "We are sold."},
    ),
}

GUARDED_OPERATIONS: Final[Mapping[str, GuardedOperation]] = {
    **{
        entry.tool: _from_table(entry, example)
        for entry, example in reversed(CHANGES)
        if example.when != NEVER and entry.tool not in {it.tool for it in _BY_HAND.values()}
    },
    **_BY_HAND,
}
"""All guarded tools, and one that only `GUARD_ALSO` guards."""
