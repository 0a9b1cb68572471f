"""README and docs/: links resolve, flags exist, recipes fit together, and the plugin of docs/extending.md works."""

import dataclasses
import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys

import PIL.Image
import pytest

import srnet
from srnet import upscale
from srnet.images import recognize
from srnet.inference import choice
from srnet.models import analysis
from srnet.pretrained import cards
from srnet.training.config import TrainConfig, changeable_settings
from srnet.training.presets import PRESETS, preset_settings
from srnet.training.run_folder import Run
from tests import forked

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("experiments/*.md")])
COMMAND = re.compile(r"python (-m srnet\.\w+|tools/\w+\.py)([^\n`|#]*)")
COMMANDS = ("demo", "evaluate", "export", "train", "upscale")
SETTINGS = {"--patch=16", "--stride=16", "--batch_size=2", "--steps_per_epoch=2", "--epochs=2", "--scale=2"}


def _text(path):
    return path.read_text(encoding="utf-8")


def _anchors(path):
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", _text(path), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", _text(page), flags=re.S)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _commands():
    """The flags that the pages use, by command."""
    used = {}
    for page in PAGES:
        for command, rest in COMMAND.findall(re.sub(r"\\\n", " ", _text(page))):
            used.setdefault(command, set()).update(re.findall(r"--(\w+)", rest))
    return {command: flags for command, flags in used.items() if flags}


@pytest.mark.parametrize("command", sorted(_commands()))
def test_flags_exist(command):
    arguments = [sys.executable, *command.split(), "--help"]
    text = subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    known = set(re.findall(r"^ +(?:-\w,)?--(?:\[no\])?(\w+):", text, re.M)) | {"help"}
    assert _commands()[command] <= known


def test_pages_say_the_same_of_plugins():
    pages = ("enlarging", "data", "training", "exporting")
    rows = {re.search(r"^\| `--plugin=.+$", _text(ROOT / "docs" / f"{page}.md"), re.M)[0] for page in pages}
    assert len(rows) == 1


def _rows(marker):
    (table,) = re.findall(rf"<!-- {marker} -->\n(.+?)\n\n", _text(ROOT / "docs" / "networks.md"), re.S)
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def _config(network, flags):
    """The `TrainConfig` that flags of `srnet.train` make with the preset cpu; the last flag of a name counts."""
    given = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    settings = {**preset_settings("cpu", network), "variant": network, "precision": "mixed_bfloat16"}
    given.pop("preset", None)
    for name, text in given.items():
        default = getattr(TrainConfig(), name)
        several = isinstance(default, tuple)
        settings[name] = tuple(map(type(default[0]), text.split(","))) if several else type(default)(text)
    return TrainConfig(**settings)


def _differences(config, trained):
    """A dict from the settings that decide the weights and differ from a card's to both values."""
    fields = dataclasses.fields(TrainConfig)
    deciding = {field.name for field in fields if not field.metadata["may_change"]} | {"precision"}
    # Validation did not stop these runs; the rows name the networks and their initial weights.
    deciding -= {"model_options", "initial_run", "validation_set", "validation_images"}
    ours = json.loads(json.dumps(config.to_json()))
    return {name: (ours[name], trained[name]) for name in deciding & set(trained) if ours[name] != trained[name]}


def _table(page, header):
    """The rows of the table that begins with a header, as lists of cells without backticks."""
    lines = _text(ROOT / "docs" / f"{page}.md").split(f"\n{header}")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def test_presets_are_as_listed():
    rows = _table("training", "| `--preset` |")
    assert {row[0].split()[0] for row in rows} == set(PRESETS)
    for name, images, steps, shape, rate, precision, _ in rows:
        config = TrainConfig(**preset_settings(name.split()[0], "full"))
        sets = {("T91", "BSD200"): "T91, BSD200", ("skimage_train",): "scikit-image"}[config.train_sets]
        assert (images, steps) == (sets, f"{config.total_steps:,}")
        assert shape == f"{config.batch_size}, {config.patch}x{config.patch}"
        assert float(rate.split(",")[0]) == config.learning_rate
        schedule = "cooldown" if config.schedule == "cooldown" else f"halved every {config.decay_every} epochs"
        assert rate.endswith(schedule) and (config.schedule == "cooldown" or config.decay_rate == 0.5)
        assert (config.precision == "float32") == (precision == "float32")


