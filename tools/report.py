"""Makes one HTML page of the results: tables, curves and, for each picture of Figure 6, a slider against bicubic.

python tools/report.py --preset=cpu --page=report.html

The page needs no network and no server.
"""

import base64
import html
import pathlib
import string
import sys

import markdown
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import table_2
from experiments.budgets import BUDGETS
from srnet import commands
from srnet.errors import DataError
from srnet.files import reason
from srnet.models.hybrid import VARIANTS
from tools import ablation_sweep, cells, compare_methods, plus_ablation, records
from tools.visual_comparison import KEY

_PICTURES = string.Template("""<h2>Figure 6: details</h2>
<p>Drag the slider: bicubic interpolation on the left, the chosen method on the right. Figures are PSNR and SSIM of the
whole picture.</p>
<div class="pictures">$pictures</div>""")


def define_flags():
    flags.DEFINE_enum("preset", "cpu", list(BUDGETS), "The budget whose results are shown.")
    flags.DEFINE_string("results", str(cells.ROOT / "experiments" / "results"), "Folder of the results.")
    flags.DEFINE_string("page", "report.html", "The page to write.")


def main(arguments):
    commands.expect(arguments, 0)
    budget, folder = flags.FLAGS.preset, pathlib.Path(flags.FLAGS.results)
    found = records.read_records(folder / f"{budget}.jsonl")
    lines = records.read_lines(folder / f"figure_6_{budget}.jsonl", {*KEY, "file", "psnr", "ssim"})
    if not found and not lines:
        raise DataError(f"{folder}: no results of budget {budget}; tools/ablation_sweep.py and others make them")
    tables = []
    if any(record["method"] in VARIANTS for record in found):
        tables.append(ablation_sweep.describe_table(found, budget))
    if any(record["cost"] for record in found):
        tables.append(compare_methods.describe_table(found, budget))
    ablation = records.read_records(folder / f"plus_ablation_{budget}.jsonl")
    if any(record["cost"] for record in ablation):
        tables.append(plus_ablation.describe_table(ablation))
    curves = folder / f"figure_5_{budget}.png"
    pictures = [_slider(group, folder) for group in _by_picture(lines)]
    page = string.Template((pathlib.Path(__file__).parent / "report_template.html").read_text(encoding="utf-8"))
    text = page.substitute(
        budget=budget,
        tables="\n".join(map(_table, tables)),
        curves=_curves(curves) if curves.exists() else "",
        pictures=_PICTURES.substitute(pictures="\n".join(pictures)) if pictures else "",
    )
    records.write_text(flags.FLAGS.page, text)
    print(flags.FLAGS.page)


def _table(text):
    # The page has its own first heading.
    return markdown.markdown(text.replace("# ", "## ", 1), extensions=["tables"])


def _curves(path):
    return f'<h2>Figure 5: curves</h2>\n<img class="curves" alt="PSNR against epochs" src="{_image(path)}">'


def _by_picture(lines):
    """The lines of each crop that has bicubic interpolation and something to hold against it, by method."""
    pictures = {}
    for line in lines:
        place = tuple(map(str, (line[field] for field in KEY if field != "method")))
        pictures.setdefault(place, {})[line["method"]] = line
    return [group for group in pictures.values() if "bicubic" in group and len(group) > 1]


def _slider(group, folder):
    base = group["bicubic"]
    shown = [
        (label, _image(folder / group[method]["file"]), _figures(group[method]))
        for label, (method, _) in reversed(table_2.ROWS.items())
        if method in group and method != "bicubic"
    ]
    original = folder / base["file"].replace("_bicubic.png", "_original.png")
    if original.exists():
        shown.append(("Original", _image(original), ""))
    options = [
        f'<option data-image="{image}" data-figures="{figures}">{html.escape(label)}</option>'
        for label, image, figures in shown
    ]
    title = html.escape(f"{base['set']} image {base['image']}, x{base['scale']}")
    return f"""<figure>
<div class="stack">
<img alt=""><img alt="Bicubic" src="{_image(folder / base["file"])}"><div class="line"></div>
<div class="side left">Bicubic</div><div class="side right"></div>
</div>
<input type="range" min="0" max="100" value="50" aria-label="{title}: share of bicubic">
<figcaption><b>{title}</b><br>Bicubic {_figures(base)}<br>
<select aria-label="{title}: method">{"".join(options)}</select> <span></span></figcaption>
</figure>"""


def _figures(line):
    return f"{line['psnr']:.2f} dB / {line['ssim']:.4f}"


def _image(path):
    return "data:image/png;base64," + base64.b64encode(_read(path)).decode()


def _read(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)}); tools/visual_comparison.py makes it") from error


if __name__ == "__main__":
    commands.run(main, define_flags)
