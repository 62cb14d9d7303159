"""Where the time of a start and of a call goes: `python -m bench.profile`, or `make profile`.

A start is told by import, a call by function calls: those are the same in each run, on any machine.
"""

import pstats
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.call_cost import FORWARDING, KEY, OURS, UPSTREAM, call
from bench.harness.mcp_clients import Era, HttpClient, McpClient, StdioClient
from bench.harness.process import Process, python_module

_CALLS: Final = 200
_WARM_UP_CALLS: Final = 20
_DEAREST: Final = 10
_PACKAGES: Final = 16
_IMPORT: Final = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")
_PACKAGE: Final = re.compile(r"(?:site-packages|python3\.\d+(?!/site))/(\w+)|/(trax_mcp/\w+)")
_SDK: Final = ("mcp", "mcp_types")
_PASSES: Final = {
    "json/decoder.py decode": "json.loads",
    "'validate_json'": "pydantic, from JSON",
    "'validate_python'": "pydantic, from Python",
    "json/encoder.py encode": "json.dumps",
    "'to_json'": "pydantic, to JSON",
    "'to_python'": "pydantic, to Python",
    "api/answers.py read_answer": "answer read",
    "server/schemas.py drop_mismatches": "answer fitted to its schema",
    "text_safety.py escape_invisible": "invisible characters spelt out",
    "api/caller.py redact": "key looked for",
}
"""Functions that pass over a message, and how they are called here."""


def main() -> None:
    """Print the table of imports, and one of calls for each transport."""
    for line in (*import_lines(), "", *call_lines("stdio"), "", *call_lines("HTTP")):
        print(line, flush=True)


def import_lines() -> Iterator[str]:
    """What is imported from the start to the first `tools/list`, with the milliseconds of each."""
    command = (sys.executable, "-X", "importtime", "-m", OURS)
    with Process(*command, settings={"TRAX_API_KEY": KEY}) as ours:
        StdioClient(ours, Era.MODERN).ask("tools/list").result()
        imports = {it[2]: int(it[1]) / 1000 for it in _IMPORT.finditer(ours.stderr_text())}
    own = {name: ms for name, ms in imports.items() if name.partition(".")[0] == OURS}
    sdk = {name: ms for name, ms in imports.items() if name.partition(".")[0] in _SDK}
    rest = len(imports) - len(own) - len(sdk), sum(imports.values()) - _ms(own) - _ms(sdk)
    yield "imports of a start over stdio, in ms, each without those that it imports"
    heads = f"{len(own)} modules of ours", f"{len(sdk)} of the SDK"
    yield f"{heads[0]:38}{_ms(own):7.1f}   {heads[1]:24}{_ms(sdk):7.1f}"
    for (name, ms), (other, other_ms) in zip(_dearest(own), _dearest(sdk), strict=True):
        yield f"  {name:36}{ms:7.1f}   {other:24}{other_ms:7.1f}"
    yield f"{f'{rest[0]} other modules':38}{rest[1]:7.1f}"


def call_lines(transport: str) -> Iterator[str]:
    """Function calls by package for one `get_studio`, of trax-mcp and of a bare server."""
    (ours, passes), (bare, bare_passes) = (_calls(it, transport) for it in (OURS, FORWARDING))
    yield f"{f'function calls of a call over {transport}':38}{'trax-mcp':>9}{'bare':>9}{'more':>9}"
    yield f"  {'all':36}{ours.total():9.0f}{bare.total():9.0f}{ours.total() - bare.total():9.0f}"
    for name in sorted(ours | bare, key=lambda it: bare[it] - ours[it])[:_PACKAGES]:
        yield f"  {name:36}{ours[name]:9.0f}{bare[name]:9.0f}{ours[name] - bare[name]:9.0f}"
    yield "passes over the request and the answer"
    for name in _PASSES.values():
        own, others = passes[name], bare_passes[name]
        yield f"  {name:36}{own:9.1f}{others:9.1f}{own - others:9.1f}"


def _calls(module: str, transport: str) -> tuple[Counter[str], Counter[str]]:
    """Function calls of one call, by package, and those that pass over a whole message."""
    with TemporaryDirectory() as folder, python_module(UPSTREAM) as upstream:
        file = Path(folder) / "profile"
        arguments = () if transport == "stdio" else ("http", *(("--port", "0") * (module == OURS)))
        settings = {"TRAX_API_KEY": KEY, "TRAX_BASE_URL": upstream.address()}
        profiled = ("bench.harness.profiled", str(file), module, *arguments)
        with python_module(*profiled, settings=settings) as server:
            if transport == "stdio":
                _profile(server, StdioClient(server, Era.MODERN), file)
            else:
                headers = {"X-API-Key": KEY}
                with closing(HttpClient(server.address(), Era.MODERN, headers=headers)) as client:
                    _profile(server, client, file)
        # typeshed does not know `stats`
        stats: Mapping[tuple[str, int, str], tuple[int, int]] = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    counts, passes = Counter[str](), Counter[str]()
    for (path, _, function), (_, calls, *_) in stats.items():
        found = _PACKAGE.search(path)
        counts[next(filter(None, found.groups())) if found else "built-in functions"] += calls
        if name := next((it for part, it in _PASSES.items() if part in f"{path} {function}"), None):
            passes[name] += calls
    return _each(counts), _each(passes)


def _each(counts: Counter[str]) -> Counter[str]:
    return Counter({name: count / _CALLS for name, count in counts.items()})


def _profile(server: Process, client: McpClient, file: Path) -> None:
    for _ in range(_WARM_UP_CALLS):
        call(client)
    server.signal(signal.SIGUSR1)
    for _ in range(_CALLS):
        call(client)
    server.signal(signal.SIGUSR1)
    server.wait_for_file(file)


def _dearest(imports: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(imports.items(), key=lambda it: -it[1])[:_DEAREST]


def _ms(imports: Mapping[str, float]) -> float:
    return sum(imports.values())


if __name__ == "__main__":
    main()
