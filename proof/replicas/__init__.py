"""Several replicas, as real processes, on a real engine: run by `make proof PART=replicas`."""
