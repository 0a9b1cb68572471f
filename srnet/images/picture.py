"""A picture in memory."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture, upright.

    Attributes:
      pixels: (H, W[, C]) array: uint8, uint16, or float32 in [0, 1].
      mode: "L", "LA", "RGB", "RGBA" or "CMYK".
      format: Pillow's name of the format that it was read from.
      icc: the ICC color profile, or None.
      exif: EXIF bytes, without an orientation, or None.
    """

    pixels: np.ndarray
    mode: str
    format: str = "PNG"
    icc: bytes | None = None
    exif: bytes | None = None

    @property
    def needs(self) -> frozenset[str]:
        """What a file format must hold besides 8-bit grayscale and RGB, in words."""
        needs = {
            "CMYK": self.mode == "CMYK",
            "floating-point samples": self.pixels.dtype.kind == "f",
            "16 bits": self.pixels.dtype == np.uint16,
            "transparency": self.mode in ("LA", "RGBA"),
        }
        return frozenset(name for name, needed in needs.items() if needed)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]
