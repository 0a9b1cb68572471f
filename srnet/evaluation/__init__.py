"""The protocol of the benchmarks, and the methods that are measured by it."""
