"""Programs that check what is released, for `make image` and `make bundle`."""
