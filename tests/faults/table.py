"""The table: everything an upstream can do wrong, times everyone who can meet it.

A line is a fault, a column a kind of caller, and the word where they cross is what must come of it.
What TRaX answers, or does to the connection, stands in `answers` and `wires`; who calls, and what
exactly they are told, in `callers`. This module knows nothing but the table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """Who meets the fault, and where."""

    READ = "read"
    """A tool that only reads."""
    WRITE = "write"
    """An unguarded change that viewers see at once."""
    START = "start"
    """`go_live` with a person's yes: its POST meets the fault."""
    STOP = "stop"
    """`go_offline` with a person's yes: the same."""
    FACTS = "facts"
    """`go_live` before anybody is asked: whatever it looks at meets the fault."""
    HURRY = "hurry"
    """`go_offline` before anybody is asked: the same, but nothing may hold a stop up."""
    CHAT = "chat"
    """Whoever listens to a chat, while each of the watcher's looks meets the fault."""


class Fate(StrEnum):
    """What comes of a call that meets the fault."""

    OK = "ok"
    """It works as if nothing were wrong."""
    AGAIN = "again"
    """A failure; nothing was changed, and the same call may be made again."""
    NEVER = "never"
    """A failure; nothing was changed, and the same call will fail again."""
    UNKNOWN = "unknown"
    """It may have happened: look first. It is sent no second time."""
    SEEN = "seen"
    """The answer is lost, and it was seen to have happened."""
    DONE = "done"
    """TRaX has accepted it, though the answer cannot be read."""
    ASKS = "asks"
    """A person is asked all the same, and shown what is not known."""
    WAITS = "waits"
    """Readers are told why; the watcher goes on, but seldom, and hears what comes afterwards."""
    ENDS = "ends"
    """Readers are told why, listeners that nothing can come any more; TRaX is left alone."""


ANSWERS: Final = """
                              | read   write    start    stop     facts  hurry  chat
400 invalid_request           | never  never    never    never    never  asks   ends
401 invalid_key               | never  never    never    never    never  never  ends
403 insufficient_scope        | never  never    never    never    asks   asks   ends
404 not_found                 | never  never    never    never    never  never  ends
408 slow_request              | again  unknown  unknown  unknown  again  asks   waits
409 studio_busy               | never  never    never    never    never  asks   waits
413 too_much                  | never  never    never    never    never  asks   waits
422 no_encoder                | never  never    never    never    never  asks   waits
429 rate_limited              | again  again    again    again    again  asks   waits
429 quota_spent               | again  again    again    again    again  asks   waits
500 exploded                  | again  unknown  unknown  unknown  again  asks   waits
502 no_upstream               | again  unknown  unknown  unknown  again  asks   waits
503 write_disabled            | never  never    never    never    never  asks   waits
503 overloaded                | again  unknown  unknown  unknown  again  asks   waits
504 no_answer                 | again  unknown  unknown  unknown  again  asks   waits
400 as a page                 | never  never    never    never    never  asks   ends
401 as a page                 | never  never    never    never    never  asks   ends
403 as a page                 | never  never    never    never    asks   asks   ends
404 as a page                 | never  never    never    never    never  asks   ends
408 as a page                 | again  unknown  unknown  unknown  again  asks   waits
409 as a page                 | never  never    never    never    never  asks   waits
413 as a page                 | never  never    never    never    never  asks   waits
422 as a page                 | never  never    never    never    never  asks   waits
429 as a page                 | again  again    again    again    again  asks   waits
500 as a page                 | again  unknown  unknown  unknown  again  asks   waits
502 as a page                 | again  unknown  unknown  unknown  again  asks   waits
503 as a page                 | again  unknown  unknown  unknown  again  asks   waits
504 as a page                 | again  unknown  unknown  unknown  again  asks   waits
400 of nothing                | never  never    never    never    never  asks   ends
401 of nothing                | never  never    never    never    never  asks   ends
403 of nothing                | never  never    never    never    asks   asks   ends
404 of nothing                | never  never    never    never    never  asks   ends
408 of nothing                | again  unknown  unknown  unknown  again  asks   waits
409 of nothing                | never  never    never    never    never  asks   waits
413 of nothing                | never  never    never    never    never  asks   waits
422 of nothing                | never  never    never    never    never  asks   waits
500 of nothing                | again  unknown  unknown  unknown  again  asks   waits
501 of nothing                | again  unknown  unknown  unknown  again  asks   waits
503 of nothing                | again  unknown  unknown  unknown  again  asks   waits
400 cut short                 | never  never    never    never    never  asks   ends
400 of another shape          | never  never    never    never    never  asks   ends
400 of a code that is none    | never  never    never    never    never  asks   ends
500 of an array               | again  unknown  unknown  unknown  again  asks   waits
500 above the limit           | again  unknown  unknown  unknown  again  asks   waits
500, and it was done          | again  unknown  seen     seen     again  asks   waits
504, and it was done          | again  unknown  seen     seen     again  asks   waits
301 to itself                 | never  unknown  unknown  unknown  never  asks   waits
302 to itself                 | never  unknown  unknown  unknown  never  asks   waits
303 to somebody else          | never  unknown  unknown  unknown  never  asks   waits
307 to itself                 | never  unknown  unknown  unknown  never  asks   waits
308 to somebody else          | never  unknown  unknown  unknown  never  asks   waits
304 of nothing                | again  unknown  unknown  unknown  again  asks   waits
204 of nothing                | again  done     done     done     again  asks   waits
200 of nothing                | again  done     done     done     again  asks   waits
200 as a page                 | again  done     done     done     again  asks   waits
200 cut short                 | again  done     done     done     again  asks   waits
200 of an array               | again  done     done     done     again  asks   waits
200 of a string               | again  done     done     done     again  asks   waits
200 of NaN                    | again  done     done     done     again  asks   waits
200 of infinity               | again  done     done     done     again  asks   waits
200 of bottomless nesting     | again  done     done     done     again  asks   waits
200 of nesting that ends      | again  done     done     done     again  asks   waits
200 above the limit           | again  done     done     done     again  asks   waits
200 compressed, unasked       | again  done     done     done     again  asks   waits
200 as text/plain             | ok     ok       ok       ok       asks   asks   ok
200 as no type at all         | ok     ok       ok       ok       asks   asks   ok
200 with unknown fields       | ok     ok       ok       ok       asks   asks   ok
200 with unknown values       | ok     ok       ok       ok       asks   asks   ok
200 without its fields        | ok     ok       ok       ok       again  asks   waits
200 with fields of nothing    | ok     ok       ok       ok       again  asks   waits
200 with wrong types          | ok     ok       ok       ok       again  asks   waits
429 for 0 s                   | again  again    again    again    again  asks   waits
429 for 1 s                   | again  again    again    again    again  asks   waits
429 for 7 s                   | again  again    again    again    again  asks   waits
429 for 30 s, with zeros      | again  again    again    again    again  asks   waits
429 for years                 | again  again    again    again    again  asks   waits
429 until in 90 s             | again  again    again    again    again  asks   waits
429 until an hour ago         | again  again    again    again    again  asks   waits
429 until the year 9999       | again  again    again    again    again  asks   waits
429 until, on a fast clock    | again  again    again    again    again  asks   waits
429 until, on a slow clock    | again  again    again    again    again  asks   waits
429 until, on a mad clock     | again  again    again    again    again  asks   waits
429 for -5 s                  | again  again    again    again    again  asks   waits
429 for nonsense              | again  again    again    again    again  asks   waits
429 for a fraction            | again  again    again    again    again  asks   waits
429 until never               | again  again    again    again    again  asks   waits
no connection                 | again  again    again    again    again  asks   waits
dropped before TRaX had it    | again  unknown  unknown  unknown  again  asks   waits
dropped after TRaX had it     | again  unknown  seen     seen     again  asks   waits
"""

