"""The reasons that a peer is ahead, by row and peer.

The command reports missing ones and ones that no longer apply.
"""

from dataclasses import dataclass
from typing import Final

from proof.race.compared_servers import FASTMCP, GATEWAY, IVOTOBY, MCPIFY


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why these peers are ahead in this row."""

    row: str
    peers: tuple[str, ...]
    text: str


LEVEL: Final = (
    "trax-mcp and fastmcp stand on the same SDK and on sister HTTP clients, which take nine tenths "
    "of a call: what is left is too little for such a lead, and the order can change from run to "
    "run."
)
"""Why calls per second miss their target, if they are about equal to fastmcp's."""

EXPLANATIONS: Final = (
    Explanation(
        "start_ms",
        (MCPIFY,),
        "mcpify is written with the standard library alone, so there is little to import; "
        "trax-mcp imports the official SDK and pydantic, which bring both protocol eras and the "
        "checks of arguments and answers.",
    ),
    Explanation(
        "start_ms",
        (IVOTOBY,),
        "ivotoby runs on node, which loads a bundled program sooner than Python imports an SDK "
        "module by module.",
    ),
    Explanation(
        "memory_mib",
        (MCPIFY,),
        "mcpify loads neither an SDK nor a schema library nor an asynchronous HTTP client.",
    ),
    *(
        Explanation(
            row,
            (MCPIFY,),
            "mcpify reads a line, makes one blocking request and writes a line; trax-mcp goes "
            "through the SDK's sessions and tasks, checks arguments and answers, and can be "
            "cancelled meanwhile.",
        )
        for row in ("stdio_1", "stdio_16", "http_1")
    ),
    *(
        Explanation(
            row,
            (IVOTOBY,),
            "ivotoby runs on node, whose event loop and HTTP client do the same work in a fraction "
            "of the CPU time that Python's need.",
        )
        for row in ("stdio_1", "stdio_16", "http_1", "http_16")
    ),
    *(Explanation(row, (FASTMCP,), LEVEL) for row in ("stdio_1", "stdio_16", "http_1", "http_16")),
    Explanation(
        "seen_bytes",
        (FASTMCP, MCPIFY, GATEWAY, IVOTOBY),
        "They copy the contract; trax-mcp also describes the arguments that the contract leaves "
        "undescribed, adds advice and the arguments of a confirmation, and has tools beyond the "
        "contract's.",
    ),
)
