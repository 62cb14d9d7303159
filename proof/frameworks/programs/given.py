"""What a program is given: a model, a server, and how it is to connect them."""

import asyncio
import json
import os

MODEL = os.environ["MODEL"]
"""The address of the model, with the version."""
KEY = "not-a-key"
PROMPT = "Run the show."
URL = os.environ.get("SERVER_URL")
"""The server over HTTP; else it is started by COMMAND."""
HEADERS = json.loads(os.environ.get("SERVER_HEADERS", "{}"))
COMMAND, *ARGUMENTS = json.loads(os.environ.get("SERVER_COMMAND", '[""]'))
VARIABLES = json.loads(os.environ.get("SERVER_VARIABLES", "{}"))
FORM = "FORM" in os.environ
"""Whether to declare forms, and to answer them."""
STRICT = "STRICT" in os.environ
READ_SECONDS = 5.5
TURNS = 30


async def approval(schema: dict) -> dict:
    """What a person chooses after a while: the last of the choices."""
    await asyncio.sleep(READ_SECONDS)
    ((name, field),) = schema["properties"].items()
    return {name: field["enum"][-1]}
