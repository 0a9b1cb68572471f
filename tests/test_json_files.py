"""JSON files, and damaged ones."""

import json

import pytest

from srnet.errors import DataError
from srnet.json_files import read_json, read_json_lines, write_json


def test_damaged_json_is_named(tmp_path):
    path = tmp_path / "file"
    for data, message in (
        (b"[]", "damaged; expected a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"[" * 990 + b"]" * 990 + b', "crc32": "0"}', "not JSON|damaged; its crc32"),
        (b"\xff\xfe", "damaged; not UTF-8 text"),
    ):
        path.write_bytes(data)
        with pytest.raises(DataError, match=f"file: {message}"):
            read_json(path, dict)
    for data, message in ((b'{"a": 1}\n{"a"', "line 2: not JSON"), (b'{"a": 1}\n[1]\n', "line 2 is damaged")):
        path.write_bytes(data)
        with pytest.raises(DataError, match=f"file: {message}"):
            read_json_lines(path)
    path.write_bytes(b'{"a": 1}\n{"a"')
    assert read_json_lines(path, appended=True) == [{"a": 1}]


def test_json_that_was_changed_is_refused(tmp_path):
    path, value = tmp_path / "file", {"step": 10, "psnr": 31.25, "seed": None, "inner": [{"a": 1e-9}]}
    write_json(path, value)
    text = path.read_text()
    assert read_json(path) == value and json.loads(text) == {**value, "crc32": "b9f8a2ab"}
    for place, character in enumerate(text):
        if character.isdigit() and "crc" not in text[max(0, place - 4) : place]:
            path.write_text(text[:place] + str((int(character) + 1) % 10) + text[place + 1 :])
            with pytest.raises(DataError, match="file: damaged; its crc32 does not match"):
                read_json(path)
    path.write_text(json.dumps(json.loads(text), sort_keys=True))
    assert read_json(path) == value
    path.write_text(json.dumps({**value, "step": 11}))  # written by hand, or by srnet 0.1
    assert read_json(path)["step"] == 11
    write_json(path, {"a": {2: 1, 10: float("nan")}, 3: "ä"})
    assert read_json(path) == {"a": {"2": 1, "10": None}, "3": "ä"}
    write_json(path, [value])
    assert read_json(path) == [value] == json.loads(path.read_text())
