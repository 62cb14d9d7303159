"""The memory that several processes share, on Valkey or Redis."""
