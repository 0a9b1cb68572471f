"""The report: one self-contained HTML page of tables, curves and details."""

import base64
import html
import pathlib
import re
import string
from collections.abc import Iterable, Mapping

from experiments.pictures.crops import Line, read_crops
from experiments.recipes import table_2
from experiments.runs import records
from experiments.tables.ablation import describe_plus_ablation, describe_table_1
from experiments.tables.claims import describe_claims
from experiments.tables.comparison import describe_table_2
from experiments.tables.markdown import scores
from srnet.errors import DataError, UsageError
from srnet.files import reason

try:
    import markdown
except ModuleNotFoundError as error:
    raise UsageError("this tool needs Markdown: pip install -e '.[experiments]'") from error

_TEMPLATE = pathlib.Path(__file__).with_name("report_template.html")
_CURVES = string.Template("""<h2 id="figure-5">Figure 5: curves</h2>
<img class="curves" alt="PSNR against epochs" src="$image">""")
_PICTURES = string.Template("""<h2 id="figure-6">Figure 6: details</h2>
<p>Drag the slider: bicubic interpolation on the left, the chosen method on the right. PSNR and SSIM are of the whole
picture.</p>
<div class="pictures">$pictures</div>""")


def describe_page(folder: pathlib.Path, budget: str) -> str:
    """Returns the report on a budget's results as HTML.

    Args:
      folder: folder of the results.
      budget: the budget.

    Raises:
      DataError: if there are no results, or one of their files is missing or damaged.
    """
    found = records.read_records(folder / f"{budget}.jsonl")
    lines = read_crops(folder / f"figure_6_{budget}.jsonl").values()
    if not found and not lines:
        raise DataError(f"{folder}: no results of budget {budget}; make them with tools/ablation_sweep.py and others")
    ablation = records.read_records(folder / f"plus_ablation_{budget}.jsonl")
    tables = [
        describe_claims(found, budget),
        describe_table_1(found, budget),
        describe_table_2(found, budget),
        describe_plus_ablation(ablation, budget),
    ]
    curves = folder / f"figure_5_{budget}.png"
    pictures = [_slider(group, folder) for group in _by_picture(lines)]
    sections = [
        _CURVES.substitute(image=_image(curves)) if curves.exists() else "",
        _PICTURES.substitute(pictures="\n".join(pictures)) if pictures else "",
        *(_table(text) for text in tables if text),
    ]
    headings = re.findall('<h2 id="(.*?)">(.*?)</h2>', "".join(sections))
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        budget=budget,
        contents="\n".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in headings),
        sections="\n".join(sections),
    )


def _table(text: str) -> str:
    # The page has its own top-level heading.
    return markdown.markdown(text.replace("# ", "## ", 1), extensions=["tables", "toc"])


def _by_picture(lines: Iterable[Line]) -> list[dict[str, Line]]:
    """The lines of each crop by method, for crops shown by bicubic interpolation and another method."""
    pictures: dict[tuple, dict[str, Line]] = {}
    for line in lines:
        place = line["set"], line["image"], line["scale"], tuple(line["crop"])
        pictures.setdefault(place, {})[line["method"]] = line
    return [group for group in pictures.values() if "bicubic" in group and len(group) > 1]


def _slider(group: Mapping[str, Line], folder: pathlib.Path) -> str:
    base = group["bicubic"]
    shown = [
        (label, _image(folder / group[method]["file"]), _scores(group[method]))
        for label, (method, _) in reversed(table_2.ALL.items())
        if method in group and method != "bicubic"
    ]
    original = folder / base["file"].replace("_bicubic.png", "_original.png")
    if original.exists():
        shown.append(("Original", _image(original), ""))
    options = [
        f'<option data-image="{image}" data-figures="{values}">{html.escape(label)}</option>'
        for label, image, values in shown
    ]
    title = html.escape(f"{base['set']} image {base['image']}, x{base['scale']}")
    return f"""<figure>
<div class="stack">
<img alt=""><img alt="Bicubic" src="{_image(folder / base["file"])}"><div class="line"></div>
<div class="side left">Bicubic</div><div class="side right"></div>
</div>
<input type="range" min="0" max="100" value="50" aria-label="{title}: share of bicubic">
<figcaption><b>{title}</b><br>Bicubic {_scores(base)}<br>
<select aria-label="{title}: method">{"".join(options)}</select> <span></span></figcaption>
</figure>"""


def _scores(line: Line) -> str:
    return scores(line).replace(" / ", " dB / ")


def _image(path: pathlib.Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)}); make it with tools/visual_comparison.py") from error
    return "data:image/png;base64," + base64.b64encode(data).decode()
