"""Pictures in, training batches out: reading, resizing, named sets, the patch store and its pipeline."""
