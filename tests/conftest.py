"""What several tests need: small pictures, and the benchmark images where they are at hand."""

import os
import pathlib
import shutil
import signal

import numpy as np
import PIL.Image
import pytest

# pytest's processes share the cores: more threads in each only wait for one another.
for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")

# Tests that send signals need what a terminal has, also where they run in the background.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

_SIBLING = pathlib.Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_root():
    """The folder of the benchmark sets; tests that need it are skipped where it is not."""
    folder = pathlib.Path(os.environ.get("SRNET_DATA") or _SIBLING)
    if not (folder / "Set5").is_dir():
        pytest.skip("needs the benchmark images: set SRNET_DATA to the folder that holds Set5, Set14, ...")
    return folder


def draw_picture(seed, height, width, channels=3):
    """A smooth random picture, uint8 (H, W[, 3])."""
    random = np.random.default_rng(seed)
    small = random.uniform(0, 255, (height // 8 + 2, width // 8 + 2, channels)).astype(np.uint8)
    picture = PIL.Image.fromarray(small[..., 0] if channels == 1 else small)
    return np.asarray(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))


@pytest.fixture(autouse=True)
def _same_random_numbers(request):
    """Each test draws the same numbers, whichever ran before it."""
    if hasattr(request.module, "RANDOM"):
        request.module.RANDOM = np.random.default_rng(0)


@pytest.fixture
def picture_root(tmp_path):
    """A data root with the sets "tiny" (three pictures, one of them greyscale) and "held_out" (one)."""
    root = tmp_path / "pictures"
    for name, seed, shape in (
        ("tiny/b10.png", 0, (40, 56, 3)),
        ("tiny/b2.png", 1, (33, 35, 3)),
        ("tiny/grey.png", 2, (32, 47, 1)),
        ("held_out/a.png", 3, (36, 40, 3)),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(draw_picture(seed, *shape)).save(root / name)
    return root


@pytest.fixture
def without_saved_models(monkeypatch):
    """Runs end with an empty SavedModel: a real one takes seconds, and the tests of the commands look at those."""

    def write(model, path):
        path.mkdir(exist_ok=True)
        (path / "saved_model.pb").touch()

    monkeypatch.setattr("srnet.training.run.export_saved_model", write)


@pytest.fixture
def browser(tmp_path):
    """A headless Chromium, where it is installed with its driver."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-sync"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield driver
    driver.quit()
