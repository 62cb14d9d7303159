"""The clients that have registered themselves, a bounded number of them."""

import json
from datetime import datetime
from typing import Final

from trax_mcp.sign_in.grants import OAuthClient, SignInUnavailable
from trax_mcp.sign_in.sign_in_file import SignInFile, to_seconds

_MOST: Final = 1_000
_FULL: Final = "This server cannot take further clients. Nothing was changed. Try again later."
_DROP_UNUSED: Final = (
    "DELETE FROM clients WHERE id = (SELECT id FROM clients WHERE NOT EXISTS"
    " (SELECT 1 FROM sign_ins WHERE client_id = clients.id) ORDER BY created, rowid LIMIT 1)"
)


def add_client(file: SignInFile, client: OAuthClient, *, now: datetime) -> None:
    """Keep a client. The oldest one without a sign-in leaves a full table.

    Raises:
        SignInUnavailable: the file cannot be written, or each client has a sign-in.
    """
    uris = json.dumps(client.redirect_uris)
    with file.change() as connection:
        (count,) = connection.execute("SELECT count(*) FROM clients").fetchone()
        if count >= _MOST and not connection.execute(_DROP_UNUSED).rowcount:
            raise SignInUnavailable(_FULL)
        row = (client.id, client.name, uris, to_seconds(now))
        connection.execute("INSERT INTO clients VALUES (?, ?, ?, ?)", row)


def find_client(file: SignInFile, client_id: str) -> OAuthClient | None:
    """A registered client.

    Raises:
        SignInUnavailable: the file cannot be read.
    """
    rows = file.read("SELECT id, name, redirect_uris FROM clients WHERE id = ?", client_id)
    for row in rows:
        uris = tuple(json.loads(row["redirect_uris"]))
        return OAuthClient(id=row["id"], name=row["name"], redirect_uris=uris)
    return None
