"""The table of the pretrained networks."""

from collections.abc import Sequence

from experiments.results_file import Record
from experiments.tables.markdown import describe_size, markdown_table, scores


def describe_weights(networks: Sequence[tuple[str, Record, int]]) -> str:
    """Returns the table of the cost and scores of the pretrained networks, as Markdown.

    Args:
      networks: of each, its name, card and multiply-accumulates for an output of `srnet.models.analysis.OUTPUT_SIZE`.
    """
    rows, sets = [], list(networks[0][1]["bicubic"])
    for scale in sorted({card["scale"] for _, card, _ in networks}):
        here = [each for each in networks if each[1]["scale"] == scale]
        bicubic = here[0][1]["bicubic"]
        rows.append([f"x{scale}", "bicubic", *describe_size(None, None), *(scores(bicubic[name]) for name in sets)])
        for network, card, cost in here:
            size, measurements = describe_size(card["parameters"], cost), card["measurements"]
            rows.append([f"x{scale}", f"`{network}`", *size, *(scores(measurements[name]) for name in sets)])
    return markdown_table(["scale", "network", "parameters", "GMACs", *sets], rows)
