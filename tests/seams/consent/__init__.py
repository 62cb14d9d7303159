"""The new guard on the sandbox: over one store, or two, in virtual time."""
