"""What is written down: the log, and the metrics and spans of messages and requests."""
