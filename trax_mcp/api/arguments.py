"""The types of tool arguments, with their limits.

Models sometimes send numbers, booleans and lists as strings, so unambiguous strings are accepted,
and nothing else is converted. TRaX documents no limits: they are this server's, which keeps texts
in memory until a person has answered. `server/arguments.py` says what is wrong with a value.

Their schemas have no keyword that a client may refuse or lose: no `default`, `format`, `writeOnly`.
Of what TRaX itself has given, such as an id, they do not state the limit, which nobody meets.
"""

import json
import re
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

TextT = TypeVar("TextT", str, SecretStr)

_INTEGER: Final = re.compile(r"-?[0-9]{1,40}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LARGEST_INTEGER: Final = 2**53 - 1  # JSON parsers agree up to here (RFC 8259, section 6)

DEFAULT_PAGE: Final = 50
LARGEST_PAGE: Final = 200
"""Items on one page of TRaX (source: the contract, parameter `limit`)."""

LONGEST_ID: Final = 512
LONGEST_CURSOR: Final = 4_096  # percent-encoded, still shorter than the longest URL of httpx
LONGEST_SHORT_TEXT: Final = 200
LONGEST_CONFIRMATION: Final = LONGEST_ID
PLAIN_TEXT: Final = {"type": "string"}
"""The schema of a text that states no limit."""
_LONGEST_SECRET: Final = 2_048
_LONGEST_WAIT_SECONDS: Final = 55  # many clients cancel a call after a minute


def broken_rule(sentence: str) -> PydanticCustomError:
    """The error for a broken rule. The sentence follows the argument's name: "must be ..."."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _check_text(text: TextT) -> TextT:
    plain = text.get_secret_value() if isinstance(text, SecretStr) else text
    if not plain.strip():
        raise broken_rule("must be a non-empty string")
    if any("\ud800" <= it <= "\udfff" for it in plain):  # JSON can hold them as escapes
        raise broken_rule("must be text without lone surrogates")
    return text


def _check_id(text: str) -> str:
    if text in {".", ".."} or _CONTROL.search(text):
        raise broken_rule("must be an id as TRaX gave it, on one line, not `.` or `..`")
    return text


def _check_not_empty(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        raise broken_rule("must have an item, or be left out")
    return texts


def _read_text(value: object) -> object:
    """Read a boolean or a whole number that came as text, or with a fraction of 0."""
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_list(value: object) -> object:
    """Read a list that came as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


ShortText = Annotated[str, Field(max_length=LONGEST_SHORT_TEXT), AfterValidator(_check_text)]
FileName = Annotated[str, Field(max_length=255), AfterValidator(_check_text)]  # most file systems'
Path = Annotated[str, Field(max_length=4_096), AfterValidator(_check_text)]
Address = Annotated[str, Field(max_length=2_048), AfterValidator(_check_text)]
MessageText = Annotated[str, Field(max_length=2_000), AfterValidator(_check_text)]
Query = Annotated[str, Field(max_length=LONGEST_ID), AfterValidator(_check_text)]
Cursor = Annotated[
    str, Field(max_length=LONGEST_CURSOR), AfterValidator(_check_text), WithJsonSchema(PLAIN_TEXT)
]
Id = Annotated[
    str,
    Field(max_length=LONGEST_ID),
    AfterValidator(_check_text),
    AfterValidator(_check_id),
    WithJsonSchema(PLAIN_TEXT),
]
Secret = Annotated[
    SecretStr,
    Field(max_length=_LONGEST_SECRET),
    AfterValidator(_check_text),
    WithJsonSchema({**PLAIN_TEXT, "maxLength": _LONGEST_SECRET}),
]
ShortTexts = Annotated[
    tuple[ShortText, ...],
    Field(max_length=50, fail_fast=True, json_schema_extra={"minItems": 1}),
    BeforeValidator(read_list),
    AfterValidator(_check_not_empty),
]
Boolean = Annotated[bool, Strict(), BeforeValidator(_read_text)]
Limit = Annotated[
    int,
    Strict(),
    Field(ge=1, le=LARGEST_PAGE),
    BeforeValidator(_read_text),
]
ByteSize = Annotated[int, Strict(), Field(ge=0, le=_LARGEST_INTEGER), BeforeValidator(_read_text)]
WaitSeconds = Annotated[
    float,
    Strict(),
    Field(ge=0, le=_LONGEST_WAIT_SECONDS, allow_inf_nan=False),
    BeforeValidator(_read_text),
]
GatherSeconds = Annotated[
    float, Strict(), Field(ge=0, le=20, allow_inf_nan=False), BeforeValidator(_read_text)
]
