"""The types of tool arguments, and the values that each accepts.

Models sometimes send numbers, booleans and lists as strings, so unambiguous strings are accepted.
An error states the rule and never repeats the value, which may be a secret.
"""

import json
import re
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

_INTEGER = re.compile(r"-?[0-9]{1,40}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LARGEST_INTEGER = 2**53 - 1  # JSON parsers agree up to here (RFC 8259, section 6)
LONGEST_WAIT_SECONDS = 55  # many clients cancel a call after a minute
_WAIT_RULE = f"must be a number of seconds from 0 to {LONGEST_WAIT_SECONDS}"
_LONGEST_ID, _LONGEST_CURSOR = (
    512,
    4096,
)  # even percent-encoded, both are shorter than the longest URL of httpx


def rule(sentence: str) -> PydanticCustomError:
    """The error for a broken rule. The sentence follows the argument's name: "must be ..."."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise rule("must be a non-empty string")
    if _has_lone_surrogate(value):
        raise rule("must be text without lone surrogates")
    return value


def _read_id(value: object) -> str:
    text = _read_text(value)
    if text in {".", ".."} or _CONTROL.search(text) or len(text) > _LONGEST_ID:
        raise rule("must be an id as TRaX gave it, on one line, not `.` or `..`")
    return text


def _read_cursor(value: object) -> str:
    text = _read_text(value)
    if len(text) > _LONGEST_CURSOR:
        raise rule("must be a cursor as it was given")
    return text


def _read_secret(value: object) -> SecretStr:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return SecretStr(_read_text(plain))


def _read_boolean(value: object) -> bool:
    booleans = {"true": True, "false": False}
    if isinstance(value, str) and value in booleans:
        return booleans[value]
    if not isinstance(value, bool):
        raise rule("must be true or false")
    return value


def _read_integer(value: object, *, minimum: int) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or value < minimum:
        raise rule(f"must be a whole number of at least {minimum}")
    if value > _LARGEST_INTEGER:
        raise rule(f"must be a whole number of at most {_LARGEST_INTEGER}")
    return value


def _read_limit(value: object) -> int:
    return _read_integer(value, minimum=1)


def _read_byte_size(value: object) -> int:
    return _read_integer(value, minimum=0)


def _read_wait(value: object) -> float:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise rule(_WAIT_RULE)
    if not 0 <= value <= LONGEST_WAIT_SECONDS:
        raise rule(_WAIT_RULE)
    return float(value)


def _read_texts(value: object) -> tuple[str, ...]:
    items = _parse_list(value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise rule("must be a list of non-empty strings")
    return tuple(_read_text(item) for item in items)


def _parse_list(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _has_lone_surrogate(text: str) -> bool:
    """Whether the text cannot be encoded. JSON can hold such text as an escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


Text = Annotated[str, BeforeValidator(_read_text)]
Id = Annotated[str, BeforeValidator(_read_id)]
Cursor = Annotated[str, BeforeValidator(_read_cursor)]
Secret = Annotated[SecretStr, BeforeValidator(_read_secret)]
Boolean = Annotated[bool, BeforeValidator(_read_boolean)]
Limit = Annotated[int, Field(ge=1), BeforeValidator(_read_limit)]
ByteSize = Annotated[int, Field(ge=0), BeforeValidator(_read_byte_size)]
WaitSeconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS), BeforeValidator(_read_wait)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_read_texts)]
