"""Training: what a run is, its loss and schedule, and the loop."""
