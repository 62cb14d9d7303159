"""Ten callers on one server, each with things of their own, who try to get at each other's."""
