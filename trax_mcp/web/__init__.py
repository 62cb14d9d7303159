"""Pages for a person's browser: the one that asks for a yes, and those of signing in."""
