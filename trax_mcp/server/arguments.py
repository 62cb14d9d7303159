"""Reads the arguments of a tool call: the tool's input, and the evidence of consent.

Error messages name arguments but never repeat values, which may be secrets. A key in the place of
a name is redacted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from trax_mcp.actions.several import ARGUMENTS, CHANGES, MOST_CHANGES, ApplyChanges
from trax_mcp.api.arguments import LONGEST_CONFIRMATION, PLAIN_TEXT, Id, read_list
from trax_mcp.api.caller import redact
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import NotSent
from trax_mcp.api.operation import ToolInput
from trax_mcp.api.text_safety import quote

ValueT = TypeVar("ValueT", bound=ToolInput)

CONFIRM, CONFIRMATION = "confirm", "confirmation"
EVIDENCE_SCHEMAS: Mapping[str, JsonObject] = {
    CONFIRM: {
        "type": "boolean",
        "description": "Only if the user's next message approves the preview. Never on your own.",
    },
    CONFIRMATION: {
        **PLAIN_TEXT,
        "description": "From the preview.",
    },
}
"""The schemas of the arguments that every guarded tool has besides those of its input."""

_RULES: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "finite_number": "must be a number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le:.16g}",
    "string_too_long": "must have at most {max_length:,} characters (a limit of this server)",
    "string_type": "must be a non-empty string",
    "string_unicode": "must be text without lone surrogates",
    "too_long": "must have at most {max_length:,} items (a limit of this server)",
    "tuple_type": "must be a list of non-empty strings",
}
"""pydantic's errors as a model reads them, after the name of the argument."""

_ID: TypeAdapter[str] = TypeAdapter(Id, config=ConfigDict(defer_build=True))
_SHOWN_ARGUMENT = 40
_MAX_PROBLEMS = 3


class Evidence(NamedTuple):
    """What a model gives to show that a person agreed."""

    confirm: bool = False
    confirmation: str | None = None


def read_arguments(
    kind: type[ValueT], arguments: Mapping[str, object], *, guarded: bool
) -> tuple[ValueT, Evidence]:
    """Read the arguments of a tool.

    Raises:
        NotSent: an argument is missing, unknown or not allowed (`invalid_arguments`).
    """
    inputs, evidence, problems = dict(arguments), Evidence(), []
    if guarded:
        confirm, confirmation = (
            None if it == "" else it
            for it in (inputs.pop(CONFIRM, None), inputs.pop(CONFIRMATION, None))
        )
        if not isinstance(confirm, bool | None):
            problems.append(f"`{CONFIRM}` must be the boolean true, given after the user approves")
        text = confirmation if isinstance(confirmation, str) else None
        if confirmation is not None and (text is None or len(text) > LONGEST_CONFIRMATION):
            problems.append(f"`{CONFIRMATION}` must be the string that the preview gave")
        evidence = Evidence(confirm=confirm is True, confirmation=text)
    if kind is ApplyChanges:
        inputs["changes"] = _read_changes(inputs.get("studioId"), inputs.get("changes"))
    try:
        value = kind.model_validate(inputs, by_alias=True, by_name=False)
    except ValidationError as error:
        allowed = (*kind.argument_names(), *(EVIDENCE_SCHEMAS if guarded else ()))
        details = error.errors(include_url=False, include_input=False)
        count = len(problems) + len(details)
        problems += [_problem(it, kind, allowed) for it in details[:_MAX_PROBLEMS]]
        raise _invalid(problems, count=count) from None
    if problems:
        raise _invalid(problems, count=len(problems))
    return value, evidence


def _read_changes(studio_id: object, given: object) -> object:
    """Read each change, so that what is wrong with one is said as of a call of its own.

    Raises:
        NotSent: one is wrong (`invalid_arguments`).
    """
    given = read_list(given)
    try:
        _ID.validate_python(studio_id)
    except ValidationError:  # which is said of the whole call
        return given
    if not isinstance(given, list) or len(given) > MOST_CHANGES:  # each takes time
        return given
    return [
        _read_change(f"change {number}", studio_id, it) for number, it in enumerate(given, start=1)
    ]


def _read_change(which: str, studio_id: object, given: object) -> object:
    match given:
        case {"tool": str(tool), "arguments": dict(arguments), **others} if (
            tool in CHANGES and not others
        ):
            kind = CHANGES[tool]
            inputs = {"studioId": studio_id, **_without_unused(kind, arguments)}
            try:
                return read_arguments(kind, inputs, guarded=False)[0]
            except NotSent as error:
                happened = f"{which} ({tool}): {error.happened}"
                raise replace(error, happened=happened) from None
    tools = ", ".join(CHANGES)
    problem = f"{which} must be an object of `tool`, which is one of {tools}, and `arguments`"
    raise _invalid([problem], count=1)


def _without_unused(kind: type[ToolInput], given: JsonObject) -> JsonObject:
    """The arguments of a change, without an empty text for what only another kind of change has."""
    others = ARGUMENTS - set(kind.argument_names())
    return {name: it for name, it in given.items() if it != "" or name not in others}


def _problem(detail: ErrorDetails, kind: type[ToolInput], allowed: Sequence[str]) -> str:
    if not detail["loc"]:
        return f"{kind.tool_name} {detail['msg']}"
    name = str(detail["loc"][0])
    match detail["type"]:
        case "missing":
            return f"`{name}` is required"
        case "extra_forbidden":
            unknown = quote(redact(name), longest=_SHOWN_ARGUMENT)
            return f"{unknown} isn't an argument of {kind.tool_name}, {_which_takes(allowed)}"
        case broken:
            limits = detail.get("ctx", {})
            if limits.get("field_type") == "Value":  # what pydantic calls a secret
                broken = "string_too_long"
            rule = _RULES.get(broken)
            return f"`{name}` {rule.format_map(limits) if rule else detail['msg']}"


def _which_takes(allowed: Sequence[str]) -> str:
    if not allowed:
        return "which takes none"
    return "which takes " + ", ".join(f"`{name}`" for name in allowed)


def _invalid(problems: Sequence[str], *, count: int) -> NotSent:
    listed = "; ".join(problems[:_MAX_PROBLEMS])
    more = f"; and {count - _MAX_PROBLEMS} more" if count > _MAX_PROBLEMS else ""
    next_step = "Nothing was sent: correct the arguments and call again."
    return NotSent("invalid_arguments", f"{listed}{more}", next_step, not_done="")
