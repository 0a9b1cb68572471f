"""What a run and a record say of the commit."""

import subprocess

import srnet
from srnet.training.origin import _commit


def test_a_commit_is_dirty_if_code_has_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(srnet, "__file__", str(tmp_path / "srnet" / "__init__.py"))
    assert _commit() is None
    (tmp_path / "srnet").mkdir()
    code, results = tmp_path / "srnet" / "__init__.py", tmp_path / "results.jsonl"
    for path in (code, results):
        path.write_text("")
    identity = ["-c", "user.name=x", "-c", "user.email=x"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    command = ["git", "-C", str(tmp_path), "rev-parse", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout[:12]
    assert _commit() == commit
    results.write_text("added by a tool")
    assert _commit() == commit
    code.write_text("changed = True")
    assert _commit() == f"{commit}-dirty"
