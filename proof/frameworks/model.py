"""The model of a framework: it makes one call of a script after another, and keeps the answers."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proof.clients.dialects import Call
from proof.clients.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from proof.clients.dialects import Dialect, Json

_FEW_TOOLS: Final = 4
"""A request that offers fewer wants a title or a summary."""
_READ_SECONDS: Final = 5.5
"""A confirmation that comes earlier may count as nobody's."""
SHOWN: Final = "$"
"""Before the name of what an earlier answer held: it becomes the argument."""
_INVENTED: Final[Json] = {
    "string": "",
    "integer": 1,
    "number": 1,
    "boolean": False,
    "array": [],
    "object": {},
}


class Step(NamedTuple):
    """A call of one of trax-mcp's tools, and what is looked at in its answer."""

    name: str
    tool: str
    arguments: Json


class Function(NamedTuple):
    """A tool as the framework offers it."""

    name: str
    description: str
    parameters: Json


class Seen(NamedTuple):
    """A call, and what the model was told after it. None: nothing, for the run has ended."""

    step: Step
    arguments: Json
    message: str | None


class ScriptedModel(Endpoint):
    """A model on loopback that makes these calls, in as many runs as the framework needs.

    Where a schema requires more than a call has, the model invents it, as one in a strict mode
    must.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        """Answer from now on."""
        self._steps = list(steps)
        self._lock = threading.Lock()
        self._asked: tuple[Step, Json] | None = None
        self._told_so_far = ""
        self.offered: Sequence[Function] = ()
        self.seen: list[Seen] = []
        super().__init__()

    @property
    def has_ended(self) -> bool:
        """Whether all calls were made."""
        return not self._steps and self._asked is None

    def end_run(self) -> None:
        """The framework has ended its run: no answer will come to the last call."""
        with self._lock:
            self._told(None)

    def answer(self, dialect: Dialect, body: Json) -> Call | str:
        """What it says next."""
        offered = list(_functions(body))
        if len(offered) < _FEW_TOOLS:
            return "The Friday show"
        with self._lock:
            self.offered = self.offered or offered
            *_, (_, text) = dialect.said(body)
            self._told(text)
            if not self._steps:
                return "That was the show."
            step = self._steps.pop(0)
            function = function_of(step.tool, offered)
            found = {key: self._shown(it) for key, it in step.arguments.items()}
            arguments = _complete(found, function.parameters)
            self._asked = (step, arguments)
        if arguments.get("confirmation"):
            threading.Event().wait(_READ_SECONDS)
        return Call(function.name, arguments)

    def _told(self, message: str | None) -> None:
        if self._asked is not None:
            self.seen.append(Seen(*self._asked, message))
            self._told_so_far += message or ""
            self._asked = None

    def _shown(self, argument: object) -> object:
        if not (isinstance(argument, str) and argument.startswith(SHOWN)):
            return argument
        found = re.findall(rf"\b{argument[1:]}\W{{1,6}}[\"']([\w.-]{{8,}})", self._told_so_far)
        return found[-1] if found else "not-shown"


def function_of(tool: str, offered: Sequence[Function]) -> Function:
    """The function for a tool: some frameworks put a name before it."""
    found = [it for it in offered if it.name.endswith(tool)]
    return min(found, key=lambda it: len(it.name))


def _functions(body: Json) -> Iterator[Function]:
    for it in body.get("tools") or ():
        function = it.get("function", it)
        parameters = function.get("parameters") or function.get("input_schema") or {}
        yield Function(function.get("name", ""), function.get("description") or "", parameters)


def _complete(value: Any, schema: Json) -> Any:  # noqa: ANN401  as JSON is
    """The value with what its schema requires."""
    if isinstance(value, list):
        return [_complete(it, schema.get("items") or {}) for it in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties") or {}
    given = {key: _complete(it, properties.get(key) or {}) for key, it in value.items()}
    missing = [it for it in schema.get("required") or () if it not in given]
    return given | {it: _invented(properties.get(it) or {}) for it in missing}


def _invented(schema: Json) -> object:
    for choice in schema.get("anyOf") or ():
        if choice.get("type") == "null":
            return None
    kind = schema.get("type")
    if isinstance(kind, list):
        return None if "null" in kind else _INVENTED[kind[0]]
    if choices := schema.get("enum"):
        return choices[0]
    return _INVENTED.get(str(kind), "")