WIRES: Final = """
                              | read   write    start    stop     facts  hurry  chat
reset before TRaX had it      | again  unknown  unknown  unknown  again  asks   waits
reset after TRaX had it       | again  unknown  seen     seen     again  asks   waits
closed after TRaX had it      | again  unknown  seen     seen     again  asks   waits
closed inside the head        | again  unknown  seen     seen     again  asks   waits
closed inside the body        | again  done     done     done     again  asks   waits
reset inside the body         | again  done     done     done     again  asks   waits
closed inside a chunk         | again  done     done     done     again  asks   waits
closed inside an error        | again  unknown  unknown  unknown  again  asks   waits
silence for an answer         | again  unknown  seen     seen     again  asks   waits
silence inside the head       | again  unknown  seen     seen     again  asks   waits
a head that drips             | again  unknown  seen     seen     again  asks   waits
silence inside the body       | again  done     done     done     again  asks   waits
a body that drips             | again  done     done     done     again  asks   waits
a head without end            | again  unknown  seen     seen     again  asks   waits
a body without end            | again  done     done     done     again  asks   waits
a body longer than allowed    | again  done     done     done     again  asks   waits
a body longer than announced    | again  done     done     done     again  asks   waits
no HTTP at all                | again  unknown  unknown  unknown  again  asks   waits
100 and 103 before it         | ok     ok       ok       ok       asks   asks   ok
100 for ever                  | again  unknown  unknown  unknown  again  asks   waits
101 in its place              | again  unknown  unknown  unknown  again  asks   waits
HTTP/1.0 until it closes      | ok     ok       ok       ok       asks   asks   ok
HTTP/1.0 cut short            | again  done     done     done     again  asks   waits
"""


def read_table(table: str) -> Mapping[str, Mapping[str, str]]:
    """What stands in each line of a table, by the names of its columns."""
    head, *lines = (line.partition("|") for line in table.strip("\n").splitlines())
    columns = head[2].split()
    return {
        name.strip(): dict(zip(columns, words.split(), strict=True)) for name, _, words in lines
    }


TABLE: Final = {
    name: {Role(column): Fate(word) for column, word in line.items()}
    for table in (ANSWERS, WIRES)
    for name, line in read_table(table).items()
}
"""What must come of each fault, for each kind of caller."""

TRUE: Final = {
    True: {Fate.OK, Fate.DONE, Fate.SEEN},
    False: {Fate.AGAIN, Fate.NEVER, Fate.UNKNOWN},
}
"""What may be said of what has happened, since it can be seen, and of what has not."""
