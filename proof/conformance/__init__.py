"""The official conformance suite and the Inspector: `make proof PART=conformance`."""
