"""apply_changes: several changes of one studio, made in order with one yes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, ValidationInfo, WithJsonSchema, field_serializer, field_validator

from trax_mcp.api.arguments import Id, broken_rule, read_list
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import (
    CreateDestination,
    CreateSource,
    DeleteDestination,
    DeleteSource,
    GoLive,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.studio.outputs import Output, PlainSchema, StudioTool

CHANGES: Final[Mapping[str, type[Operation[Model]]]] = {
    kind.tool_name: kind
    for kind in (
        UpdateStudio,
        CreateDestination,
        UpdateDestination,
        DeleteDestination,
        CreateSource,
        UpdateSource,
        DeleteSource,
        GoLive,
    )
}
"""The tools whose calls can be changes of one call: not a stop, which never waits."""
ARGUMENTS: Final = frozenset(name for it in CHANGES.values() for name in it.argument_names())
"""The names of all arguments that a change can have."""
LEAST_CHANGES: Final = 2
MOST_CHANGES: Final = 10

_NO_LIST: Final = (
    f"must be a list of {LEAST_CHANGES} to {MOST_CHANGES} changes, each with `tool` and"
    " `arguments`; for a single one, call its tool"
)
_OTHER_STUDIO: Final = "must all be about the studio of `studioId`"
_NOT_LAST: Final = "must have go_live last, if at all"
_JSON_OBJECT: Final = WithJsonSchema({"type": "object"})


class _ChangesSchema:
    """The schema of `changes`, made when it is asked for, since that takes a while.

    Each argument of a change has its name and type there: clients that are strict about schemas
    make of any other object one that must be empty.
    """

    def __get_pydantic_json_schema__(self, *_: object) -> JsonObject:
        """The schema, in which each object is closed."""
        arguments = {
            name: {"type": schema["type"]}
            for kind in CHANGES.values()
            for name, schema in kind.model_json_schema(schema_generator=PlainSchema)[
                "properties"
            ].items()
            if name != "studioId"
        }
        properties = {
            "tool": {"type": "string", "enum": [*CHANGES]},
            "arguments": {
                "type": "object",
                "description": "Only those of `tool`, without `studioId`.",
                "properties": arguments,
                "additionalProperties": False,
            },
        }
        return {
            "type": "array",
            "minItems": LEAST_CHANGES,
            "maxItems": MOST_CHANGES,
            "items": {
                "type": "object",
                "properties": properties,
                "required": [*properties],
                "additionalProperties": False,
            },
        }


class AppliedChange(Output):
    """What came of one change."""

    tool: str
    outcome: str = Field(description="applied, not_applied, unknown, not_sent")
    answer: Annotated[JsonObject, _JSON_OBJECT] | None = None
    error: Annotated[JsonObject, _JSON_OBJECT] | None = None


class AppliedChanges(Output):
    """What came of all of them, in order."""

    changes: list[AppliedChange]


class ApplyChanges(
    StudioTool,
    endpoint="POST /v1/studios/{id}/go-live",
    effect=Effect.GUARDED,
    hint=(
        "Make several changes of one studio in order, with one question for all: such as switch"
        " YouTube off, then go_live. It stops at the first that is not certainly done."
    ),
):
    """Several operations in one studio. Each is the call that it would be by itself."""

    output = AppliedChanges
    look: ClassVar[str] = "Look with check_studio before anything else."
    stops_broadcast: ClassVar[bool] = False

    studio_id: Id
    changes: Annotated[
        tuple[Operation[Model], ...],
        Field(description="What to do, in order. go_live can only be the last."),
        _ChangesSchema(),
    ]

    @field_validator("changes", mode="plain")
    @classmethod
    def _read_changes(cls, value: Any, info: ValidationInfo) -> tuple[Operation[Model], ...]:  # noqa: ANN401  JSON
        studio_id, given = info.data.get("studio_id"), read_list(value)
        if studio_id is None:  # which is the problem
            return ()
        if not isinstance(given, list | tuple) or not LEAST_CHANGES <= len(given) <= MOST_CHANGES:
            raise broken_rule(_NO_LIST)
        steps = tuple(_read_change(it, studio_id) for it in given)
        if any(it.studio() != studio_id for it in steps):
            raise broken_rule(_OTHER_STUDIO)
        if any(it.starts_broadcast for it in steps[:-1]):
            raise broken_rule(_NOT_LAST)
        return steps

    @field_serializer("changes")
    def _write_changes(self, steps: Sequence[Operation[Model]]) -> list[JsonObject]:
        """Without secrets, which stay masked."""
        return [
            {"tool": it.tool_name, "arguments": it.model_dump(mode="json", exclude_none=True)}
            for it in steps
        ]

    @property
    def steps(self) -> tuple[Operation[Model], ...]:
        """The calls to TRaX that it makes."""
        return self.changes

    @property
    def starts_broadcast(self) -> bool:
        """Whether the last change is a go-live."""
        return self.steps[-1].starts_broadcast

    def target_id(self) -> str:
        """The id of the studio."""
        return self.studio_id

    def secrets(self) -> list[str]:
        """The secret arguments of all changes in plain text. No message may repeat them."""
        return [secret for it in self.steps for secret in it.secrets()]

    def arguments(self) -> dict[str, object]:
        """The arguments by JSON name, also of each change. Secrets stay wrapped."""
        changes = [{"tool": it.tool_name, "arguments": it.arguments()} for it in self.steps]
        return {"studioId": self.studio_id, "changes": changes}


Action = Operation[Model] | ApplyChanges
"""What a guarded call does: one operation, or several changes."""


def _read_change(given: object, studio_id: str) -> Operation[Model]:
    match given:
        case Operation() if given.tool_name in CHANGES:
            return given
        case {"tool": str(tool), "arguments": dict(arguments), **others} if (
            tool in CHANGES and not others
        ):
            return CHANGES[tool].model_validate({"studioId": studio_id, **arguments})
    raise broken_rule(_NO_LIST)
