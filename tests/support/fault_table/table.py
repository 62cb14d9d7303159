"""The table of faults: each line a fault, each column a role, each cell what must follow.

`answer_cases` and `wire_cases` make the faults, and `role_calls` has the calls. The snapshots of
the tests have every word. `test_faults_guarded` has the faults of previews.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """The call that meets the fault."""

    READ = "read"
    """A tool that only reads."""
    WRITE = "write"
    """An unguarded change that viewers see at once."""
    START = "start"
    """A confirmed `go_live`: its POST meets the fault."""
    STOP = "stop"
    """A confirmed `go_offline`: the same follows for it."""
    CHAT = "chat"
    """A chat reader, while each poll of the watcher meets the fault."""
    START_PREVIEW = "go_live"
    """The preview of `go_live`: the reads of its facts meet the fault."""
    STOP_PREVIEW = "go_offline"
    """The preview of `go_offline`: the same, but nothing may delay a stop."""


class Consequence(StrEnum):
    """What follows for a call that meets the fault."""

    OK = "ok"
    """It works as without the fault."""
    AGAIN = "again"
    """A failure. Nothing changed, and the same call may be made again."""
    NEVER = "never"
    """A failure. Nothing changed, and the same call will fail again."""
    UNKNOWN = "unknown"
    """It may have taken effect: check first. It is not sent a second time."""
    SEEN = "seen"
    """The response is lost or cannot be read, but the change was observed: no failure."""
    DONE = "done"
    """TRaX has accepted it, but the response cannot be read."""
    ASKS = "asks"
    """The preview is shown, and lists what is unknown."""
    WAITS = "waits"
    """Readers get the failure; the watcher polls less often, and loses nothing."""
    ENDS = "ends"
    """Readers get the failure, subscribers the end; the watcher stops polling."""


ANSWERS: Final = """
                             | read     write    start    chat
400 invalid_request          | never    never    never    ends
401 invalid_key              | never    never    never    ends
403 insufficient_scope       | never    never    never    ends
404 not_found                | never    never    never    ends
409 studio_busy              | never    never    never    waits
429 rate_limited             | again    again    again    waits
500 exploded                 | again    unknown  unknown  waits
502 no_upstream              | again    unknown  unknown  waits
503 write_disabled           | never    never    never    waits
401 with HTML page           | never    never    never    ends
403 with HTML page           | never    never    never    ends
429 with HTML page           | again    again    again    waits
500 after it was applied     | again    unknown  seen     waits
303 to another host          | never    unknown  unknown  waits
200 with HTML page           | again    unknown  seen     waits
200 with oversized body      | again    unknown  seen     waits
200 compressed               | never    unknown  seen     waits
200 without content type     | ok       ok       ok       ok
200 with unknown values      | ok       ok       ok       ok
200 without any field        | ok       ok       ok       waits
200 with wrong types         | ok       unknown  ok       waits
429 for 1 s                  | again    again    again    waits
429 for years                | again    again    again    waits
no connection                | again    again    again    waits
"""

WIRES: Final = """
                             | read     write    start    chat
reset before delivery        | again    unknown  unknown  waits
reset after delivery         | again    unknown  seen     waits
closed inside the head       | again    unknown  seen     waits
reset inside the body        | again    unknown  seen     waits
closed inside an error       | again    unknown  unknown  waits
no response                  | again    unknown  seen     waits
trickling body               | again    unknown  seen     waits
endless body                 | again    unknown  seen     waits
not HTTP                     | again    unknown  unknown  waits
100 and 103 first            | ok       ok       ok       ok
HTTP/1.0 without length      | ok       ok       ok       ok
"""


def read_table(table: str) -> Mapping[str, Mapping[str, str]]:
    """Read a table: the words of each line by the names of its columns."""
    head, *lines = (line.partition("|") for line in table.strip("\n").splitlines())
    columns = head[2].split()
    return {
        name.strip(): dict(zip(columns, words.split(), strict=True)) for name, _, words in lines
    }


TABLE: Final = {
    name: {Role(column): Consequence(word) for column, word in line.items()}
    for table in (ANSWERS, WIRES)
    for name, line in read_table(table).items()
}
"""What must follow from each fault for each role."""

POSSIBLE: Final = {
    True: {Consequence.OK, Consequence.DONE, Consequence.SEEN},
    False: {Consequence.AGAIN, Consequence.NEVER, Consequence.UNKNOWN},
}
"""By whether the change took effect: which consequences are true."""
