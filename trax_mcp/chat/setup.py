"""All that belongs to a studio but its status and chat, as a watcher polls it."""

from dataclasses import replace
from typing import Any, Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Model
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.readiness import READINESS_READS
from trax_mcp.studio.reading import FactReader

_READS: Final = tuple(it for it in READINESS_READS if it is not GetStreamStatus)


class Setup:
    """A studio, what is in it, the linked accounts, and whether TRaX takes changes.

    They change seldom and take five requests, so they are read less often.
    """

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self.facts = Facts()
        self._client = client
        self._caller = caller
        self._studio_id = studio_id

    async def read(self) -> JsonObject:
        """Read all of them. What cannot be read is missing, unless nothing can."""
        reader = FactReader(self._client, self._caller, self._studio_id, tolerant=True)
        facts = await reader.read(_READS)
        if reader.failed and all(facts[it].value is None for it in _READS):
            raise next(iter(reader.failed.values()))
        return {"facts": Facts({it: _documented(read) for it, read in facts.reads.items()})}

    def add(self, content: JsonObject) -> bool:
        """Keep them. Return whether they differ from those before."""
        before, self.facts = self.facts, content["facts"]
        return bool(before.reads) and before != self.facts


def _documented(read: Any) -> Any:  # noqa: ANN401  the fact of any read
    """A fact with documented fields alone: one that TRaX adds may change all the time."""
    match read.value:
        case Model() as model:
            return replace(read, value=_plain(model))
        case tuple() as items:
            return replace(read, value=tuple(map(_plain, items)))
    return read


def _plain(model: Model) -> Model:
    return type(model).model_construct(**vars(model))
