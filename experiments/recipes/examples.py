"""Twelve everyday pictures, to compare bicubic interpolation, `plus` and `photo` by eye.

Command: python tools/draw_examples.py   (two cores: about ten seconds)

Nine come from scikit-image, in the public domain or under CC0 according to its documentation; three are drawn.
"""

import dataclasses

SCALE = 4
SIDE = 60  # of a detail in LR pixels


@dataclasses.dataclass(frozen=True)
class Example:
    """A picture and how it is degraded before it is enlarged.

    Attributes:
      name: what the picture is.
      picture: file of scikit-image, or "screenshot", "page" or "pixel art", which are drawn.
      factor: integer downscaling factor.
      degradation: its further degradation, in the form of `--degradation`.
      corner: left and top of the detail in LR pixels.
    """

    name: str
    picture: str
    factor: int
    degradation: str
    corner: tuple[int, int]


EXAMPLES = (
    Example("phone photo", "chelsea.png", 2, "noise3+jpeg80", (50, 25)),
    Example("web thumbnail", "coffee.png", 4, "jpeg50", (20, 15)),
    Example("screenshot", "screenshot", 1, "jpeg85", (0, 0)),
    Example("scanned page", "page", 1, "blur0.6+noise4+jpeg75", (0, 0)),
    Example("old photo with grain", "camera.png", 3, "blur0.6+noise12", (45, 20)),
    Example("handwriting", "text.png", 1, "jpeg60", (30, 60)),
    Example("line art", "horse.png", 4, "jpeg60", (35, 5)),
    Example("night, noise", "rocket.jpg", 2, "poisson12+noise8", (150, 110)),
    Example("sky gradient", "rocket.jpg", 4, "jpeg40", (85, 5)),
    Example("face", "astronaut.png", 4, "jpeg60", (35, 10)),
    Example("foliage", "grass.png", 2, "jpeg75", (100, 100)),
    Example("pixel art", "pixel art", 1, "bicubic", (0, 0)),
)
