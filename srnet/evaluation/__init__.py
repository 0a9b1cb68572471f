"""The benchmark protocol, and the methods evaluated by it."""
