"""Figure 6: crops against pixels computed here, and the page with its sliders in a headless browser."""

import importlib
import json
import pathlib
import shutil

import numpy as np
import PIL.Image
import pytest

from srnet.data.datasets import find_images
from srnet.evaluation.bicubic import make_bicubic
from srnet.evaluation.protocol import evaluate
from srnet.images.read import read_image
from srnet.images.resize import imresize
from srnet.json_files import read_json_lines

CROP = "held_out:1:2:3,5,16,12"


def test_crops_are_the_methods_and_a_missing_run_is_named(run_tool, picture_root, tmp_path):
    status, output, errors = run_tool("visual_comparison.py", f"--picture={CROP}", "--methods=bicubic,vdsr")
    assert status == 1
    assert (
        len(errors) == 1
        and "vdsr_x2_seed0: no complete run; make it with" in errors[0]
        and "tools/compare_methods.py" in errors[0]
    )
    (line,) = map(json.loads, (tmp_path / "results/figure_6_quick.jsonl").read_text().splitlines())
    (path,) = find_images("held_out", picture_root)
    (score,) = evaluate(make_bicubic(2), [path], 2)
    assert (line["psnr"], line["ssim"]) == pytest.approx((score.values["psnr"], score.values["ssim"]), abs=1e-6)
    original = read_image(path)
    kept = read_image(tmp_path / "results/figure_6_quick/held_out_1_x2_3-5-16-12_original.png")
    np.testing.assert_array_equal(kept, original[5:17, 3:19])
    # Bicubic interpolation of luma and chroma is, but for rounding luma to 8 bits, that of RGB.
    crop = read_image(tmp_path / "results" / line["file"]).astype(float)
    expected = np.clip(imresize(imresize(original, 0.5), 2), 0, 255)[5:17, 3:19]
    assert np.abs(crop - expected).max() <= 2
    with PIL.Image.open(output.strip()) as figure:
        assert figure.size[0] > 1000


def test_crops_of_one_picture_do_not_mix(run_tool, tmp_path):
    flags = ("visual_comparison.py", f"--picture={CROP}", "--picture=held_out:1:2:0,0,8,8", "--methods=bicubic")
    assert run_tool(*flags)[0] == 0
    results = tmp_path / "results"
    lines = [json.loads(line) for line in (results / "figure_6_quick.jsonl").read_text().splitlines()]
    assert sorted((line["crop"], read_image(results / line["file"]).shape) for line in lines) == [
        ([0, 0, 8, 8], (8, 8, 3)),
        ([3, 5, 16, 12], (12, 16, 3)),
    ]
    before = {path: path.stat().st_mtime_ns for path in results.glob("*/*bicubic.png")}
    assert len(before) == 2 and run_tool(*flags)[0] == 0
    assert before == {path: path.stat().st_mtime_ns for path in results.glob("*/*bicubic.png")}


def test_bad_crop_ends_the_command(run_tool):
    status, _, errors = run_tool("visual_comparison.py", "--picture=held_out:1:2:30,5,16,12")
    assert status == 2 and len(errors) == 1 and "is not inside" in errors[0]


