"""The pure modules of chat: the feed and the poll interval."""
