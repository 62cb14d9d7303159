"""The types of tool arguments, and the values that each accepts.

Models sometimes send numbers, booleans and lists as strings, so unambiguous strings are accepted.
Every text and list has a limit, which is checked first. TRaX documents none: the limits are this
server's, which keeps texts in memory until a person has answered. An error states the rule and
never repeats the value, which may be a secret.
"""

import json
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

_INTEGER = re.compile(r"-?[0-9]{1,40}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LARGEST_INTEGER = 2**53 - 1  # JSON parsers agree up to here (RFC 8259, section 6)
LONGEST_WAIT_SECONDS = 55  # many clients cancel a call after a minute
LONGEST_GATHER_SECONDS = 20

DEFAULT_PAGE: Final = 50
LARGEST_PAGE: Final = 200
"""Items on one page of TRaX (source: the contract, parameter `limit`)."""

LONGEST_ID: Final = 512
LONGEST_CURSOR: Final = 4_096  # percent-encoded, still shorter than the longest URL of httpx
LONGEST_SHORT_TEXT: Final = 200
LONGEST_FILE_NAME: Final = 255  # as in most file systems
LONGEST_PATH: Final = 4_096
LONGEST_ADDRESS: Final = 2_048
LONGEST_MESSAGE: Final = 2_000
LONGEST_SECRET: Final = 2_048
LONGEST_QUERY: Final = LONGEST_ID
LONGEST_CONFIRMATION: Final = LONGEST_ID
MAX_ITEMS: Final = 50
_LONGEST_LIST = MAX_ITEMS * (12 * LONGEST_SHORT_TEXT + 4)  # as JSON, with every character escaped


def broken_rule(sentence: str) -> PydanticCustomError:
    """The error for a broken rule. The sentence follows the argument's name: "must be ..."."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def too_long(longest: int) -> PydanticCustomError:
    """The error for a text over the limit."""
    return broken_rule(f"must have at most {longest:,} characters (a limit of this server)")


def is_id(text: str) -> bool:
    """Whether a text can be an id. TRaX gives ids that can; a list may hold others all the same."""
    try:
        _read_id(text)
    except PydanticCustomError:
        return False
    return True


def _read_text(value: object, *, longest: int) -> str:
    if isinstance(value, str) and len(value) > longest:
        raise too_long(longest)
    if not isinstance(value, str) or not value.strip():
        raise broken_rule("must be a non-empty string")
    if _has_lone_surrogate(value):
        raise broken_rule("must be text without lone surrogates")
    return value


def _text(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda value: _read_text(value, longest=longest))


def _read_id(value: object) -> str:
    text = _read_text(value, longest=LONGEST_ID)
    if text in {".", ".."} or _CONTROL.search(text):
        raise broken_rule("must be an id as TRaX gave it, on one line, not `.` or `..`")
    return text


def _read_secret(value: object) -> SecretStr:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return SecretStr(_read_text(plain, longest=LONGEST_SECRET))


def _read_boolean(value: object) -> bool:
    booleans = {"true": True, "false": False}
    if isinstance(value, str) and value in booleans:
        return booleans[value]
    if not isinstance(value, bool):
        raise broken_rule("must be true or false")
    return value


def _read_integer(value: object, *, minimum: int, maximum: int) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or value < minimum:
        raise broken_rule(f"must be a whole number of at least {minimum}")
    if value > maximum:
        raise broken_rule(f"must be a whole number of at most {maximum}")
    return value


def _integer(minimum: int, maximum: int = _LARGEST_INTEGER) -> BeforeValidator:
    return BeforeValidator(lambda value: _read_integer(value, minimum=minimum, maximum=maximum))


def _read_seconds(value: object, *, longest: int) -> float:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    rule = f"must be a number of seconds from 0 to {longest}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise broken_rule(rule)
    if not 0 <= value <= longest:
        raise broken_rule(rule)
    return float(value)


def _seconds(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda value: _read_seconds(value, longest=longest))


def _read_short_texts(value: object) -> tuple[str, ...]:
    items = _parse_list(value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise broken_rule("must be a list of non-empty strings")
    if len(items) > MAX_ITEMS:
        raise broken_rule(f"must have at most {MAX_ITEMS} items (a limit of this server)")
    return tuple(_read_text(item, longest=LONGEST_SHORT_TEXT) for item in items)


def _parse_list(value: str) -> object:
    if len(value) > _LONGEST_LIST:
        raise too_long(_LONGEST_LIST)
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


ShortText = Annotated[str, Field(max_length=LONGEST_SHORT_TEXT), _text(LONGEST_SHORT_TEXT)]
FileName = Annotated[str, Field(max_length=LONGEST_FILE_NAME), _text(LONGEST_FILE_NAME)]
Path = Annotated[str, Field(max_length=LONGEST_PATH), _text(LONGEST_PATH)]
Address = Annotated[str, Field(max_length=LONGEST_ADDRESS), _text(LONGEST_ADDRESS)]
MessageText = Annotated[str, Field(max_length=LONGEST_MESSAGE), _text(LONGEST_MESSAGE)]
Query = Annotated[str, Field(max_length=LONGEST_QUERY), _text(LONGEST_QUERY)]
Cursor = Annotated[str, Field(max_length=LONGEST_CURSOR), _text(LONGEST_CURSOR)]
Id = Annotated[str, Field(max_length=LONGEST_ID), BeforeValidator(_read_id)]
Secret = Annotated[SecretStr, Field(max_length=LONGEST_SECRET), BeforeValidator(_read_secret)]
Boolean = Annotated[bool, BeforeValidator(_read_boolean)]
Limit = Annotated[
    int,
    Field(ge=1, le=LARGEST_PAGE, json_schema_extra={"default": DEFAULT_PAGE}),
    _integer(1, LARGEST_PAGE),
]
ByteSize = Annotated[int, Field(ge=0), _integer(0)]
WaitSeconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS), _seconds(LONGEST_WAIT_SECONDS)]
GatherSeconds = Annotated[
    float, Field(ge=0, le=LONGEST_GATHER_SECONDS), _seconds(LONGEST_GATHER_SECONDS)
]
ShortTexts = Annotated[
    tuple[ShortText, ...], Field(max_length=MAX_ITEMS), BeforeValidator(_read_short_texts)
]
