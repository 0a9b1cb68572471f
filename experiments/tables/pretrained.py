"""The tables of the pretrained networks, alone and beside published ones."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.literature import Published
from experiments.results_file import Record
from experiments.tables.markdown import describe_size, markdown_table, scores
from srnet.data.datasets import TEST_SETS

# Published networks to compare `plus` with: name in literature.csv, and name in `srnet.models` if it is there.
PUBLISHED = {"FSRCNN": None, "VDSR": "vdsr", "IDN": "idn", "CARN": None}
README_SCALE = 4
README_PUBLISHED = {"SRCNN": "srcnn", "VDSR": "vdsr", "IDN": "idn"}
README_NETWORKS = {
    "full": "the paper's network, pretrained here (`--network=full`)",
    "plus": "`plus`, the default for sharp pictures",
    "plus_small": "`plus_small`, faster (`--network=plus_small`)",
}

Literature = Mapping[tuple[str, str, int], Published]


class Size(NamedTuple):
    """Parameters of a network, and its multiply-accumulates for an output of `srnet.models.analysis.OUTPUT_SIZE`."""

    parameters: int
    macs: int


class Shipped(NamedTuple):
    """A pretrained network at one scale."""

    name: str
    card: Record
    size: Size


def describe_weights(networks: Sequence[Shipped]) -> str:
    """Returns the table of the cost and scores of the pretrained networks, as Markdown.

    Args:
      networks: the networks.
    """
    rows, sets = [], list(networks[0].card["bicubic"])
    for scale in sorted({each.card["scale"] for each in networks}):
        here = [each for each in networks if each.card["scale"] == scale]
        bicubic = here[0].card["bicubic"]
        rows.append([f"x{scale}", "bicubic", *describe_size(None, None), *(scores(bicubic[name]) for name in sets)])
        for name, card, size in here:
            measured = [scores(card["measurements"][each]) for each in sets]
            rows.append([f"x{scale}", f"`{name}`", *describe_size(*size), *measured])
    return markdown_table(["scale", "network", "parameters", "GMACs", *sets], rows)


def describe_published(literature: Literature, sizes: Mapping[tuple[str, int], Size]) -> str:
    """Returns the table of published networks to compare `plus` with, as Markdown.

    Args:
      literature: the published results.
      sizes: dict from (name in `srnet.models`, scale) to the size of each network that is there.
    """
    rows = []
    for scale in sorted({scale for _, scale in sizes}):
        for label, network in PUBLISHED.items():
            found = [literature.get((label, name, scale)) for name in TEST_SETS]
            known = next(filter(None, found), None)
            if known:
                size = describe_size(*sizes[network, scale]) if network else [known.parameters.replace("K", " K"), "-"]
                rows.append([f"x{scale}", label, *size, *(each.psnr if each else "-" for each in found)])
    return markdown_table(["scale", "network", "parameters", "GMACs", *TEST_SETS], rows)


def describe_readme(networks: Sequence[Shipped], literature: Literature, sizes: Mapping[tuple[str, int], Size]) -> str:
    """Returns README's table at x4, the best of each column in bold, as Markdown.

    Args:
      networks: the pretrained networks; others than those of README are left out.
      literature: the published results.
      sizes: as for `describe_published`.
    """
    here = {name: (card, size) for name, card, size in networks if card["scale"] == README_SCALE}
    bicubic = next(iter(here.values()))[0]["bicubic"]
    rows: list[tuple[str, Size | None, list[float]]] = [
        ("bicubic interpolation", None, [round(bicubic[name]["psnr"], 2) for name in TEST_SETS])
    ]
    for label, network in README_PUBLISHED.items():
        found = [float(literature[label, name, README_SCALE].psnr) for name in TEST_SETS]
        rows.append((f"{label} (published)", sizes[network, README_SCALE], found))
    for name, label in README_NETWORKS.items():
        card, size = here[name]
        rows.append((label, size, [round(card["measurements"][each]["psnr"], 2) for each in TEST_SETS]))
    best = [max(psnr[column] for _, _, psnr in rows) for column in range(len(TEST_SETS))]
    least = min(size.macs for _, size, _ in rows if size)
    lines = []
    for label, sized, psnr in rows:
        cost = ["-", "-"]
        if sized:
            cost = [f"{sized.parameters / 1000:.0f} K", _bold(f"{sized.macs / 1e9:.1f}", sized.macs == least)]
        lines.append([label, *cost, *(_bold(f"{value:.2f}", value == most) for value, most in zip(psnr, best))])
    return markdown_table(["", "parameters", "GMACs", *TEST_SETS], lines)


def _bold(text: str, best: bool) -> str:
    return f"**{text}**" if best else text
