"""Figures: curves, details of pictures, and sheets."""
