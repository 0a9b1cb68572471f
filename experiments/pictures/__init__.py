"""Curves, details of pictures and sheets, drawn from records and image sets."""
