"""Training: configuration, losses, schedule, the loop with its checkpoints, and the run folder."""
