"""The environment, read once into a frozen value. Every `TRAX_` name that counts is in this file.

A wrong or unknown setting stops the start with one sentence that names it: a misspelt safety
switch that is silently ignored would be worse than a server that does not start.
"""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

PREFIX = "TRAX_"
DEFAULT_BASE_URL = "https://api-dev.traxstreaming.live"
_LARGEST_KEY_FILE_BYTES = 4096
_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE)


class SettingsError(ValueError):
    """A setting is wrong; the text is one sentence that names it and holds no value."""


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine for certain, without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _rule(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _read_switch(value: object) -> object:
    named = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
    if isinstance(value, str):
        if value.lower() not in named:
            raise _rule("must be 1 or 0")
        return named[value.lower()]
    return value


def _read_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(item for item in (part.strip() for part in value.split(",")) if item)
    return value


def _read_base_url(value: object) -> object:
    scheme, host = _split_address(str(value))
    if scheme == "http" and not is_loopback(host):
        raise _rule("must begin with https:// (http only on loopback): keys travel over it")
    return value


def _split_address(address: str) -> tuple[str, str]:
    with suppress(ValueError):  # no such port, or no address between the brackets
        url = urlsplit(address)
        if _ADDRESS.fullmatch(address) and url.hostname and url.port != 0:
            return url.scheme, url.hostname
    raise _rule("must be an address such as https://host, without user, query or fragment")


def _read_level(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(_read_switch)]
Names = Annotated[tuple[str, ...], BeforeValidator(_read_list)]


class Settings(BaseModel):
    """Everything that the environment can set; an empty value is the same as none."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda field: PREFIX + field.upper(),
    )

    api_key: SecretStr | None = None
    api_key_file: Path | None = Field(None, repr=False)
    base_url: Annotated[str, BeforeValidator(_read_base_url)] = DEFAULT_BASE_URL
    sandbox: Switch = False
    confirm: Literal["auto", "human", "preview", "flag"] = "auto"
    guard_also: Names = ()
    read_only: Switch = False
    tools: Names = ()
    audit_log: Path | None = None
    timeout_seconds: float = Field(10, gt=0, le=600)
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_read_level)
    ] = "INFO"
    allowed_hosts: Names = ()
    allowed_origins: Names = ()
    mcp_token: SecretStr | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise _rule("TRAX_API_KEY and TRAX_API_KEY_FILE are both set: keep one")
        return self

    def key(self) -> str | None:
        """The operator's TRaX key, from the variable or the file, None if there is none.

        Raises:
            SettingsError: the file cannot be read or holds no key.
        """
        if self.api_key is not None:
            return self.api_key.get_secret_value().strip()
        return None if self.api_key_file is None else _read_key_file(self.api_key_file)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read all `TRAX_` variables.

    Raises:
        SettingsError: one is wrong, or is not a setting at all.
    """
    given = {
        name: value.strip()
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip()
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    if not problem["loc"]:
        return f"{problem['msg']}."
    name = str(problem["loc"][0])
    match problem["type"]:
        case "extra_forbidden":
            return f"{name} is not a setting of this version of trax-mcp.{_did_you_mean(name)}"
        case "literal_error":
            return f"{name} must be {problem['ctx']['expected']}."
        case "float_parsing" | "greater_than" | "less_than_equal":
            return f"{name} must be a number of seconds above 0 and at most 600."
        case _:
            return f"{name} {problem['msg']}."


def _did_you_mean(name: str) -> str:
    known = {field.upper(): PREFIX + field.upper() for field in Settings.model_fields}
    close = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""


def _read_key_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            key = file.read(_LARGEST_KEY_FILE_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "TRAX_API_KEY_FILE names a file that cannot be read as a key."
        ) from None
    if not key:
        raise SettingsError("TRAX_API_KEY_FILE names an empty file.")
    return key
