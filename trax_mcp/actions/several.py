"""The input of apply_changes: several changes of one studio, made in order with one yes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator

from trax_mcp import actions
from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import LOOK
from trax_mcp.api.arguments import Id, broken_rule, read_list
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import Effect
from trax_mcp.studio.outputs import Output, PlainSchema, StudioTool

CHANGES: Final[Mapping[str, type[Change[Any]]]] = {
    it.tool_name: it for it in actions.CHANGES if it.can_be_one_of_several
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
                "description": "The arguments of `tool`, without `studioId`.",
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
        "Make several changes to one studio in order, with one question for all: such as turning"
        " YouTube off, then go_live. It stops at the first that isn't certainly done."
    ),
):
    """Several operations in one studio. Each is the call that it would be by itself."""

    output = AppliedChanges
    look: ClassVar[str] = LOOK

    studio_id: Id
    changes: Annotated[
        tuple[Change[Any], ...],
        Field(description="What to do, in order. go_live can only be the last."),
        _ChangesSchema(),
    ]

    @field_validator("changes", mode="plain")
    @classmethod
    def _read_changes(cls, value: Any, info: ValidationInfo) -> tuple[Change[Any], ...]:  # noqa: ANN401  JSON
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


def _read_change(given: object, studio_id: str) -> Change[Any]:
    match given:
        case Change() if given.tool_name in CHANGES:
            return given
        case {"tool": str(tool), "arguments": dict(arguments), **others} if (
            tool in CHANGES and not others
        ):
            return CHANGES[tool].model_validate({"studioId": studio_id, **arguments})
    raise broken_rule(_NO_LIST)
