"""TRaX over HTTP: operations, the client that sends them, their answers and errors."""
