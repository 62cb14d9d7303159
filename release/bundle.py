"""Unpacks a bundle as a host does, starts it by its own manifest, and writes its checksum.

The host's part is done by `mcpb`, whose code Claude Desktop also uses to read bundles. Needs the
network: uv downloads the dependencies.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client, StdioServerParameters

from release.declared import build_sources
from tests.support.product.reference import tool_names

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_START_SECONDS: Final = 120
"""On the first start uv downloads and builds."""

SUFFIXES: Final = {".json", ".md", ".png", ".py", ".toml", ".typed", ".html", ".css", ".js"}
_RESOLVE: Final = """
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb/node";
const [extensionPath, manifest, userConfig] = process.argv.slice(1);
const config = await getMcpConfigForManifest({
  manifest: JSON.parse(manifest), userConfig: JSON.parse(userConfig), extensionPath,
  systemDirs: {}, pathSeparator: "/",
});
console.log(JSON.stringify(config ?? null));
"""


class Host:
    """A program that opens a bundle, with node, uv and mcpb from the folder `tools`."""

    def __init__(self, tools: Path, bundle: Path, folder: Path) -> None:
        self._tools, self._folder = tools, folder
        path = os.pathsep.join((str(tools / "bin"), os.environ["PATH"]))
        kept = {name: it for name, it in os.environ.items() if not name.startswith("TRAX_")}
        # uv has its own certificate list; the system's may include a company proxy.
        ours = {"UV_CACHE_DIR": str(tools / "uv"), "UV_SYSTEM_CERTS": "1"}
        self._environment = kept | {"PATH": path} | ours
        self._run(str(tools / "node_modules/.bin/mcpb"), "unpack", str(bundle), str(folder))
        self.manifest: dict[str, Any] = json.loads(self._manifest_text())

    def command(self, form: Mapping[str, object]) -> dict[str, Any] | None:
        """The command that it would start for this form; None if a required field is empty."""
        options = ("--input-type=module", "--eval", _RESOLVE, "--", str(self._folder))
        output = self._run("node", *options, self._manifest_text(), json.dumps(form))
        command: dict[str, Any] | None = json.loads(output)
        return command

    async def listed(
        self, form: Mapping[str, object], *, program: str = ""
    ) -> tuple[list[str], list[str]]:
        """The tools and prompts of a server on the sandbox that starts with these form values.

        `program` replaces the command's last argument, for hosts with a command of their own.
        """
        config = self.command({"api_key": "sk_live_bundle", **form})
        assert config is not None
        on_practice = {} if "sandbox" in form else {"TRAX_SANDBOX": "1"}
        env = self._environment | config["env"] | on_practice
        args = [*config["args"][:-1], program or config["args"][-1]]
        start = StdioServerParameters(command=config["command"], args=args, env=env)
        with anyio.fail_after(FIRST_START_SECONDS):
            async with Client(start) as client:
                output = await client.call_tool("list_studios", {})
                assert not output.is_error, output
                tools, prompts = await client.list_tools(), await client.list_prompts()
        return [tool.name for tool in tools.tools], [prompt.name for prompt in prompts.prompts]

    def _manifest_text(self) -> str:
        return (self._folder / "manifest.json").read_text(encoding="utf-8")

    def _run(self, *command: str) -> str:
        return subprocess.run(
            command,
            env=self._environment,
            cwd=self._tools,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout


async def check(tools: Path, bundle: Path, temporary: Path) -> None:
    """Check the bundle's contents, and that it starts with various form values."""
    folder = temporary / "Claude Extensions" / "trax-mcp"
    host = Host(tools, bundle, folder)
    manifest = host.manifest
    expected = build_sources() | {"manifest.json", manifest["icon"]}
    assert {path.name for path in folder.iterdir()} == expected
    assert [path for path in folder.rglob("*.*") if path.suffix not in SUFFIXES] == []
    assert host.command({}) is None, "starts without a key"
    names = tuple([it["name"] for it in manifest[kind]] for kind in ("tools", "prompts"))
    assert await host.listed({"media_dirs": str(temporary)}) == names
    practice = {"sandbox": True, "api_key": "practice"}
    for form in ({}, {"ask": "", "read_only": False, "media_dirs": ""}, practice):
        assert (await host.listed(form))[0] == tool_names(read_only=False)
    assert (await host.listed({"read_only": True}))[0] == tool_names(read_only=True)
    script = manifest["server"]["entry_point"]
    assert (await host.listed({}, program=script))[0] == tool_names(read_only=False)
    installed = {path.name for path in folder.glob(".venv/[Ll]ib/**/site-packages/*")}
    assert "mcp" in installed
    assert not {"pytest", "mypy", "hypothesis"} & installed
    print(f"{bundle.name} starts by its own manifest, and lists {len(names[0])} tools.")


def write_checksum(file: Path) -> Path:
    """Write the checksum of a file next to it, as `sha256sum --check` reads it."""
    digest = sha256(file.read_bytes()).hexdigest()
    checksum = file.with_name(f"{file.name}.sha256")
    checksum.write_text(f"{digest}  {file.name}\n", encoding="utf-8")
    return checksum


def main() -> None:
    """Check the bundle given first, with the tools in the folder given second."""
    bundle, tools = (Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as temporary:
        anyio.run(check, tools, bundle, Path(temporary))
    print(f"Its checksum is in {write_checksum(bundle).name}.")


if __name__ == "__main__":
    main()
