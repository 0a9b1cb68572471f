"""The pretrained networks: weights, cards, and the code that finds them."""

from srnet.pretrained.cards import card, names, scales

__all__ = ["card", "names", "scales"]
