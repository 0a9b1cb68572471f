"""Tables of pages: put between their lines, and nothing else touched."""

import pytest

from experiments.documentation import copy_results_tables, read_tables, replace_tables
from srnet.errors import DataError

PAGE = "before\n\n<!-- a.md -->\n| old |\n<!-- end -->\nbetween\n<!-- cards -->\n| kept |\n<!-- end -->\nafter\n"


def test_tables_of_results_are_put_into_the_pages_that_show_them(tmp_path):
    for folder in ("docs", "results"):
        (tmp_path / folder).mkdir()
    page, other = tmp_path / "docs" / "page.md", tmp_path / "docs" / "other.md"
    page.write_text(PAGE)
    other.write_text("no table\n")
    (tmp_path / "results" / "a.md").write_text("# Heading\n\n| new\\1 |\n\nNote.\n")
    assert copy_results_tables(tmp_path / "docs", tmp_path / "results") == [page]
    assert page.read_text() == PAGE.replace("| old |\n", "| new\\1 |\n\nNote.\n")
    assert other.read_text() == "no table\n"
    assert copy_results_tables(tmp_path / "docs", tmp_path / "results") == []
    assert read_tables(page) == {"a.md": "| new\\1 |\n\nNote.\n", "cards": "| kept |\n"}


def test_a_forgotten_end_loses_nothing_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- first.md -->\n| kept |\n\nText.\n\n" + PAGE)
    replace_tables(page, {"a.md": "| new |\n"})
    assert page.read_text() == "<!-- first.md -->\n| kept |\n\nText.\n\n" + PAGE.replace("old", "new")


def test_what_is_missing_is_named(tmp_path):
    page = tmp_path / "page.md"
    with pytest.raises(DataError, match=r"page\.md: cannot be read"):
        replace_tables(page, {})
    page.write_text(PAGE)
    with pytest.raises(DataError, match=r"page\.md: no lines <!-- b --> and <!-- end --> for the table"):
        replace_tables(page, {"b": ""})
    with pytest.raises(DataError, match=r"a\.md: cannot be read"):
        copy_results_tables(tmp_path, tmp_path / "nowhere")
    assert page.read_text() == PAGE
