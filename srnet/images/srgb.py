"""Conversion to sRGB, for formats that cannot store a picture's color space."""

import dataclasses
import io
import struct

import numpy as np
import PIL.Image
import PIL.ImageCms

from srnet.errors import DataError
from srnet.images.color import PEAKS, quantize
from srnet.images.picture import Picture

_BAND = 256  # rows worked on at a time
# CICP's primaries, from ITU-T H.273: x and y of red, green, blue and white.
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329),
    5: (0.64, 0.33, 0.29, 0.6, 0.15, 0.06, 0.3127, 0.329),
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, 0.3127, 0.329),
    9: (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329),
    12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_SRGB = 13
_VIDEO = (1, 6, 14, 15)  # transfer functions like BT.709's, which displays show nearly like sRGB


@dataclasses.dataclass(frozen=True)
class _Space:
    """A color space: its primaries and white, and its gamma, or None for sRGB's transfer function."""

    primaries: tuple[float, ...]
    gamma: float | None


def to_srgb(picture: Picture) -> Picture:
    """Converts a picture to sRGB, and drops its color profile and color space.

    Args:
      picture: a picture with an ICC profile or PNG's color chunks.

    Raises:
      DataError: if it cannot be converted.
    """
    metadata = dataclasses.replace(picture.metadata, icc=None, png_colors=())
    if picture.metadata.icc:
        pixels = _by_profile(picture, picture.metadata.icc)
    else:
        pixels = _by_space(picture, _space_of(dict(picture.metadata.png_colors)))
    return dataclasses.replace(picture, pixels=pixels, metadata=metadata)


def _by_profile(picture: Picture, icc: bytes) -> np.ndarray:
    """The pixels, converted by an ICC profile; grayscale stays grayscale."""
    pixels = picture.pixels
    if pixels.dtype != np.uint8 or picture.mode == "CMYK":
        raise DataError("its colors cannot be converted to sRGB; only those of 8-bit grayscale and RGB can")
    colors = pixels[..., 0] if picture.mode == "LA" else pixels[..., :3] if pixels.ndim == 3 else pixels
    image = PIL.Image.fromarray(np.ascontiguousarray(colors))
    try:
        profile = PIL.ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if picture.is_gray and profile.profile.xcolor_space.strip() == "RGB":
            image = image.convert("RGB")
        target = PIL.ImageCms.createProfile("sRGB")
        intent = PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC
        converted = PIL.ImageCms.profileToProfile(image, profile, target, intent, "RGB")
    except (PIL.ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise DataError(f"its colors cannot be converted to sRGB ({' '.join(str(error).split())})") from error
    shown = np.asarray(converted)
    shown = shown[..., 1] if picture.is_gray else shown
    return np.dstack([shown, pixels[..., -1]]) if picture.has_alpha else shown


def _space_of(chunks: dict[bytes, bytes]) -> _Space | None:
    """The color space given by PNG's chunks; None for sRGB."""
    if b"cICP" in chunks:
        code, transfer, _, full = chunks[b"cICP"]
        if code not in _PRIMARIES or not full or transfer not in (*_GAMMAS, *_VIDEO, _SRGB):
            raise DataError(f"its colors (CICP {code}/{transfer}) cannot be converted to sRGB")
        space = _Space(_PRIMARIES[code], _GAMMAS.get(transfer))
    elif b"sRGB" in chunks:
        return None
    else:
        gamma = 1e5 / struct.unpack(">I", chunks[b"gAMA"])[0] if b"gAMA" in chunks else None
        primaries = _PRIMARIES[1]
        if b"cHRM" in chunks:
            values = np.array(struct.unpack(">8I", chunks[b"cHRM"])) / 1e5
            primaries = (*values[2:], *values[:2])  # cHRM begins with white
        # Writers mean sRGB by a gamma of 1 / 2.2.
        space = _Space(primaries, None if gamma and abs(gamma - 2.2) < 0.03 else gamma)
    near = np.allclose(space.primaries, _PRIMARIES[1], atol=2e-3)
    return None if near and space.gamma is None else space


def _by_space(picture: Picture, space: _Space | None) -> np.ndarray:
    if space is None:
        return picture.pixels
    pixels = picture.pixels.reshape(*picture.size, -1)
    count = 1 if picture.is_gray else 3
    matrix = np.linalg.inv(_to_xyz(_PRIMARIES[1])) @ _to_xyz(space.primaries)
    matrix /= matrix.sum(axis=1, keepdims=True)  # white stays white
    converted = pixels.copy()
    peak = PEAKS[pixels.dtype.name]
    for top in range(0, len(pixels), _BAND):
        values = pixels[top : top + _BAND, :, :count] / peak
        linear = values**space.gamma if space.gamma else _linear(values)
        shown = _encoded(linear @ matrix.T if count == 3 else linear)
        converted[top : top + _BAND, :, :count] = quantize(shown * peak, pixels.dtype)
    return converted.reshape(picture.pixels.shape)


def _to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    """The matrix from linear RGB to XYZ."""
    x, y = np.array(primaries[0::2], np.float64), np.array(primaries[1::2], np.float64)
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])


def _linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encoded(linear: np.ndarray) -> np.ndarray:
    clipped = np.clip(linear, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
