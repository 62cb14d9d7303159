"""Generated input: values, requests, raw messages, and an independent validity oracle."""