def test_the_weights_of_adversarial_training_are_as_listed():
    listed = {row[0].split(",")[-1].strip(): row[2] for row in _table("training", "| flag | meaning | `--preset=adv")}
    config = TrainConfig(**preset_settings("adversarial", "esrgan"))
    assert listed["--loss_weight"].startswith(f"{config.loss}; 1e-2/255 ")
    assert config.loss_weight == pytest.approx(1e-2 / 255)
    for name in ("perceptual", "adversarial", "discriminator_filters"):
        assert float(listed[f"--{name}"]) == getattr(config, name)
    assert listed["--vgg19"] == config.vgg19


def test_what_may_change_on_resuming_is_as_listed():
    ((changeable, _),) = _table("training", "| may change on resuming |")
    assert set(re.findall(r"--(\w+)", changeable)) == set(changeable_settings(TrainConfig()))


def test_console_scripts_and_the_programs_that_pages_name_exist():
    scripts = importlib.metadata.distribution("srnet").entry_points.select(group="console_scripts")
    assert {script.name for script in scripts} == {f"srnet-{name}" for name in COMMANDS}
    assert all(callable(script.load()) for script in scripts)
    for page in PAGES:
        for name in re.findall(r"\b(?:tools|tests|experiments)/[\w/]+\.py\b", _text(page)):
            assert (ROOT / name).exists(), (page.name, name)


def test_the_formats_are_as_listed():
    page = _text(ROOT / "docs" / "enlarging.md")
    (row,) = re.findall(r"^\| `--format=webp` .+$", page, re.M)
    assert tuple(re.findall(r"`(\w+)`", row)) == upscale.FORMATS
    (read,) = re.findall(r"Pictures are read as (.+?),\s+whatever their names", page, re.S)
    names = {"JPEG2000": "JPEG 2000", "WEBP": "WebP", "DIB": "BMP", "MPO": "JPEG", "HEIF": None, "PFM": "PPM"}
    known = {names.get(kind, kind) for kind in recognize.formats()} - {None}
    assert set(re.split(r",\s+|\s+or\s+", read)) == known | {"PFM"}


def test_the_recipe_of_the_pretrained_weights_can_be_followed():
    made = {}
    for run, start, steps, minutes, rate, flags in _rows("recipe"):
        network, scale = run.split("_x")
        flags = [f"--scale={scale[0]}", f"--learning_rate={rate}", *flags.split()]
        config = _config(network, [flag for flag in flags if not flag.startswith("--initial_run")])
        assert config.total_steps == int(steps.replace(",", "")) and run not in made
        assert start == "random" or (start in made and f"--initial_run=runs/{start}" in flags)
        made[run] = (config, int(minutes))
    for name in sorted(set(cards.names()) - {cards.PHOTO}):
        for scale in cards.scales(name):
            (config, minutes), trained = made[f"{name}_x{scale}"], cards.card(scale, name)["run"]
            assert _differences(config, trained["config"]) == {}, (name, scale)
            assert (config.total_steps, minutes) == (trained["steps"], round(trained["seconds"] / 60))


def test_the_runs_of_photo_are_those_of_its_cards():
    text = _text(ROOT / "docs" / "networks.md")
    (command,) = re.findall(r"^python -m srnet\.train --variant=plus (--channels=3 .+?) --init", text, re.M | re.S)
    assert " --initial_run=runs/BEFORE " in text
    listed_steps = {row[0]: row[2] for row in _rows("recipe")}
    for scale in cards.scales(cards.PHOTO):
        run, expected = cards.card(scale, cards.PHOTO)["run"], f"photo_x{scale}"
        rows = [row for row in _rows("photo recipe") if row[0].startswith(expected)]
        for name, before, steps, flags in reversed(rows):
            listed = [*command.replace("\\\n", "").split(), f"--scale={scale}", *flags.split()]
            if "config" in run:  # the card has the whole configuration of the last run alone
                assert _differences(_config("plus", listed), run["config"]) == {}, name
            # The last flag of a name counts.
            used, said = ({flag.split("=")[0]: flag for flag in each} for each in (run["command"], listed))
            said.pop("--precision", None)  # without it, the machine decided
            assert said.items() <= used.items(), name
            assert int(steps.split()[0].replace(",", "")) == run["steps"], name
            assert name == expected
            run, expected = run["initial"], before
        assert int(listed_steps[expected].replace(",", "")) == run["steps"]


