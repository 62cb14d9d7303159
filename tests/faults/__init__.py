"""Everything that TRaX can do wrong, and what must come of it for everyone who meets it."""
