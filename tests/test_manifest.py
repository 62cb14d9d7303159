"""The bundle's manifest: true to the code, and its form to the settings.

Its schema is for `mcpb validate` to judge, and a bundle that was packed for `make bundle` to start.
Its lists of tools and prompts are generated: see `test_generated`.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests import ROOT
from tests.bundle import TOP
from tests.icon import PNG, SIDE, SVG, drawing, pixels, row
from tests.project import DECLARED, PROJECT, needed_to_build
from trax_mcp import __version__
from trax_mcp.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text("utf-8"))
SERVER: dict[str, Any] = MANIFEST["server"]
FORM: dict[str, dict[str, Any]] = MANIFEST["user_config"]
KEY = "sk_live_mine"


def filled_in(given: Mapping[str, object]) -> dict[str, str]:
    """The environment that a host makes of a form.

    As `mcpb` does it: a field that was left alone has its default, and a field without a default
    leaves its placeholder where it stands.
    """
    defaults = {name: field["default"] for name, field in FORM.items() if "default" in field}
    values = {name: _text(value) for name, value in {**defaults, **given}.items()}
    environment: dict[str, str] = dict(SERVER["mcp_config"]["env"])
    for name, value in values.items():
        placeholder = f"${{user_config.{name}}}"
        environment = {it: text.replace(placeholder, value) for it, text in environment.items()}
    return environment


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_it_is_of_this_project() -> None:
    """What stands in two places is the same in both."""
    assert (MANIFEST["manifest_version"], SERVER["type"]) == ("0.4", "uv")
    assert (MANIFEST["name"], MANIFEST["version"]) == (PROJECT["name"], __version__)
    assert MANIFEST["license"] == PROJECT["license"]
    assert MANIFEST["compatibility"]["runtimes"] == {"python": PROJECT["requires-python"]}


def test_what_a_host_starts_is_there() -> None:
    """By its command, or by its entry point for hosts that have a command of their own."""
    command = SERVER["mcp_config"]
    assert (command["command"], command["args"][:-1]) == (
        "uv",
        ["run", "--directory", "${__dirname}"],
    )
    assert command["args"][-1] in PROJECT["scripts"]
    assert (ROOT / SERVER["entry_point"]).is_file()


def test_a_user_installs_nothing_for_developers() -> None:
    """Unless it is told otherwise, uv installs the group called dev too."""
    assert DECLARED["tool"]["uv"]["default-groups"] == []


def test_what_the_build_needs_goes_into_the_bundle() -> None:
    """On a user's computer uv builds the package from it."""
    assert needed_to_build() | {"manifest.json", MANIFEST["icon"]} == TOP


def test_every_field_of_the_form_becomes_its_setting() -> None:
    """A field that goes nowhere, or a name that is no setting, would stop the start or be a lie."""
    assert SERVER["mcp_config"]["env"] == {
        f"TRAX_{name.upper()}": f"${{user_config.{name}}}" for name in FORM
    }
    assert set(FORM) <= set(Settings.model_fields)


def test_only_the_key_is_asked_for_and_it_is_kept_secret() -> None:
    """The rest has defaults. A default key would be somebody's."""
    assert [name for name, field in FORM.items() if field["required"]] == ["api_key"]
    assert [name for name, field in FORM.items() if field.get("sensitive")] == ["api_key"]
    assert [name for name, field in FORM.items() if "default" not in field] == ["api_key"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"confirm": "", "media_dirs": ""},
        {"confirm": "auto", "read_only": False},
        {"confirm": "  ", "read_only": ""},
    ],
)
def test_a_form_with_nothing_but_the_key_is_a_server_without_settings(
    given: dict[str, object],
) -> None:
    """Whether a field was left alone or emptied: neither stops the start."""
    settings = read_settings(filled_in({"api_key": KEY, **given}))
    assert settings == read_settings({"TRAX_API_KEY": KEY})


@pytest.mark.parametrize("mode", get_args(Settings.model_fields["confirm"].annotation))
def test_every_way_to_say_yes_is_described_and_taken(mode: str) -> None:
    """A bundle's form has no choices to pick from, so the words have to name them."""
    assert f"{mode}: " in FORM["confirm"]["description"]
    assert read_settings(filled_in({"api_key": KEY, "confirm": mode})).confirm == mode


@pytest.mark.parametrize("chosen", [True, False])
def test_the_switch_is_taken_as_hosts_write_it(*, chosen: bool) -> None:
    """They write true and false."""
    assert FORM["read_only"]["type"] == "boolean"
    assert read_settings(filled_in({"api_key": KEY, "read_only": chosen})).read_only is chosen


@pytest.mark.parametrize("prompt", MANIFEST["prompts"], ids=lambda prompt: str(prompt["name"]))
def test_arguments_stand_in_prompts_as_bundles_have_them(prompt: dict[str, Any]) -> None:
    """A host that fills them in itself knows only `${arguments.name}`."""
    text = prompt["text"]
    for name in prompt["arguments"]:
        text = text.replace(f"${{arguments.{name}}}", "")
    assert "$" not in text


def test_the_icon_is_as_it_is_drawn() -> None:
    """Every 16th row of it, to be quick; `make docs` draws all of them."""
    png = PNG.read_bytes()
    assert PNG.name == MANIFEST["icon"]
    assert struct.unpack_from(">4xII", png, 8 + 4) == (SIDE, SIDE)
    drawn, stride = pixels(png), 4 * SIDE
    assert len(drawn) == SIDE * stride
    for y in range(0, SIDE, 16):
        assert drawn[y * stride : (y + 1) * stride] == row(y)
    assert SVG.read_text("utf-8") == drawing()
