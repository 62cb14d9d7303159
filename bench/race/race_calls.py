"""The calls of the contract that all servers are asked to make, on the sandbox's records."""

from collections.abc import Mapping
from typing import Final

from bench.race.offered_tools import contract_call

STREAM_KEY: Final = "q3vd-7m1k-race-x9tw-0hcz"
"""As long as a real one."""
STUDIO: Final = "studio_42"
_STUDIOS: Final = "/v1/studios"
_STUDIO_PATH: Final = "/v1/studios/{id}"
_DESTINATIONS: Final = "/v1/studios/{id}/destinations"
_SOURCES: Final = "/v1/studios/{id}/sources"
_CHAT: Final = "/v1/studios/{id}/chat/messages"

READ: Final = contract_call(f"GET {_STUDIO_PATH}", id=STUDIO)
GO_LIVE: Final = contract_call(f"POST {_STUDIO_PATH}/go-live", id=STUDIO)
READ_CHAT: Final = contract_call(f"GET {_CHAT}", id=STUDIO)
_NEW_DESTINATION: Final[Mapping[str, object]] = {
    "name": "Backup",
    "platform": "custom",
    "rtmpUrl": "rtmp://backup.example/live",
    "streamKey": STREAM_KEY,
}
CREATE_DESTINATION: Final = contract_call(f"POST {_DESTINATIONS}", id=STUDIO, **_NEW_DESTINATION)
"""A destination, with its stream key."""
INCOMPLETE_CREATE_DESTINATION: Final = contract_call(
    f"POST {_DESTINATIONS}",
    id=STUDIO,
    **{name: value for name, value in _NEW_DESTINATION.items() if name != "platform"},
)
"""The same without a required argument."""

GRAVE: Final = (
    GO_LIVE,
    contract_call(f"POST {_STUDIO_PATH}/go-offline", id=STUDIO),
    contract_call(f"PATCH {_STUDIO_PATH}", id=STUDIO, autoGoLive=True),
    contract_call(
        f"PATCH {_DESTINATIONS}/{{destId}}", id=STUDIO, destId="dest_3", streamKey=STREAM_KEY
    ),
    contract_call(f"DELETE {_DESTINATIONS}/{{destId}}", id=STUDIO, destId="dest_1"),
    contract_call(f"DELETE {_SOURCES}/{{sourceId}}", id=STUDIO, sourceId="source_1"),
    contract_call("DELETE /v1/connections/{connectionId}", connectionId="conn_1"),
)
"""Calls that go public, end a show, or cannot be undone by another call."""

OTHER_WRITES: Final = (
    contract_call(f"POST {_STUDIOS}", name="New"),
    contract_call(f"PATCH {_STUDIO_PATH}", id=STUDIO, name="Renamed"),
    CREATE_DESTINATION,
    contract_call(f"PATCH {_DESTINATIONS}/{{destId}}", id=STUDIO, destId="dest_1", name="Renamed"),
    contract_call(f"POST {_SOURCES}", id=STUDIO, name="Second", type="webcam"),
    contract_call(f"PATCH {_SOURCES}/{{sourceId}}", id=STUDIO, sourceId="source_1", name="Renamed"),
    contract_call(f"POST {_CHAT}", id=STUDIO, text="Welcome!"),
    contract_call("POST /v1/media", filename="a.png", contentType="image/png", byteSize=10),
)
"""All other writes of the contract, in a studio that is not live."""

INVALID: Final = (
    contract_call(f"GET {_STUDIOS}", limit="many"),
    contract_call(f"GET {_STUDIOS}", limit=0),
    contract_call(f"GET {_STUDIO_PATH}"),
    contract_call(f"POST {_STUDIOS}"),
    contract_call(f"POST {_SOURCES}", id=STUDIO, name="Second", type=7),
    contract_call("POST /v1/media", filename="a.png", contentType="image/png", byteSize="ten"),
)
"""Calls with a wrong type, a value below the minimum, no id or no name."""
