"""Answers to questions that take several reads of TRaX."""
