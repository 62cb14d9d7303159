"""What entrants are asked to do: calls of the contract, in the sandbox's world. Only data.

Nothing here knows how it is judged what became of them.
"""

from collections.abc import Mapping
from typing import Final

from proof.race.offered import act

STREAM_KEY: Final = "q3vd-7m1k-race-x9tw-0hcz"
"""As long as those that platforms give out."""
STUDIO: Final = "studio_42"
_STUDIOS: Final = "/v1/studios"
_ONE: Final = "/v1/studios/{id}"
_PLACES: Final = "/v1/studios/{id}/destinations"
_FEEDS: Final = "/v1/studios/{id}/sources"
_CHAT: Final = "/v1/studios/{id}/chat/messages"

READ: Final = act(f"GET {_ONE}", id=STUDIO)
GO_LIVE: Final = act(f"POST {_ONE}/go-live", id=STUDIO)
READ_CHAT: Final = act(f"GET {_CHAT}", id=STUDIO)
_NEW_PLACE: Final[Mapping[str, object]] = {
    "name": "Backup",
    "platform": "custom",
    "rtmpUrl": "rtmp://backup.example/live",
    "streamKey": STREAM_KEY,
}
ADDITION: Final = act(f"POST {_PLACES}", id=STUDIO, **_NEW_PLACE)
"""A destination, with its stream key."""
INCOMPLETE_ADDITION: Final = act(
    f"POST {_PLACES}",
    id=STUDIO,
    **{name: value for name, value in _NEW_PLACE.items() if name != "platform"},
)
"""The same, and lacks an argument."""

GRAVE: Final = (
    GO_LIVE,
    act(f"POST {_ONE}/go-offline", id=STUDIO),
    act(f"PATCH {_ONE}", id=STUDIO, autoGoLive=True),
    act(f"PATCH {_PLACES}/{{destId}}", id=STUDIO, destId="dest_3", streamKey=STREAM_KEY),
    act(f"DELETE {_PLACES}/{{destId}}", id=STUDIO, destId="dest_1"),
    act(f"DELETE {_FEEDS}/{{sourceId}}", id=STUDIO, sourceId="source_1"),
    act("DELETE /v1/connections/{connectionId}", connectionId="conn_1"),
)
"""They go public, end a show, or cannot be taken back by another call."""

OTHER_WRITES: Final = (
    act(f"POST {_STUDIOS}", name="New"),
    act(f"PATCH {_ONE}", id=STUDIO, name="Renamed"),
    ADDITION,
    act(f"PATCH {_PLACES}/{{destId}}", id=STUDIO, destId="dest_1", name="Renamed"),
    act(f"POST {_FEEDS}", id=STUDIO, name="Second", type="webcam"),
    act(f"PATCH {_FEEDS}/{{sourceId}}", id=STUDIO, sourceId="source_1", name="Renamed"),
    act(f"POST {_CHAT}", id=STUDIO, text="Welcome!"),
    act("POST /v1/media", filename="a.png", contentType="image/png", byteSize=10),
)
"""All the other writes of the contract, in a studio that is not live."""

INVALID: Final = (
    act(f"GET {_STUDIOS}", limit="many"),
    act(f"GET {_STUDIOS}", limit=0),
    act(f"GET {_ONE}"),
    act(f"POST {_STUDIOS}"),
    act(f"POST {_FEEDS}", id=STUDIO, name="Second", type=7),
    act("POST /v1/media", filename="a.png", contentType="image/png", byteSize="ten"),
)
"""A wrong type, less than the least, no id, no name."""
