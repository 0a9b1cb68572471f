"""Training steps of a run taken on a machine with JAX but no TensorFlow: exported there, and imported back."""
