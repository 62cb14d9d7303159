"""Judges the Helm chart in `deploy/chart/`, with Helm itself and without a cluster."""
