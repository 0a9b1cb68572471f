"""One picture, in memory and on disk: reading, writing, colors, resizing. Knows nothing of networks."""
