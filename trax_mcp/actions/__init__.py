"""What changes something: each change says what it means, before it is sent and after."""

from typing import Any, Final

from trax_mcp.actions import chat_and_media, connections, destinations, sources, stream, studios
from trax_mcp.actions.change import Change
from trax_mcp.api import reads
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

_MODULES: Final = (chat_and_media, connections, destinations, reads, sources, stream, studios)
_PLACES: Final = {name: place for place, name in enumerate(CONTRACT.endpoints)}

OPERATIONS: Final[tuple[type[Operation[Model]], ...]] = tuple(
    sorted(
        {it for module in _MODULES for it in vars(module).values() if hasattr(it, "tool_name")},
        key=lambda it: _PLACES[it.endpoint.name],
    )
)
"""All operations: one for each endpoint, in the order of the contract and of `tools/list`."""
CHANGES: Final[tuple[type[Change[Any]], ...]] = tuple(
    it for it in OPERATIONS if issubclass(it, Change)
)
"""Those that change something."""
