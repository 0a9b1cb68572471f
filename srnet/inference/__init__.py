"""Applies networks to pictures: arrays of any kind and size, files and folders."""
