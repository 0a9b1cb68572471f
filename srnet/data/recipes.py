"""Degradations as data: blur, downscaling, noise, JPEG and WebP, each with a probability and a range to draw from.

The order is that of the paper's imaging model (equation 1: blur, downscaling, noise), then compression. A recipe may
have an earlier round, for pictures that were stored, downscaled and stored again (Wang et al. 2021, Real-ESRGAN).
"""

import dataclasses
import io
import re
from typing import Any

import numpy as np
import PIL.Image

from srnet.errors import UsageError
from srnet.images.color import round_to_uint8
from srnet.images.resize import imresize

_FILTERS = {
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "area": PIL.Image.Resampling.BOX,
}
_BLOCK = 16  # pixels: side of a JPEG block with 4:2:0 chroma


@dataclasses.dataclass(frozen=True)
class Draw:
    """An operation applied with a probability, at a level drawn uniformly from a range.

    Attributes:
      low: smallest level.
      high: largest level.
      probability: of the operation, from 0 to 1.
    """

    low: float
    high: float
    probability: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise UsageError(f"{self.low:g}-{self.high:g} is not a range: it must go from a smaller to a larger value")
        if not 0 <= self.probability <= 1:
            raise UsageError(f"probability {self.probability} cannot be used: it must be at least 0 and at most 1")

    def level(self, random: np.random.Generator) -> float | None:
        """Returns a level, or None if the operation is left out.

        Args:
          random: generator, of which two numbers are taken.
        """
        taken, share = random.random(2)  # always both, so that later draws do not depend on the probability
        return float(self.low + (self.high - self.low) * share) if taken < self.probability else None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How an LR picture is made.

    Attributes:
      blur: standard deviation of a Gaussian, in HR pixels.
      anisotropic: probability that the blur is narrower in one direction, which is drawn at random.
      kernels: names of kernels, one of which is drawn: "bicubic", "bilinear", "area"; all antialiased.
      noise: standard deviation of Gaussian noise, in gray levels.
      poisson: standard deviation of Poisson noise where a picture is white, in gray levels.
      gray: probability that noise is the same in all channels.
      jpeg: quality, from 1 to 100, of Pillow's encoder.
      subsampled: probability that JPEG halves the chroma (4:2:0).
      webp: quality, from 1 to 100, of Pillow's lossy WebP encoder.
      shifted: whether JPEG's blocks begin at a random offset, as in a cropped picture.
      clean: probability that the picture is only downscaled, by "bicubic".
      earlier: an earlier round, to a size between HR and LR, or None.
      earlier_probability: probability of the earlier round.
    """

    blur: Draw | None = None
    anisotropic: float = 0.0
    kernels: tuple[str, ...] = ("bicubic",)
    noise: Draw | None = None
    poisson: Draw | None = None
    gray: float = 0.0
    jpeg: Draw | None = None
    subsampled: float = 0.0
    webp: Draw | None = None
    shifted: bool = False
    clean: float = 0.0
    earlier: "Recipe | None" = None
    earlier_probability: float = 0.0

    def __post_init__(self) -> None:
        unknown = set(self.kernels) - set(_FILTERS)
        if unknown or not self.kernels:
            raise UsageError(f"kernels {','.join(self.kernels)}: choose from {', '.join(_FILTERS)}")
        for name, quality in (("jpeg", self.jpeg), ("webp", self.webp)):
            if quality and not 1 <= quality.low <= quality.high <= 100:
                raise UsageError(f"{name}{quality.low:g}-{quality.high:g}: the quality must be from 1 to 100")

    def __call__(self, hr: np.ndarray, scale: int, random: np.random.Generator) -> np.ndarray:
        """Makes the LR picture, as a `srnet.data.degradation.Degradation`."""
        if random.random() < self.clean:
            return round_to_uint8(imresize(hr, 1 / scale))
        size = (hr.shape[0] // scale, hr.shape[1] // scale)
        values = hr.astype(np.float32)
        share = random.random()
        if self.earlier and random.random() < self.earlier_probability:
            between = (round(size[0] * scale**share), round(size[1] * scale**share))
            values = self.earlier._apply_once(values, between, random).astype(np.float32)
        return self._apply_once(values, size, random)

    def _apply_once(self, values: np.ndarray, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
        """Applies one round, from float32 (H, W, C) to uint8 of a size (height, width)."""
        sigma = self.blur and self.blur.level(random)
        if sigma:
            values = _blurred(values, sigma, self.anisotropic, random)
        values = _downscaled(values, size, self.kernels[random.integers(len(self.kernels))])
        for name in ("poisson", "noise"):
            draw = getattr(self, name)
            level = draw and draw.level(random)
            if level:
                values = _noisy(values, name, level, random.random() < self.gray, random)
        picture = round_to_uint8(values)
        quality = self.jpeg and self.jpeg.level(random)
        if quality:
            offset = random.integers(_BLOCK, size=2) if self.shifted else np.zeros(2, np.int64)
            subsampled = random.random() < self.subsampled
            picture = _jpeg(picture, round(quality), subsampled, offset)
        quality = self.webp and self.webp.level(random)
        return _stored(picture, format="WEBP", quality=round(quality)) if quality else picture


def _blurred(values: np.ndarray, sigma: float, anisotropic: float, random: np.random.Generator) -> np.ndarray:
    import scipy.ndimage  # take as long to import as the rest of a command
    import scipy.signal

    if random.random() >= anisotropic:
        return scipy.ndimage.gaussian_filter(values, (sigma, sigma, 0), mode="reflect", truncate=4.0)
    other, angle = sigma * random.uniform(0.3, 1), random.uniform(0, np.pi)
    radius = int(4 * sigma + 0.5)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = np.exp(-((along / sigma) ** 2 + (across / other) ** 2) / 2)
    padded = np.pad(values, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    kernel = (kernel / kernel.sum()).astype(np.float32)
    return scipy.signal.fftconvolve(padded, kernel[..., None], mode="valid", axes=(0, 1))


def _downscaled(values: np.ndarray, size: tuple[int, int], kernel: str) -> np.ndarray:
    height, width = values.shape[:2]
    if (height, width) == size:
        return values
    if kernel == "bicubic" and height % size[0] == width % size[1] == 0:
        return imresize(values, size[0] / height)
    planes = [PIL.Image.fromarray(values[..., i]) for i in range(values.shape[2])]
    return np.stack([np.asarray(plane.resize(size[::-1], _FILTERS[kernel])) for plane in planes], axis=-1)


def _noisy(values: np.ndarray, kind: str, sigma: float, gray: bool, random: np.random.Generator) -> np.ndarray:
    if kind == "noise":
        shape = (*values.shape[:2], 1) if gray else values.shape
        return values + sigma * random.standard_normal(shape)
    light = np.clip(values.mean(axis=2, keepdims=True) if gray else values, 0, 255) / 255
    peak = (255 / sigma) ** 2  # photons at white
    return values + (random.poisson(light * peak) / peak - light) * 255


def _jpeg(picture: np.ndarray, quality: int, subsampled: bool, offset: np.ndarray) -> np.ndarray:
    """A picture after JPEG compression; `offset`: rows and columns of the first block that lie outside the picture."""
    padded = np.pad(picture, ((offset[0], 0), (offset[1], 0), (0, 0)), mode="edge")
    stored = _stored(padded, format="JPEG", quality=quality, subsampling=2 if subsampled else 0)
    return stored[offset[0] :, offset[1] :]


def _stored(picture: np.ndarray, **options: Any) -> np.ndarray:
    """A picture as it is read from the file that Pillow writes."""
    gray, file = picture.shape[2] == 1, io.BytesIO()
    PIL.Image.fromarray(picture[..., 0] if gray else picture).save(file, **options)
    with PIL.Image.open(file) as read:
        return np.asarray(read.convert("L" if gray else "RGB")).reshape(picture.shape)


# Narrower ranges than Real-ESRGAN's: beyond them, little is left to enlarge.
_STORED = Recipe(
    blur=Draw(0.2, 1.0, 0.3),
    kernels=("bicubic", "bilinear", "area"),
    noise=Draw(1, 10, 0.3),
    jpeg=Draw(50, 95, 0.8),
    subsampled=0.7,
    shifted=True,
)
_PHOTO = Recipe(
    blur=Draw(0.4, 1.6, 0.2),
    anisotropic=0.3,
    kernels=(*14 * ["bicubic"], "bilinear", "area"),
    noise=Draw(1, 27, 0.2),
    poisson=Draw(1, 15, 0.1),
    gray=0.4,
    jpeg=Draw(25, 98, 0.55),
    subsampled=0.5,
    shifted=True,
    clean=0.3,
    earlier=_STORED,
    earlier_probability=0.15,
)
RECIPES: dict[str, Recipe] = {
    # The paper's equation 1.
    "noise": Recipe(blur=Draw(0.8, 0.8), noise=Draw(5, 25)),
    "photo": _PHOTO,
    # For a network that must stay close, on clean pictures, to one trained on these alone.
    "photo_clean": dataclasses.replace(_PHOTO, clean=0.5),
    # For a network that must do better on JPEG, the most common input.
    "photo_jpeg": dataclasses.replace(_PHOTO, jpeg=Draw(25, 98, 0.85)),
}
_OPERATION = re.compile(r"(blur|noise|poisson|jpeg|webp)(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")


def parse_recipe(text: str) -> Recipe | None:
    """Returns the recipe of a name in `RECIPES`, or of a chain such as blur0.8+noise5-25+jpeg40.

    Args:
      text: the name, or blur, noise, poisson, jpeg and webp, each at most once, with levels or ranges, joined by +.

    Returns:
      The recipe; None for any other text.

    Raises:
      UsageError: for an invalid range or quality, or an operation given twice.
    """
    if text in RECIPES:
        return RECIPES[text]
    operations = [_OPERATION.fullmatch(part) for part in text.split("+")]
    draws: dict[str, Any] = {}
    for operation in operations:
        if operation is None:
            return None
        name, low, high = operation.groups()
        if name in draws:
            raise UsageError(f"degradation {text}: {name} is given twice")
        draws[name] = Draw(float(low), float(high or low))
    return Recipe(**draws)
