"""Conventions of the whole package, held by looking at its source."""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import genoseq
from genoseq import cli

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "genoseq"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Imports go down this list only; what stands on one line does not import each other.
LAYERS = [
    {"cli"},
    {"reports"},
    {"plots", "evaluate", "peptides", "ncd", "hyena", "align"},
    {"simulate", "mutate", "truth", "supervised"},
    {"index"},
    {"encoder"},
    {"models"},
    {"io"},
    {"protein"},
    {"sequence"},
    {"errors"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
# Files of one idea that import each other within a layer.
WITHIN_A_LAYER = {
    ("simulate", "mutate"),
    ("simulate", "truth"),
    ("plots", "evaluate"),
}

# These run torch; nothing loads them but a function that needs them.
TORCH_FILES = {
    f"{folder}/{name}.py"
    for folder, names in (
        ("encoder", ("network", "train", "window", "window_train", "window_recall", "rde")),
        ("models", ("checkpoint", "device", "lora")),
        ("peptides", ("finetune", "model", "network", "pepmlm", "recipe", "shared", "train")),
        (
            "hyena",
            (
                "calls",
                "decoder",
                "generate",
                "classifier",
                "examples",
                "finetune",
                "heads",
                "heldout",
                "hyenadna",
                "longcontext",
                "lora",
                "model",
                "mutagenesis",
                "prefix",
                "recipe",
                "sampling",
                "scores",
                "stream",
                "study",
                "train",
                "variants",
                "weights",
                "workers",
            ),
        ),
    )
    for name in names
}
OPTIONAL = {
    "torch",
    "transformers",
    "safetensors",
    "huggingface_hub",
    "matplotlib",
    "pyarrow",
    "Bio",
    "pandas",
}


def relative(path):
    return path.relative_to(PACKAGE).as_posix()


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(node):
    """The dotted modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        if node.module == "genoseq":
            return [f"genoseq.{alias.name}" for alias in node.names]
        return [node.module or ""]
    return []


def at_import(tree):
    """The nodes that run when a module is imported: all but functions and `if TYPE_CHECKING`."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_imports_go_one_way(path):
    own = relative(path).split("/")[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    assert own in RANK, f"{own} has no place in LAYERS"
    for node in ast.walk(parsed(path)):
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"line {node.lineno}: relative import"
        for name in imported(node):
            parts = name.split(".")
            if parts[0] != "genoseq" or len(parts) == 1:
                continue
            other = parts[1]
            if other in ("__version__", own):
                continue
            allowed = RANK[other] > RANK[own] or (own, other) in WITHIN_A_LAYER
            assert allowed, f"line {node.lineno}: {own} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_optional_libraries_load_only_where_they_are_needed(path):
    if relative(path) in TORCH_FILES:
        return
    for node in at_import(parsed(path)):
        heavy = {name.split(".")[0] for name in imported(node)} & OPTIONAL
        assert not heavy, f"line {node.lineno}: {heavy} at import"
        for name in imported(node):
            slashed = name.removeprefix("genoseq.").replace(".", "/") + ".py"
            assert slashed not in TORCH_FILES, f"line {node.lineno}: {name} loads torch"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_everything_public_has_a_docstring(path):
    tree = parsed(path)
    assert relative(path) == "py.typed" or ast.get_docstring(tree), "the module has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"class {node.name}"
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                    is_overload = any(ast.unparse(mark) == "overload" for mark in part.decorator_list)
                    assert is_overload or ast.get_docstring(part), f"{node.name}.{part.name}"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            is_overload = any(ast.unparse(mark) == "overload" for mark in node.decorator_list)
            assert is_overload or ast.get_docstring(node), f"function {node.name}"


def is_kernel(node):
    """Whether numba compiles a function: it infers the types, which the docstring tells."""
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    return any(mark.startswith("numba.njit") or mark == "intrinsic" for mark in marks)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_kernels_do_without_blas(path):
    """numba takes BLAS from scipy, which an installation of genoseq does not have."""
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.FunctionDef) or not is_kernel(node):
            continue
        for part in ast.walk(node):
            where = f"line {getattr(part, 'lineno', 0)}: in a kernel this needs scipy, write the loop"
            assert not isinstance(part, ast.BinOp) or not isinstance(part.op, ast.MatMult), where
            if isinstance(part, ast.Call):
                called = ast.unparse(part.func)
                assert called not in ("np.dot", "np.vdot", "np.matmul"), f"{where} ({called})"
                assert not called.startswith("np.linalg."), f"{where} ({called})"


def public_functions(tree):
    """The functions and methods of a module that others may call, and `__init__`."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (part for part in node.body if isinstance(part, ast.FunctionDef))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_everything_public_is_annotated(path):
    for node in public_functions(parsed(path)):
        if is_kernel(node) or (node.name.startswith("_") and node.name != "__init__"):
            continue
        assert node.returns is not None, f"{node.name} has no return type"
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [part.arg for part in given if part.annotation is None and part.arg not in ("self", "cls")]
        assert not bare, f"{node.name}: {bare} without a type"


@pytest.mark.parametrize("path", [p for p in MODULES if not relative(p).startswith("cli/")], ids=relative)
def test_library_code_never_prints_exits_or_asserts(path):
    for node in ast.walk(parsed(path)):
        where = f"line {getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{where}: assert"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "exit", "quit", "sys.exit", "os._exit"), f"{where}: {called}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{where}: bare except"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_sizes_and_signatures(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, "more than 400 lines: two ideas in one file"
    tree = ast.parse(text)
    assert len(tree.body) <= 1 or "from __future__ import annotations" in text
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 80, f"{node.name} has more than 80 lines"
            if not node.name.startswith("_"):
                assert node.args.kwarg is None, f"{node.name} takes **{node.args.kwarg.arg}"


def test_every_public_name_is_there_and_documented():
    without_torch = {"HyenaDNA"} if importlib.util.find_spec("torch") is None else set()
    for name in set(genoseq.__all__) - without_torch:
        value = getattr(genoseq, name)
        assert name.startswith("__") or value.__doc__, name
    assert set(genoseq._HOMES) | {"__version__"} == set(genoseq.__all__)
    assert set(dir(genoseq)) == set(genoseq.__all__)
    with pytest.raises(AttributeError, match="nonsense") as caught:
        genoseq.nonsense  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("nonsense", genoseq)  # for "Did you mean"


def test_a_name_that_needs_torch_says_so():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from genoseq import MissingDependencyError\n"
        "try:\n    from genoseq import HyenaDNA\n"
        "except MissingDependencyError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "HyenaDNA needs torch, which is not installed: pip install 'genoseq[models]'"
    )


def test_type_checkers_see_every_public_name():
    tree = parsed(PACKAGE / "__init__.py")
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == genoseq._HOMES


def test_every_listed_name_exists():
    for path in MODULES:
        dotted = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        if dotted.endswith("__main__") or relative(path) in TORCH_FILES:
            continue
        module = importlib.import_module(dotted)
        for name in () if module is genoseq else getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{dotted}.{name}"


def test_versions_agree():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == genoseq.__version__
    assert f"version: {genoseq.__version__}\n" in (REPOSITORY / "CITATION.cff").read_text()
    assert f"## [{genoseq.__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text()


def loaded(statement):
    """The top-level modules in memory after a statement in a fresh interpreter."""
    program = (
        f"import sys\ntry:\n    {statement}\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


def test_import_genoseq_loads_nothing_heavy():
    assert not loaded("import genoseq") & {"torch", "numba", "faiss", "pysam", "numpy", "matplotlib"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([name, "--help"] for name in cli.COMMANDS)]
)
def test_help_loads_nothing_heavy(arguments):
    heavy = loaded(f"from genoseq.cli import main; main({arguments!r})") & {
        "torch",
        "numba",
        "faiss",
        "matplotlib",
    }
    assert not heavy


def test_help_is_fast():
    """0.3 s is the promise; the best of three keeps a busy machine out of it."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "genoseq", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_keeps_the_contract(name):
    parser = cli.command_parser(name)
    assert parser.description
    assert "genoseq " + name in (parser.epilog or ""), "the help ends with an example"
    for action in parser._actions:
        is_choice_of_kind = isinstance(action, argparse._SubParsersAction)
        assert action.help or is_choice_of_kind, f"{action.dest} has no help"
