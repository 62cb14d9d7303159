"""The soak: `python -m proof.soak`. It ends with 1 if anything grew, and says what."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence

from proof.soak.judge import growth
from proof.soak.report import head, line, verdict
from proof.soak.run import Row, running
from proof.soak.server import PROGRAM, SoakError
from proof.soak.show import SHOW_SECONDS

_MINUTES = 30.0
_MOST_LINES = 20


def main(arguments: Sequence[str] | None = None, *, program: str = PROGRAM) -> int:
    """Play shows for so long, print the table and the verdict; the exit code.

    `program` is the module that each server is.
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
    began, rows = time.monotonic(), list[Row]()
    print(head(), flush=True)
    async with running(shows=shows, program=program) as run:
        async for row in run.shows(shows):
            rows.append(row)
            if row.shows % -(-shows // _MOST_LINES) == 0:
                print(line(row), flush=True)
    by_server = zip(*(it.counts for it in rows), strict=True)
    found = {
        it.name: [*growth(counts), *it.failures]
        for it, counts in zip(run.servers, by_server, strict=True)
    }
    grown = {name: it for name, it in found.items() if it}
    print(verdict(rows, grown, kept=run.kept, seconds=time.monotonic() - began))
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
