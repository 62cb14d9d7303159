"""The contract made strict enough for schemathesis to judge the sandbox by it."""
