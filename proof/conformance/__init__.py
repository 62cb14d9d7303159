"""Judged by referees of the protocol: the official conformance suite, and the Inspector's lint.

`make conformance` lets the suite judge the very command that a person starts, and the same with the
suite's own test tools beside ours. What may fail is written down, with reasons, and nothing else.
"""
