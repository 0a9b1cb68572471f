"""What the benchmarks in tools/ time. Compare ratios within one run, since seconds depend on the machine."""
