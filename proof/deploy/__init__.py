"""What the files of `deploy/` start, with the real programs: `make proof PART=deploy`."""
