"""Every fault of TRaX or of the connection, and what each kind of call must make of it."""
