"""The calls that the model makes: what reaches TRaX if they run, and what a person sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from tests.support.product.sandbox import Sandbox

FRIDAY: Final = "studio_42"
REHEARSAL: Final = "studio_43"
_PLACES: Final = f"/v1/studios/{FRIDAY}/destinations"
_IDS: Final = {"studioId", "destId", "connectionId"}


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """A guarded call. `steps` are the changes that it sends, in order: the call and its body.

    `only_live`: it needs an approval only while the studio is on air.
    """

    tool: str
    arguments: dict[str, Any]
    steps: tuple[tuple[str, dict[str, Any]], ...]
    only_live: bool = False

    @property
    def studio(self) -> str:
        """Its studio, if it has one."""
        return str(self.arguments.get("studioId", ""))

    @property
    def stops(self) -> bool:
        """Whether it is a stop."""
        return self.tool == "go_offline"

    @property
    def starts(self) -> bool:
        """Whether it goes live, at once or after other changes."""
        return self.steps[-1][0].endswith("/go-live")

    @property
    def leads_on_air(self) -> bool:
        """Whether it puts a studio on air, now or later."""
        return self.starts or "autoGoLive" in self.arguments

    def __str__(self) -> str:
        parts = [call.rpartition("/")[2] for call, _ in self.steps]
        return f"{self.tool} ({', '.join(parts)})" if len(parts) > 1 else f"{self.tool} {parts[0]}"

    def facts(self, trax: Sandbox) -> Mapping[str, Hashable]:
        """What a person must have been shown of TRaX.

        A part of it that has changed since makes an approval void.
        """
        if not self.studio:
            return {"name": _name(trax, "connections", self.arguments["connectionId"])}
        air = bool(trax.status(self.studio)["live"])
        if not self.leads_on_air:
            which = str(self.arguments.get("destId", ""))
            return {"air": air, "name": which and _name(trax, "destinations", which)}
        places = trax.records("destinations", of=self.studio)
        sources = trax.records("sources", of=self.studio)
        on_screen = {it["name"] for it in sources if it["active"]} if self.starts else ()
        return {
            "air": air,
            "places": frozenset(it["name"] for it in places if it["enabled"]),
            "screen": frozenset(on_screen),
        }


def _name(trax: Sandbox, kind: str, which: str) -> str | None:
    of = {"of": FRIDAY} if kind == "destinations" else {}
    found = (it for it in trax.records(kind, **of) if it["id"] == which)
    record = next(found, None)
    return None if record is None else str(record.get("name", record.get("displayName")))


def _act(tool: str, call: str, *, only_live: bool = False, **arguments: object) -> Act:
    body = {name: it for name, it in arguments.items() if name not in _IDS}
    return Act(tool, arguments, ((call, body),), only_live)


def _several(*acts: Act) -> Act:
    """Several changes of the Friday show with one approval."""
    changes = [
        {"tool": it.tool, "arguments": {k: v for k, v in it.arguments.items() if k != "studioId"}}
        for it in acts
    ]
    steps = tuple(step for it in acts for step in it.steps)
    return Act("apply_changes", {"studioId": FRIDAY, "changes": changes}, steps)


def _destination(number: int, *, only_live: bool = False, **changes: object) -> Act:
    which, call = f"dest_{number}", f"PATCH {_PLACES}/dest_{number}"
    given = {"studioId": FRIDAY, "destId": which, **changes}
    return _act("update_destination", call, only_live=only_live, **given)


GO_LIVE: Final = _act("go_live", f"POST /v1/studios/{FRIDAY}/go-live", studioId=FRIDAY)
GO_OFFLINE: Final = _act("go_offline", f"POST /v1/studios/{FRIDAY}/go-offline", studioId=FRIDAY)
NEW_ADDRESS: Final = _destination(1, rtmpUrl="rtmps://a.example/app")
REHEARSE: Final = _act("go_live", f"POST /v1/studios/{REHEARSAL}/go-live", studioId=REHEARSAL)
STOP_REHEARSAL: Final = _act(
    "go_offline", f"POST /v1/studios/{REHEARSAL}/go-offline", studioId=REHEARSAL
)
DISABLE_AND_GO_LIVE: Final = _several(_destination(2, enabled=False), GO_LIVE)
OTHERS: Final = (
    DISABLE_AND_GO_LIVE,
    DISABLE_AND_GO_LIVE,
    NEW_ADDRESS,
    _destination(2, streamKey="another"),
    _destination(3, enabled=True, only_live=True),
    _several(NEW_ADDRESS, _destination(3, name="Kick"), _destination(2, streamKey="a new one")),
    _act("update_studio", f"PATCH /v1/studios/{FRIDAY}", studioId=FRIDAY, autoGoLive=True),
    _act("delete_destination", f"DELETE {_PLACES}/dest_2", studioId=FRIDAY, destId="dest_2"),
    _act("unlink_connection", "DELETE /v1/connections/conn_1", connectionId="conn_1"),
    REHEARSE,
    STOP_REHEARSAL,
)
