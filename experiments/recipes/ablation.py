"""The networks that Table 1 and Figure 5 compare, all trained alike: the paper's and its variants."""

from collections.abc import Sequence

from experiments.recipes import figure_5, table_1
from experiments.recipes.budgets import BUDGETS

NETWORKS = tuple(dict.fromkeys(["full", *sorted(figure_5.NETWORKS), *table_1.COLUMNS.values()]))


def needed(scales: Sequence[int], networks: Sequence[str] | None) -> list[tuple[str, int]]:
    """Returns the (network, scale) pairs to train.

    Args:
      scales: integer scales.
      networks: names in `NETWORKS`, or None for those that Table 1 and Figure 5 need.
    """
    if networks:
        return [(name, scale) for scale in scales for name in networks]
    pairs = [(name, scale) for scale in scales for name in table_1.COLUMNS.values()]
    pairs += [(name, scale) for scale in scales if scale in figure_5.SCALES for name in sorted(figure_5.NETWORKS)]
    return list(dict.fromkeys(pairs))


def measured_set(budget: str) -> str:
    """Returns the set that Table 1 is measured on.

    Args:
      budget: one of `experiments.recipes.budgets.BUDGETS`.
    """
    sets = BUDGETS[budget]["sets"]
    return table_1.SET if table_1.SET in sets else sets[0]
