"""Tables in the documentation, each between the lines <!-- NAME --> and <!-- end -->."""

import pathlib
import re
from collections.abc import Mapping

from experiments.workspace import RESULTS, ROOT
from srnet.errors import DataError
from srnet.files import reason, write_text

DOCS = ROOT / "docs"
_PLACE = re.compile(r"(<!-- ([\w.-]+) -->\n)((?:(?!<!-- ).)*)(<!-- end -->)", re.S)


def read_tables(page: pathlib.Path) -> dict[str, str]:
    """Returns the tables of a page by name.

    Args:
      page: a Markdown file.

    Raises:
      DataError: if it cannot be read.
    """
    return {name: text for _, name, text, _ in _PLACE.findall(_read(page))}


def replace_tables(page: pathlib.Path, tables: Mapping[str, str]) -> bool:
    """Replaces tables in a page by name, and returns whether the page changed.

    Args:
      page: a Markdown file.
      tables: dict from names to Markdown text.

    Raises:
      DataError: if the page cannot be read or written, or has no place for a table.
    """
    text = _read(page)
    missing = set(tables) - {found[2] for found in _PLACE.finditer(text)}
    if missing:
        raise DataError(f"{page}: no lines <!-- {min(missing)} --> and <!-- end --> for the table")
    changed = _PLACE.sub(lambda found: found[1] + tables.get(found[2], found[3]) + found[4], text)
    if changed != text:
        write_text(page, changed)
    return changed != text


def copy_results_tables(pages: pathlib.Path = DOCS, results: pathlib.Path = RESULTS) -> list[pathlib.Path]:
    """Copies the tables of the results into the pages that show them, and returns the pages that changed.

    Args:
      pages: folder of the documentation.
      results: folder of the results.

    Raises:
      DataError: if a page or a table cannot be read or written.
    """
    changed = []
    for page in sorted(pages.glob("*.md")):
        tables = {name: table_of(results / name) for name in read_tables(page) if name.endswith(".md")}
        if replace_tables(page, tables):
            changed.append(page)
    return changed


def table_of(path: pathlib.Path) -> str:
    """Returns a file of results without its heading, as a page shows it.

    Args:
      path: the Markdown file.

    Raises:
      DataError: if it cannot be read.
    """
    return re.sub(r"\A# .*\n\n", "", _read(path))


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
