"""Runs agent frameworks with a scripted model, and keeps what reaches the model."""
