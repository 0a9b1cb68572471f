"""Networks in formats that other programs load: SavedModel, LiteRT, ONNX."""
