"""Unpacks a bundle as a host does and starts it by its own manifest, for `make bundle`.

The host's part is done by `mcpb`, whose code Claude Desktop also uses to read bundles. Needs the
network: uv downloads the dependencies.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, StdioServerParameters

from tests.support.product.reference import tool_names

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENTS = {
    "LICENSE",
    "README.md",
    "icon.png",
    "manifest.json",
    "prompts",
    "pyproject.toml",
    "trax_mcp",
}
"""The files and folders at the top of a bundle."""

FIRST_START_SECONDS = 120
"""On the first start uv downloads and builds."""

SUFFIXES = {".json", ".md", ".png", ".py", ".toml", ".typed", ".html", ".css", ".js"}
KEY = "sk_live_bundle"
_RESOLVE = """
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb/node";
const [extensionPath, manifest, userConfig] = process.argv.slice(1);
const config = await getMcpConfigForManifest({
  manifest: JSON.parse(manifest), userConfig: JSON.parse(userConfig), extensionPath,
  systemDirs: {}, pathSeparator: "/",
});
console.log(JSON.stringify(config ?? null));
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A program that opens bundles, with node, uv and mcpb from the folder `tools`."""

    tools: Path

    def unpack(self, bundle: Path, folder: Path) -> None:
        """Unpack a bundle as a host does."""
        self._run(str(self.tools / "node_modules/.bin/mcpb"), "unpack", str(bundle), str(folder))

    def command(self, folder: Path, form: Mapping[str, object]) -> dict[str, Any] | None:
        """The command that a host would start; None if a required field is empty."""
        manifest = (folder / "manifest.json").read_text(encoding="utf-8")
        arguments = ("--input-type=module", "--eval", _RESOLVE, "--", str(folder), manifest)
        output = self._run("node", *arguments, json.dumps(form))
        command: dict[str, Any] | None = json.loads(output)
        return command

    def client(self, config: Mapping[str, Any]) -> Client:
        """An MCP client that starts this command on the sandbox."""
        env = self._environment() | config["env"] | {"TRAX_SANDBOX": "1"}
        command = StdioServerParameters(command=config["command"], args=config["args"], env=env)
        return Client(command)

    def _run(self, *command: str) -> str:
        return subprocess.run(  # noqa: S603  our own tools and arguments
            command,
            env=self._environment(),
            cwd=self.tools,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join((str(self.tools / "bin"), os.environ["PATH"]))
        kept = {name: it for name, it in os.environ.items() if not name.startswith("TRAX_")}
        # uv has its own certificate list; the system's may include a company proxy.
        ours = {"UV_CACHE_DIR": str(self.tools / "uv"), "UV_SYSTEM_CERTS": "1"}
        return kept | {"PATH": path} | ours


async def check(host: Host, bundle: Path, temporary: Path) -> str:
    """Check the bundle's contents, and that it starts with various form values.

    Returns a summary for the terminal.

    Raises:
        AssertionError: a check failed.
    """
    folder = temporary / "Claude Extensions" / "trax-mcp"
    host.unpack(bundle, folder)
    check_contents(folder)
    assert host.command(folder, {}) is None, "starts without a key"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tools, prompts = await listed_tools_and_prompts(host, folder, media_dirs=str(temporary))
    check_equal(tools, [tool["name"] for tool in manifest["tools"]])
    check_equal(prompts, [prompt["name"] for prompt in manifest["prompts"]])
    check_equal((await listed_tools_and_prompts(host, folder))[0], expected_tools())
    empty = await listed_tools_and_prompts(host, folder, confirm="", read_only=False, media_dirs="")
    check_equal(empty[0], expected_tools())
    check_equal(
        (await listed_tools_and_prompts(host, folder, read_only=True))[0],
        expected_tools(read_only=True),
    )
    script = manifest["server"]["entry_point"]
    check_equal((await listed_tools_and_prompts(host, folder, program=script))[0], expected_tools())
    check_installed(folder)
    return f"{bundle.name} starts by its own manifest, and lists {len(tools)} tools."


async def listed_tools_and_prompts(
    host: Host, folder: Path, *, program: str | None = None, **form: object
) -> tuple[list[str], list[str]]:
    """The tools and prompts of a server that starts with these form values.

    `program` replaces the command's last argument, for hosts with a command of their own.
    """
    config = host.command(folder, {"api_key": KEY, **form})
    assert config is not None
    args = [*config["args"][:-1], program or config["args"][-1]]
    with anyio.fail_after(FIRST_START_SECONDS):
        async with host.client({**config, "args": args}) as client:
            output = await client.call_tool("list_studios", {})
            assert not output.is_error, output
            tools, prompts = await client.list_tools(), await client.list_prompts()
    return [tool.name for tool in tools.tools], [prompt.name for prompt in prompts.prompts]


def expected_tools(*, read_only: bool = False) -> list[str]:
    """The tools that are offered without media folders."""
    return tool_names(read_only=read_only)


def check_equal(actual: list[str], expected: list[str]) -> None:
    """Check that two lists are equal, and show the difference."""
    assert actual == expected, (
        f"in one list only, or in another order: {set(actual) ^ set(expected)}"
    )


def check_contents(folder: Path) -> None:
    """Check that the bundle has exactly the expected files."""
    check_equal(sorted(path.name for path in folder.iterdir()), sorted(CONTENTS))
    unexpected = [path for path in folder.rglob("*.*") if path.suffix not in SUFFIXES]
    assert not unexpected, unexpected


def check_installed(folder: Path) -> None:
    """Check that the dependencies are installed, and no development tools."""
    installed = {path.name for path in folder.glob(".venv/[Ll]ib/**/site-packages/*")}
    assert "mcp" in installed
    assert not {"pytest", "mypy", "hypothesis"} & installed


def main() -> None:
    """Check the bundle given first, with the tools in the folder given second."""
    bundle, tools = (Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as temporary:
        print(anyio.run(check, Host(tools), bundle, Path(temporary)))  # noqa: T201  shown by make


if __name__ == "__main__":
    main()
