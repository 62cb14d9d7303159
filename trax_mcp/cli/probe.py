"""Looks at TRaX by harmless reads, each sent once, all at once where one does not need another.

Knows what to ask and in which order; what an answer means is judged in `trax_checks`.
"""

from typing import Any

import anyio
from anyio.abc import TaskGroup
from pydantic import ValidationError

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GetHealth, GetOpenapi, ListStudios
from trax_mcp.cli.trax_checks import OF_A_STUDIO, OF_THE_ACCOUNT, ProbeResult, Read

_FEWEST = {"limit": 1}


class Probe:
    """One look at everything for one caller. Each read takes as long as the client allows one."""

    def __init__(self, client: Client, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._answers: dict[Read, Any] = {}
        self._failures: dict[Read, Failure] = {}

    async def look(self) -> ProbeResult:
        """Ask everything. The two that are public get no key."""
        async with anyio.create_task_group() as looks:
            looks.start_soon(self._read, GetHealth())
            looks.start_soon(self._read_contract)
            looks.start_soon(self._look_into_a_studio, looks)
            for kind in OF_THE_ACCOUNT:
                if kind is not ListStudios:
                    looks.start_soon(self._read, kind.model_validate(_FEWEST))
        return ProbeResult(self._answers, self._failures)

    async def _look_into_a_studio(self, looks: TaskGroup) -> None:
        """The first one; as soon as it is known, whatever else is still being waited for."""
        await self._read(ListStudios.model_validate(_FEWEST))
        studios = self._answers.get(ListStudios)
        for studio in studios.data[:1] if studios else ():
            for kind in OF_A_STUDIO:
                fewest = _FEWEST if "limit" in kind.model_fields else {}
                try:
                    operation = kind.model_validate({"studioId": studio.id, **fewest})
                except ValidationError:
                    return  # an id that cannot be sent
                looks.start_soon(self._read, operation)

    async def _read(self, operation: Operation[Model]) -> None:
        kind = type(operation)
        caller = ANONYMOUS if operation.call.public else self._caller
        try:
            self._answers[kind] = await self._client.read(operation, caller, persist=False)
        except TraxError as error:
            self._failures[kind] = error.failure

    async def _read_contract(self) -> None:
        """As it is: the comparison reads the document itself."""
        try:
            answer = await self._client.send(GetOpenapi(), ANONYMOUS, persist=False)
        except TraxError as error:
            self._failures[GetOpenapi] = error.failure
        else:
            self._answers[GetOpenapi] = answer.data
