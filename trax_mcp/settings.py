"""The settings from the environment, as a frozen value. All `TRAX_` variables are named here.

A wrong or unknown setting prevents the start with one sentence that names it, because a misspelt
safety switch must not be ignored.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from trax_mcp.setting_types import (
    BaseUrl,
    Channels,
    Confirm,
    Drain,
    Folders,
    Hosts,
    Level,
    Names,
    Origins,
    Proxies,
    PublicUrl,
    Seconds,
    Store,
    Switch,
    Token,
)

VARIABLE_PREFIX: Final = "TRAX_"
DEFAULT_BASE_URL: Final = "https://api-dev.traxstreaming.live"
_LARGEST_KEY_FILE_BYTES: Final = 4096
_NEVER_EMPTY: Final = frozenset({"TRAX_MCP_TOKEN"})


class CannotStart(Exception):
    """The server cannot start. The message is one sentence and holds no value."""


class Settings(BaseModel):
    """Everything that the environment can set. Empty means unset, except for the token.

    The descriptions, in Markdown, are those of `docs/settings.md`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda field: VARIABLE_PREFIX + field.upper(),
    )

    api_key: SecretStr | None = Field(
        None, description="Your key, on stdio. Over HTTP each caller sends their own."
    )
    api_key_file: Path | None = Field(
        None,
        repr=False,
        description="A file that holds your key, alone, in place of `TRAX_API_KEY`.",
    )
    base_url: BaseUrl = Field(
        DEFAULT_BASE_URL, description="Where TRaX is: https, except on loopback."
    )
    sandbox: Switch = Field(default=False, description="`1` is the same as `--sandbox`.")
    confirm: Confirm = Field(
        "auto", description="How a yes is given: `auto`, `human`, `preview` or `flag`."
    )
    ask: Channels = Field(
        ("form", "panel", "page"),
        description="The ways in which you may be asked, comma separated. Their order is fixed.",
    )
    passkey_file: Path | None = Field(
        None,
        description="The public half of your passkey. Without it: beside the key file. If there is "
        "one, each yes needs the passkey, except to a stop.",
    )
    guard_also: Names = Field(
        (),
        description="Further tools that always need a yes, comma separated, such as "
        "`send_chat_message`.",
    )
    read_only: Switch = Field(
        default=False,
        description="`1`: only tools that read are listed and run. `go_offline` is not there "
        "either.",
    )
    tools: Names = Field(
        (),
        description="The tools to list and run, by name or by tag (`studios`, `stream`, `chat`, "
        "...), comma separated. Without it: all.",
    )
    audit_log: Path | None = Field(
        None,
        description="A file that gets a line for each decision about a guarded call. Without it, "
        "they go to the log.",
    )
    timeout_seconds: Seconds = Field(
        10, description="The longest time for one request to TRaX: above 0, up to 600."
    )
    chat_poll_seconds: Seconds = Field(
        2,
        description="The shortest time between two looks at one studio's chat or stream status for "
        "one key: above 0, up to 600. While nothing happens, it is up to five times as "
        "long.",
    )
    media_dirs: Folders = Field(
        (),
        description="Folders that `upload_media` may read from, by their whole paths, separated as "
        "in `PATH`. Without them and over HTTP, there is no such tool.",
    )
    log_level: Level = Field(
        "INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`. The log goes to stderr."
    )
    allowed_hosts: Hosts = Field(
        (),
        description="Names by which `trax-mcp http` may be called, comma separated, besides those "
        "of loopback.",
    )
    allowed_origins: Origins = Field(
        (), description="Web origins that may call it, comma separated, besides those of loopback."
    )
    mcp_token: Token | None = Field(
        None, description="If set, HTTP callers must send it as `Authorization: Bearer`."
    )
    store_url: Store | None = Field(
        None,
        description="A Valkey or Redis that several processes of `trax-mcp http` share: "
        "`redis://`, `rediss://` or `unix://`. It needs the extra `replicas`. Without it, each "
        "remembers by itself.",
    )
    drain_seconds: Drain = Field(
        0,
        description="For how many seconds `trax-mcp http` serves on after SIGTERM or SIGHUP, at "
        "most 600. Meanwhile `GET /readyz` answers 503, so that a proxy sends new requests "
        "elsewhere and calls finish.",
    )

    sign_in: Switch = Field(
        default=False,
        description="`1` is the same as `--sign-in`: people give their key on a page of "
        "`trax-mcp http`, and their client gets a token. It needs the extra `sign-in`.",
    )
    public_url: PublicUrl | None = Field(
        None,
        description="Where people and clients reach this server, such as "
        "`https://trax.example.com`; the same as `--public-url`. Signing in needs it.",
    )
    sign_in_file: Path | None = Field(
        None,
        description="The file that keeps who is signed in. Only you may be able to open it. "
        "Without it: in your folder for data.",
    )
    sign_in_secret_file: Path | None = Field(
        None,
        repr=False,
        description="The secret without which that file opens nothing; the first start makes it. "
        "Keep it apart from the file. Without it: beside the key file.",
    )
    sign_in_registration: Switch = Field(
        default=False,
        description="`1`: clients without a metadata document may register themselves.",
    )
    trusted_proxies: Proxies = Field(
        (),
        description="Addresses or networks of the proxies in front of `trax-mcp http`, comma "
        "separated. The address of a caller is taken from their `X-Forwarded-For`.",
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("TRAX_API_KEY and TRAX_API_KEY_FILE are both set: keep one")
        return self

    @model_validator(mode="after")
    def _sign_in_fits(self) -> Self:
        if not self.sign_in:
            return self
        if self.public_url is None:
            raise ValueError(
                "TRAX_SIGN_IN needs TRAX_PUBLIC_URL or --public-url: where people reach this server"
            )
        if self.mcp_token is not None:
            raise ValueError(
                "TRAX_SIGN_IN and TRAX_MCP_TOKEN are both set: keep one, since both use the header"
                " Authorization"
            )
        if self.store_url is not None:
            raise ValueError(
                "TRAX_SIGN_IN and TRAX_STORE_URL are both set: people sign in at one process alone"
            )
        if self.sign_in_file is not None and self.sign_in_file == self.sign_in_secret_file:
            raise ValueError("TRAX_SIGN_IN_FILE and TRAX_SIGN_IN_SECRET_FILE must be two files")
        return self

    def key(self) -> str | None:
        """The operator's TRaX key, from the variable or the file. None if neither is set.

        Raises:
            CannotStart: the file cannot be read or holds no key.
        """
        if self.api_key is not None:
            return self.api_key.get_secret_value().strip()
        return None if self.api_key_file is None else _read_key_file(self.api_key_file)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read all `TRAX_` variables.

    Raises:
        CannotStart: one is wrong or unknown.
    """
    variables = {
        ascii(name)[1:-1]: value.strip()  # names can hold any bytes, and messages print them
        for name, value in environment.items()
        if name.startswith(VARIABLE_PREFIX) and (value.strip() or name in _NEVER_EMPTY)
    }
    try:
        return Settings.model_validate(variables)
    except ValidationError as error:
        raise CannotStart(_describe(error)) from None


def _describe(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    if not problem["loc"]:
        return f"{problem['ctx']['error']}."
    name = str(problem["loc"][0])
    match problem["type"]:
        case "extra_forbidden":
            return f"{name} is not a setting of this version of trax-mcp.{_suggest(name)}"
        case "literal_error":
            return f"{name} must be {problem['ctx']['expected']}."
        case "value_error":
            return f"{name} {problem['ctx']['error']}."
        case _:  # variables can hold any bytes
            return f"{name} must be text in UTF-8."


def _suggest(name: str) -> str:
    known = {field.upper(): VARIABLE_PREFIX + field.upper() for field in Settings.model_fields}
    close = difflib.get_close_matches(name.removeprefix(VARIABLE_PREFIX).upper(), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""


def _read_key_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            key = file.read(_LARGEST_KEY_FILE_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise CannotStart("TRAX_API_KEY_FILE names a file that cannot be read as a key.") from None
    if not key:
        raise CannotStart("TRAX_API_KEY_FILE names an empty file.")
    return key
