"""The end of a process: at once, whatever its threads do."""

import logging
import os
import threading
from typing import Final, NoReturn

END_SECONDS: Final = 3.0
"""How long a process may take to end in good order."""


def exit_process(code: int = 0) -> NoReturn:
    """End the process at once.

    asyncio waits for threads that look a name up, and a name server may not answer.

    Seen in `mcp` 2.3.0: the SDK reads stdin in a thread that cancellation does not end, so a
    process that got a signal stays until its client writes or hangs up.
    Watch: python-sdk#3551.
    """
    logging.shutdown()  # waits only a moment for the reader of stderr
    os._exit(code)


def exit_soon(code: int = 0) -> None:
    """End the process within `END_SECONDS`, in a thread: what keeps its event loop busy may last.

    Thousands of sessions to end do, and a client that reads nothing.
    """
    timer = threading.Timer(END_SECONDS, exit_process, (code,))
    timer.daemon = True
    timer.start()
