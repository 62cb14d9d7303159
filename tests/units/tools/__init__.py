"""The tools that are made of several reads."""