def test_page_shows_tables_and_sliders(run_tool, browser, tmp_path):
    results = tmp_path / "results"
    run_tool("visual_comparison.py", f"--picture={CROP}", "--methods=bicubic")
    path = results / "figure_6_quick.jsonl"
    (line,) = read_json_lines(path)
    shutil.copy(results / line["file"], results / "other.png")
    others = [
        {**line, "method": name, "psnr": 40.0 + n, "file": "other.png"} for n, name in enumerate(("vdsr", "full"))
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in [line, *others]))
    run = {"validation_set": "held_out", "validation_images": 0, "train_sets": ["tiny"], "learning_rate": 0.001}
    run |= {"batch_size": 4, "patch": 16, "precision": "float32", "steps": 3, "epochs": [{"epoch": 1, "step": 3}]}
    run["epochs"][0] |= {"psnr": 20.0, "ssim": 0.5}
    record = {"version": 1, "budget": "quick", "method": "no_skips", "scale": 2, "seed": 0, "cost": None, "run": run}
    (results / "quick.jsonl").write_text(json.dumps({**record, "measurements": {}}) + "\n")
    figures = {"psnr": 21.5, "ssim": 0.5, "images": 1, "seconds": 1.0}
    cost = {"parameters": 1234, "macs": 1e9, "seconds_per_megapixel": 1.0, "hardware": {"cpu": "A", "gpus": []}}
    record |= {"method": "mse", "cost": cost, "measurements": {"held_out": figures}, "run": {**run, "seconds": 60}}
    (results / "plus_ablation_quick.jsonl").write_text(json.dumps(record) + "\n")
    status, _, errors = run_tool("report.py")
    assert (status, errors) == (0, [])
    text = (tmp_path / "report.html").read_text()
    assert "http" not in text
    browser.get(f"file://{tmp_path / 'report.html'}")
    run = browser.execute_script
    headings = run("return [...document.querySelectorAll('h2')].map(x => x.textContent)")
    assert [heading.split(":")[0].split(",")[0] for heading in headings] == ["Figure 6", "Table 1", "Ablation of plus"]
    linked = "return [...document.querySelectorAll('nav a')].map(x => document.querySelector(x.hash).textContent)"
    assert run(linked) == headings
    assert run("return document.querySelector('td:nth-child(2)').textContent") == "20.00 / 0.5000"
    last = run("return [...document.querySelectorAll('table:last-of-type tr:last-of-type td')].map(x => x.textContent)")
    assert last == ["L2 loss (mse)", "1,234", "1.0", "1.00", "1", "21.50 / 0.5000", "-"]
    method, bicubic = browser.find_elements("tag name", "img")
    assert run("return arguments[0].naturalWidth", method) == run("return arguments[0].naturalWidth", bicubic) == 16
    assert method.rect == bicubic.rect and method.rect["width"] > 200
    assert method.get_attribute("alt") == "the paper's network"
    caption = browser.find_element("css selector", "figcaption span")
    assert caption.text == f"41.00 dB / {line['ssim']:.4f}"
    slider = browser.find_element("css selector", "input[type=range]")
    slider.send_keys("\ue011")  # Home
    assert bicubic.value_of_css_property("clip-path") == "inset(0px 100% 0px 0px)"
    run("arguments[0].value = 25; arguments[0].dispatchEvent(new Event('input'))", slider)
    assert bicubic.value_of_css_property("clip-path") == "inset(0px 75% 0px 0px)"
    choice = importlib.import_module("selenium.webdriver.support.select").Select(
        browser.find_element("tag name", "select")
    )
    choice.select_by_visible_text("VDSR")
    assert method.get_attribute("alt") == "VDSR" and caption.text.startswith("40.00 dB")
    choice.select_by_visible_text("Original")
    assert method.get_attribute("alt") == "Original" and caption.text == ""
    assert browser.get_log("browser") == []


def test_the_results_of_this_project_fit_a_screen(call_tool, browser, tmp_path):
    results = pathlib.Path(__file__).parents[2] / "experiments" / "results"
    page = tmp_path / "report.html"
    status, _, errors = call_tool("report.py", "--budget=cpu", f"--results={results}", f"--output={page}")
    assert status == 0, errors
    browser.set_window_size(1280, 900)
    browser.get(f"file://{page}")
    assert browser.execute_script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_page_without_results(run_tool, tmp_path):
    status, _, errors = run_tool("report.py")
    assert status == 1 and "no results of budget quick" in errors[0]
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "quick.jsonl").write_text("no JSON\n")
    status, _, errors = run_tool("report.py")
    assert status == 1 and "line 1: not JSON" in errors[0]
    assert not (tmp_path / "report.html").exists()
