"""A picture in memory."""

import dataclasses

import numpy as np

from srnet.images.metadata import Metadata


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture, upright.

    Attributes:
      pixels: (H, W[, C]) array: uint8, uint16, or float32 in [0, 1].
      mode: "L", "LA", "RGB", "RGBA" or "CMYK".
      format: Pillow's name of the format that it was read from.
      metadata: what its file says about it.
      lossless: whether it was read from a WebP that loses nothing.
      jpeg_quality: quality of the JPEG that it was read from, from 1 to 100, as its tables say; None for others.
      notes: what a user should know of how it was read, each a line.
    """

    pixels: np.ndarray
    mode: str
    format: str = "PNG"
    metadata: Metadata = Metadata()
    lossless: bool = False
    notes: tuple[str, ...] = ()
    jpeg_quality: int | None = None

    @property
    def needs(self) -> frozenset[str]:
        """What a file format must hold besides 8-bit grayscale and RGB, in words."""
        deep = self.pixels.dtype == np.uint16
        needs = {
            "CMYK": self.mode == "CMYK",
            "floating-point samples": self.pixels.dtype.kind == "f",
            "16 bits": deep and self.mode == "L",
            "16 bits in color": deep and self.mode != "L",
            "transparency": self.mode in ("LA", "RGBA"),
        }
        return frozenset(name for name, needed in needs.items() if needed)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]
