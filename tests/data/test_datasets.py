"""Sets by name."""

import pytest

from srnet.data import datasets
from srnet.errors import DataError
from srnet.images.read import read_image


def test_pictures_come_in_natural_order_without_other_files(picture_root):
    (picture_root / "tiny" / "notes.txt").write_text("no picture")
    (picture_root / "tiny" / ".hidden.png").write_bytes(b"")
    (picture_root / "tiny" / "paper.pdf").write_bytes(b"")
    (picture_root / "tiny" / "arrays.h5").write_bytes(b"")
    names = [path.name for path in datasets.find_images("tiny", picture_root)]
    assert names == ["b2.png", "b10.png", "grey.png"]


def test_pictures_that_cannot_be_read_are_noted_once(tmp_path, capsys):
    for name in ("a.png", "b.dng", "c.dng", "notes.txt"):
        (tmp_path / name).touch()
    for _ in range(2):
        assert [path.name for path in datasets.find_images(str(tmp_path), None)] == ["a.png"]
    assert capsys.readouterr().err == f"{tmp_path}: skipped b.dng, c.dng; unsupported formats\n"


def test_the_order_does_not_depend_on_the_folder(tmp_path, monkeypatch):
    for name in ("1.png", "01.png", "a.png", "A.png", "1²3.png"):
        (tmp_path / name).touch()
    listed = list(tmp_path.iterdir())
    orders = []
    for paths in (listed, listed[::-1]):
        monkeypatch.setattr(type(tmp_path), "iterdir", lambda folder, paths=paths: iter(paths))
        orders.append([path.name for path in datasets.find_images(str(tmp_path), None)])
    assert orders[0] == orders[1] == ["01.png", "1.png", "1²3.png", "A.png", "a.png"]


def test_bundled_sets_are_photographs_that_do_not_overlap():
    train, test = (datasets.find_images(name, None) for name in ("skimage_train", "skimage_test"))
    assert not set(train) & set(test)
    for path in train + test:
        assert min(read_image(path).shape[:2]) >= 64


def test_missing_sets(tmp_path):
    (tmp_path / "Set5").mkdir()
    with pytest.raises(DataError, match="Set5: no pictures in it"):
        datasets.find_images("Set5", tmp_path)
    with pytest.raises(DataError, match="Set14: no such folder"):
        datasets.find_images("Set14", tmp_path)
    with pytest.raises(DataError, match="must name the folder that holds Set14/; without it there are skimage_train"):
        datasets.find_images("Set14", None)


def test_incomplete_published_set_is_noted(data_root):
    for name, count in datasets.PUBLISHED_COUNTS.items():
        assert len(datasets.find_images(name, data_root)) == count
    assert datasets.count_warning("Set5", 5) is None
    assert datasets.count_warning("holiday", 3) is None
    assert "4 images here and 5" in datasets.count_warning("Set5", 4)


def test_spread_is_even_and_in_order():
    assert datasets.evenly_spaced(list(range(100)), 5) == [10, 30, 50, 70, 90]
    assert datasets.evenly_spaced([3, 1, 2], 0) == datasets.evenly_spaced([3, 1, 2], 9) == [3, 1, 2]
    assert datasets.evenly_spaced(list(range(7)), 3) == [1, 3, 5]


def test_sets_by_path(tmp_path, monkeypatch):
    for place in ("mine/a.png", "home/best/b.png", "root/Set5/c.png", "root/nested/inner/d.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, root, file in (
        ("./mine", None, "a.png"),
        (f"{tmp_path}/mine", None, "a.png"),
        ("~/best", None, "b.png"),
        ("./mine", "root", "a.png"),
        ("Set5", "root", "c.png"),
        ("nested/inner", "root", "d.png"),
    ):
        assert datasets.has_set(name, root)
        assert [path.name for path in datasets.find_images(name, root)] == [file]
    assert not datasets.has_set("mine", None)
    with pytest.raises(DataError, match="set mine: --data_root, or SRNET_DATA, must name the folder that holds mine/"):
        datasets.find_images("mine", None)
    with pytest.raises(DataError, match="no pictures in it; each subfolder is a set of its own, such as nested/inner"):
        datasets.find_images("nested", "root")


@pytest.mark.parametrize("name", ["~nobody_of_this_name/photos", "~old"])
def test_names_that_begin_as_a_home_folder(tmp_path, name):
    assert not datasets.has_set(name, tmp_path)
    (tmp_path / name).mkdir(parents=True)
    assert datasets.has_set(name, tmp_path)
