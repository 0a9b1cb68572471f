"""A picture in memory."""

import dataclasses

import numpy as np

from srnet.images.color import PEAKS
from srnet.images.metadata import Metadata


@dataclasses.dataclass(frozen=True)
class Picture:
    """An upright picture.

    Attributes:
      pixels: (H, W[, C]) array: uint8, uint16, or floating point in [0, 1]; float32 if read from a file.
      mode: "L", "LA", "RGB", "RGBA" or "CMYK"; empty for an array, whose channels tell all but CMYK.
      format: Pillow's name for the format it was read from.
      metadata: its metadata.
      lossless: whether it was read from a lossless WebP file.
      jpeg_quality: quality, from 1 to 100, of the JPEG it was read from, judged by its quantization tables; None for
        others.
      notes: what a user should know about how it was read, one line each.
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
        """What a file format must support besides 8-bit grayscale and RGB, as worded in messages."""
        deep = self.pixels.dtype == np.uint16
        needs = {
            "CMYK": self.mode == "CMYK",
            "floating-point samples": self.pixels.dtype.kind == "f",
            "16 bits": deep and self.mode == "L",
            "16 bits in color": deep and self.mode != "L",
            "transparency": not self.is_opaque,
        }
        return frozenset(name for name, needed in needs.items() if needed)

    @property
    def is_gray(self) -> bool:
        """Whether it is grayscale."""
        return self.mode in ("L", "LA")

    @property
    def has_alpha(self) -> bool:
        """Whether its last channel is opacity."""
        return self.mode in ("LA", "RGBA")

    @property
    def is_opaque(self) -> bool:
        """Whether every pixel is fully opaque."""
        return not self.has_alpha or self.pixels[..., -1].min() == PEAKS[self.pixels.dtype.name]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]