def test_pages_name_the_quality_at_which_auto_takes_photo():
    for page in (ROOT / "README.md", ROOT / "docs" / "enlarging.md", ROOT / "CHANGELOG.md"):
        assert f"of quality {choice.HIGHEST_QUALITY} or lower" in " ".join(_text(page).split())


def test_pages_say_how_the_pretrained_networks_are_tiled():
    (table,) = re.findall(r"<!-- tiles -->\n(.+?)\n(?:\n|$)", _text(ROOT / "docs" / "exporting.md"), re.S)
    said = {}
    for line in table.splitlines()[2:]:
        name, scales, margin, step = (cell.strip().replace("`", "") for cell in line.strip("|").split("|"))
        said |= {(name, int(scale)): (int(margin), int(step)) for scale in scales.split(",")}
    assert set(said) == {(name, scale) for name in cards.names() for scale in cards.scales(name)}
    for (name, scale), (margin, step) in said.items():
        model = srnet.load(scale, name)
        assert step == analysis.alignment(model)
        assert analysis.reach(model) <= margin < analysis.reach(model) + step and margin % step == 0


def test_the_version_is_the_same_everywhere():
    assert f"\nversion: {srnet.__version__}\n" in _text(ROOT / "CITATION.cff")
    assert re.search(r"^## (\S+)", _text(ROOT / "CHANGELOG.md"), re.M)[1] == srnet.__version__


def _plugin_blocks():
    page = _text(ROOT / "docs" / "extending.md")
    return re.findall(r"^```python\n(.+?)^```$", page, re.S | re.M)


def test_each_extension_is_short():
    blocks = _plugin_blocks()
    assert len(blocks) == 4
    assert all(len(block.splitlines()) < 30 for block in blocks)


def test_the_plugin_trains_is_measured_and_enlarges(tmp_path, picture_root, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("\n".join(_plugin_blocks()), encoding="utf-8")

    def command(name, *arguments):
        process = forked.run(f"srnet.{name}", *arguments)
        assert process.returncode == 0, process.stderr

    monkeypatch.setenv("SRNET_DATA", str(picture_root))
    monkeypatch.setenv("SRNET_CACHE", str(tmp_path / "cache"))
    names = ["--variant=espcn", "--loss=charbonnier", "--degradation=noisy", '--model_options={"filters": 4}']
    sets = ["--train_sets=tiny", "--validation_set=held_out", "--preset=quick"]
    command("train", "--plugin=mine", *names, *sets, *SETTINGS)
    assert [path.suffix for path in (tmp_path / "cache").iterdir() if path.name != ".lock"] == [".h5"]
    trained = Run(tmp_path / "runs" / "espcn_x2_quick")
    assert trained.saved_model.is_dir()
    assert {"variant": "espcn", "loss": "charbonnier"}.items() <= json.loads(trained.config.read_text()).items()
    run = "--run=runs/espcn_x2_quick"
    command("evaluate", "--plugin=mine", run, "--sets=held_out", "--metrics=psnr,ssim,mae", "--output=results.json")
    (record,) = json.loads((tmp_path / "results.json").read_text())
    assert record["method"] == "espcn" and record["mae"] > 0
    command("upscale", f"{picture_root}/held_out/a.png", "--model=runs/espcn_x2_quick/model.keras")
    with pytest.raises(AssertionError, match="--plugin names a module"):
        command("export", run, "--output=exported")
    with PIL.Image.open(picture_root / "held_out" / "a_x2.png") as image:
        assert image.size == (80, 72)
