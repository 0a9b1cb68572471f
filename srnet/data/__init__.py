"""From named image sets to training batches: datasets, augmentation, degradation, patches, pipeline."""
