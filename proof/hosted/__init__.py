"""Plays a hosted server for a person: a sign-in, and a go-live with its yes. `make hosted`."""
