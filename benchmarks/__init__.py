"""Benchmarks: each prints ours, the reference and the ratio from one run; `make bench` runs all."""
