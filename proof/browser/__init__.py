"""The approval page, the panel and signing in, in a real browser: `make proof PART=browser`."""
