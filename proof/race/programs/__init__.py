"""Programs for peers that are libraries; each runs in the peer's own environment."""
