"""An upstream that answers every request with one studio, as fast as possible."""

import asyncio
import json
from typing import Final

from bench.baselines.upstream_protocol import serve

_STUDIO: Final = {
    "id": "studio_42",
    "name": "Friday Night Show",
    "ownerSub": "owner_of_the_bench",
    "role": "owner",
    "createdAt": "2026-01-09T18:30:00Z",
    "description": "Every Friday at eight, from the old brewery.",
    "lastOpenedAt": "2026-03-06T19:02:11Z",
}
_BODY: Final = json.dumps(_STUDIO).encode()

if __name__ == "__main__":
    asyncio.run(serve(lambda _request, respond: respond(_BODY)))
