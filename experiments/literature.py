"""Published results, with their sources (literature.csv)."""

import csv
import pathlib
from typing import NamedTuple

from srnet.errors import DataError

_PATH = pathlib.Path(__file__).with_suffix(".csv")


class Published(NamedTuple):
    """A published result, as printed, with the number of parameters of the network."""

    psnr: str
    ssim: str
    parameters: str
    source: str


def published() -> dict[tuple[str, str, int], Published]:
    """Returns the published results as a dict from (method, set, scale) to `Published`.

    Raises:
      DataError: if literature.csv is damaged.
    """
    try:
        with _PATH.open(encoding="utf-8", newline="") as file:
            return {
                (row["method"], row["dataset"], int(row["scale"])): Published(
                    *(row[name] for name in Published._fields)
                )
                for row in csv.DictReader(file)
            }
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{_PATH}: cannot be read ({error})") from error
