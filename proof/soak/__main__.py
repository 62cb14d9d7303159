"""The soak: `python -m proof.soak`. It ends with 1 if anything grew, and says what."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence

from proof.soak.growth import find_growth
from proof.soak.server_process import PROGRAM, SoakError
from proof.soak.show import SHOW_SECONDS
from proof.soak.soak_report import head, line, verdict
from proof.soak.soak_run import Row, start_run

_MINUTES = 30.0
_MAX_LINES = 20


def main(arguments: Sequence[str] | None = None, *, program: str = PROGRAM) -> int:
    """Run shows for some minutes, print the table and the verdict; returns the exit code.

    `program` is the module of each server.
    """
    parser = argparse.ArgumentParser(prog="python -m proof.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="of shows (30)")
    shows = max(1, round(parser.parse_args(arguments).minutes * 60 / SHOW_SECONDS))
    try:
        return asyncio.run(_soak(shows, program))
    except* SoakError as errors:
        print("\n".join(["The soak could not go on:", *_sentences(errors)]))
    return 1


async def _soak(shows: int, program: str) -> int:
    started_at, rows = time.monotonic(), list[Row]()
    print(head(), flush=True)
    async with start_run(shows=shows, program=program) as run:
        async for row in run.shows(shows):
            rows.append(row)
            if row.shows % -(-shows // _MAX_LINES) == 0:
                print(line(row), flush=True)
    by_server = zip(*(it.counts for it in rows), strict=True)
    problems = {
        it.name: [*find_growth(counts), *it.failures]
        for it, counts in zip(run.servers, by_server, strict=True)
    }
    grown = {name: it for name, it in problems.items() if it}
    print(verdict(rows, grown, kept=run.kept, seconds=time.monotonic() - started_at))
    return 1 if grown else 0


def _sentences(errors: BaseExceptionGroup[SoakError]) -> Iterator[str]:
    yield from getattr(errors, "__notes__", ())
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _sentences(error)
        else:
            yield from (str(error), *getattr(error, "__notes__", ()))


if __name__ == "__main__":
    sys.exit(main())
