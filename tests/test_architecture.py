"""Who may import whom (DESIGN section 4), how large a module may be, and that each one is tested."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMPONENTS = ("receivers", "processors", "exporters", "connectors", "extensions")
PACKAGES = ("collector", *COMPONENTS)
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# What each part of the collector may import of the project, besides itself.
SHARED = {"api", "data", "net", "delivery", "ottl", "processing", "sampling", "translate"}
ALLOWED = {
    "data": set(),
    "api": {"data"},
    "processing": {"api", "data"},
    "ottl": {"api", "data", "processing"},
    "sampling": {"api", "data", "processing"},
    "translate": {"data", "processing"},
    "net": {"api", "data"},
    "delivery": {"api", "data", "net"},
    "config": {"api", "data"},
    "testing": {"api", "data", "net", "delivery"},
    "runtime": {"api", "data", "net", "delivery", "config"},
    "cli": {"api", "commands"},
    "commands": {"api", "data", "config", "runtime"},
    "__main__": {"cli"},
    "__init__": set(),
}


def imported(path: Path) -> set[str]:
    """Return the project's modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update({node.module} | {f"{node.module}.{alias.name}" for alias in node.names})
    return {name for name in found if name.split(".")[0] in PACKAGES}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path):
    """A component imports the shared parts and itself; a part of the collector what the table allows."""
    package, *rest = path.relative_to(ROOT).with_suffix("").parts
    for name in imported(path):
        parts = name.split(".")
        if package != "collector":
            own = parts[0] == package and parts[1:2] == rest[:1]
            assert own or (parts[0] == "collector" and (parts[1:2] == [] or parts[1] in SHARED)), (
                f"{name_of(path)} imports {name}: a component imports only {sorted(SHARED)} and itself"
            )
        else:
            assert parts[0] == "collector", f"{name_of(path)} imports {name}: the registry names components as text"
            allowed = ALLOWED[rest[0]] | {rest[0], "__version__"}
            assert len(parts) == 1 or parts[1] in allowed, f"{name_of(path)} imports {name}: not in {sorted(allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_stay_small(path):
    """No module has more than 400 lines."""
    assert len(path.read_text().splitlines()) <= 400


def test_median_module_is_small():
    """The median module is under 200 lines."""
    sizes = sorted(len(path.read_text().splitlines()) for path in MODULES)
    assert sizes[len(sizes) // 2] < 200


def test_every_source_package_is_shipped():
    """Each folder with modules is listed in pyproject.toml: a forgotten one works from a checkout only."""
    listed = (ROOT / "pyproject.toml").read_text()
    missing = {name_of(path) for path in MODULES if path.name == "__init__.py" and f'"{name_of(path)}"' not in listed}
    assert set() == missing
