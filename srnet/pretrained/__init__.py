"""The pretrained networks: weights, cards, and the code that finds them."""
