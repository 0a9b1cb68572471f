"""Twelve everyday pictures, to compare bicubic interpolation, `plus` and `photo` by eye.

Command: python tools/draw_situations.py   (two cores: about ten seconds)

Nine come from scikit-image, in the public domain or under CC0 according to its documentation; three are drawn.
"""

import dataclasses

SCALE = 4
SIDE = 60  # of a detail in LR pixels


@dataclasses.dataclass(frozen=True)
class Situation:
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


SITUATIONS = (
    Situation("phone photo", "chelsea.png", 2, "noise3+jpeg80", (50, 25)),
    Situation("web thumbnail", "coffee.png", 4, "jpeg50", (20, 15)),
    Situation("screenshot", "screenshot", 1, "jpeg85", (0, 0)),
    Situation("scanned page", "page", 1, "blur0.6+noise4+jpeg75", (0, 0)),
    Situation("old photo with grain", "camera.png", 3, "blur0.6+noise12", (45, 20)),
    Situation("handwriting", "text.png", 1, "jpeg60", (30, 60)),
    Situation("line art", "horse.png", 4, "jpeg60", (35, 5)),
    Situation("night, noise", "rocket.jpg", 2, "poisson12+noise8", (150, 110)),
    Situation("sky gradient", "rocket.jpg", 4, "jpeg40", (85, 5)),
    Situation("face", "astronaut.png", 4, "jpeg60", (35, 10)),
    Situation("foliage", "grass.png", 2, "jpeg75", (100, 100)),
    Situation("pixel art", "pixel art", 1, "bicubic", (0, 0)),
)
