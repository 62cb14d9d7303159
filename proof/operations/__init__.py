"""What operators watch, with other people's programs: run by `make proof PART=operations`."""
