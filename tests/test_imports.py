"""The import rules: modules import downwards alone, and commands are imported by nothing."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# From the bottom up: a module may import what stands in a line before its own, and its own package.
LAYERS = (
    ("srnet.errors",),
    ("srnet.durable", "srnet.keras_hook", "srnet.precision", "srnet.progress", "srnet.registration", "srnet.settings"),
    ("srnet.files",),
    ("srnet.digests", "srnet.json_files"),
    ("srnet.images",),
    ("srnet.data", "srnet.models"),
    ("srnet.pretrained",),
    ("srnet.inference",),
    ("srnet.evaluation", "srnet.formats"),
    ("srnet.training", "srnet.demo_guard"),
    ("srnet.cli", "srnet.demo_page"),
    ("srnet.network_flags",),
    ("srnet.demo", "srnet.evaluate", "srnet.export", "srnet.models.__main__", "srnet.train", "srnet.upscale"),
    ("experiments",),
    ("tools",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
COMMANDS = {*LAYERS[-3], *LAYERS[-1]}


def test_the_map_of_the_packages_is_complete_and_in_order():
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    packages = sorted(path.parent.name for path in (ROOT / "srnet").glob("*/__init__.py"))
    places = {name: page.index(f"`srnet/{name}`") for name in packages}
    levels = {name: LEVEL[f"srnet.{name}"] for name in packages}
    assert sorted(packages, key=places.get) == sorted(packages, key=lambda name: (levels[name], places[name]))


def _modules():
    for folder in ("srnet", "experiments", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _layer(module):
    """The entry of LAYERS that a module belongs to, or None."""
    parts = module.split(".")
    return next((name for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in LEVEL), None)


def _imported(path):
    """The modules of this project that a file imports, wherever in it."""
    known = {name for name, _ in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names = [full if (full := f"{node.module}.{alias.name}") in known else node.module for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in ("srnet", "experiments", "tools"))


MODULES = list(_modules())


@pytest.mark.parametrize(("module", "path"), [each for each in MODULES if each[0] != "srnet"], ids=lambda x: str(x))
def test_imports_go_downwards(module, path):
    own = _layer(module)
    assert own, f"{module} is in no layer"
    for name in _imported(path):
        if name == "srnet":  # its version; the names that it offers are imported from their modules
            continue
        other = _layer(name)
        assert other, f"{module} imports {name}, which is in no layer"
        assert other == own or LEVEL[other] < LEVEL[own], f"{module} imports {name}, which is not below it"
        assert other not in COMMANDS or name == module, f"{module} imports the command {name}"


def test_no_module_is_part_of_a_cycle():
    graph = {module: set(_imported(path)) - {module} for module, path in MODULES}
    done, active = set(), []

    def visit(module):
        assert module not in active, " -> ".join([*active, module])
        if module not in done:
            active.append(module)
            for other in graph.get(module, ()):
                visit(other)
            active.pop()
            done.add(module)

    del graph["srnet"]  # it offers names of all
    for module in graph:
        visit(module)


def _run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "imported",
    ["srnet", "srnet.cli", "srnet.upscale", "srnet.train", "srnet.evaluate", "srnet.export", "srnet.demo"],
)
def test_what_takes_long_is_imported_when_it_is_needed(imported):
    late = {"tensorflow", "keras", "scipy.ndimage", "scipy.signal"}
    assert _run(f"import sys, {imported}; print(*{late} & {{*sys.modules}})") == (0, "\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["srnet.upscale", "--help"],
        ["srnet.upscale", "photo.png", "--scale=0"],
        ["srnet.upscale", "photo.png", "--output=large.docx"],
        ["srnet.evaluate", "--help"],
        ["srnet.evaluate"],
        ["srnet.export", "--help"],
        ["srnet.export"],
        ["srnet.demo", "--port=0"],
    ],
)
def test_help_and_usage_errors_do_without_tensorflow(arguments, tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise SystemExit('TensorFlow was imported')")
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise SystemExit('Keras was imported')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = {arguments!r}; "
    code += "import runpy; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
    status, output, errors = _run(code)
    assert "was imported" not in errors
    assert (status == 0 and output) if "--help" in arguments else (status == 2 and errors.startswith("error: "))
