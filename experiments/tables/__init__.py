"""Records and measurements as Markdown tables."""
