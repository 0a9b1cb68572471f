"""Tables beside published networks: their rows, rounding, and the best of each column in bold."""

from experiments.literature import Published
from experiments.tables.pretrained import (
    README_NETWORKS,
    README_PUBLISHED,
    Shipped,
    Size,
    describe_published,
    describe_readme,
)
from srnet.data.datasets import TEST_SETS


def _scores(psnr):
    return {name: {"psnr": psnr + number, "ssim": 0.5} for number, name in enumerate(TEST_SETS)}


def test_the_best_of_each_column_is_bold():
    def card(psnr, scale=4):
        return {"scale": scale, "bicubic": _scores(20.0), "measurements": _scores(psnr)}

    shipped = [Shipped(name, card(30.004 + i / 10), Size(1000, 9 * 10**9)) for i, name in enumerate(README_NETWORKS)]
    shipped += [Shipped("plus", card(99.0, scale=2), Size(1, 1)), Shipped("photo", card(99.0), Size(1, 1))]
    literature = {
        (label, name, 4): Published(f"{25 + number}.50", "0.5", "1K", "a paper")
        for label in README_PUBLISHED
        for number, name in enumerate(TEST_SETS)
    }
    literature["IDN", TEST_SETS[1], 4] = Published("40.00", "0.5", "1K", "a paper")
    literature["IDN", TEST_SETS[3], 4] = Published("33.20", "0.5", "1K", "a paper")  # as ours, rounded
    sizes = {(network, 4): Size(57_281, int(3.16e9)) for network in README_PUBLISHED.values()}
    lines = describe_readme(shipped, literature, sizes).splitlines()
    assert lines[2:4] == [
        "| bicubic interpolation | - | - | 20.00 | 21.00 | 22.00 | 23.00 |",
        "| SRCNN (published) | 57 K | **3.2** | 25.50 | 26.50 | 27.50 | 28.50 |",
    ]
    assert lines[5].startswith("| IDN (published) | 57 K | **3.2** | 25.50 | **40.00** | 27.50 | **33.20** |")
    assert lines[-1].endswith("| 1 K | 9.0 | **30.20** | 31.20 | **32.20** | **33.20** |")
    assert len(lines) == 2 + 1 + len(README_PUBLISHED) + len(README_NETWORKS)


def test_published_networks_have_what_is_known_of_them():
    literature = {
        ("IDN", "Set5", 3): Published("34.11", "0.9", "553K", "a paper"),
        ("CARN", "Urban100", 2): Published("31.92", "0.9", "1592K", "a paper"),
        ("IDN", "Set5", 4): Published("31.82", "0.9", "553K", "a paper"),
        ("EDSR-baseline", "Set5", 2): Published("37.99", "0.9", "1370K", "a paper"),
    }
    sizes = {("idn", 2): Size(1, 1), ("idn", 3): Size(552_769, int(56.34e9))}
    assert describe_published(literature, sizes).splitlines()[2:] == [
        "| x2 | CARN | 1592 K | - | - | - | - | 31.92 |",
        "| x3 | IDN | 552,769 | 56.3 | 34.11 | - | - | - |",
    ]
