"""A tool's arguments, as a model sends them -> the operation, and the evidence of consent.

All that is wrong is found before anything is sent, and said by the argument's name; the values
themselves are never repeated, since they may be secrets.
"""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trax_mcp.api.errors import Failure, NotSent
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.quoting import quote_words
from trax_mcp.guard.policy import Evidence

CONFIRM = "confirm"
_LONGEST_NAME = 40
_MOST_PROBLEMS = 3


def evidence_arguments(operation: type[Operation[Model]]) -> tuple[str, ...]:
    """The arguments that a tool has besides its operation's own: those of a guarded one."""
    return (CONFIRM,) if operation.effect is Effect.GUARDED else ()


def read_arguments(
    kind: type[Operation[Model]], arguments: Mapping[str, object]
) -> tuple[Operation[Model], Evidence]:
    """Read a tool's arguments.

    Raises:
        NotSent: an argument is missing, unknown or not allowed (`invalid_arguments`).
    """
    ours = evidence_arguments(kind)
    problems = []
    confirm = arguments.get(CONFIRM) if ours else None
    if confirm is not None and not isinstance(confirm, bool):
        problems.append(f"`{CONFIRM}` must be the boolean true, given after the person's yes")
    rest = {name: value for name, value in arguments.items() if name not in ours}
    try:
        operation = kind.model_validate(rest, by_alias=True, by_name=False)
    except ValidationError as error:
        allowed = (*kind.arguments(), *ours)
        problems += [_problem(detail, kind, allowed) for detail in _details(error)]
        raise _invalid(problems) from None
    if problems:
        raise _invalid(problems)
    return operation, Evidence(confirm=confirm is True)


def _details(error: ValidationError) -> Sequence[ErrorDetails]:
    return error.errors(include_url=False, include_input=False, include_context=False)


def _problem(detail: ErrorDetails, kind: type[Operation[Model]], allowed: Sequence[str]) -> str:
    if not detail["loc"]:
        return f"{kind.known_as} {detail['msg']}"
    name = str(detail["loc"][0])
    match detail["type"]:
        case "missing":
            return f"`{name}` is required"
        case "extra_forbidden":
            stranger = quote_words(name, longest=_LONGEST_NAME)
            return f"{stranger} is not an argument of {kind.known_as}, {_takes(allowed)}"
        case _:
            return f"`{name}` {detail['msg']}"


def _takes(allowed: Sequence[str]) -> str:
    if not allowed:
        return "which takes none"
    return "which takes " + ", ".join(f"`{name}`" for name in allowed)


def _invalid(problems: Sequence[str]) -> NotSent:
    told = "; ".join(problems[:_MOST_PROBLEMS])
    more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
    message = f"{told}{more}. Nothing was sent: correct the arguments and call again."
    return NotSent(Failure(code="invalid_arguments", message=message, retryable=False))
