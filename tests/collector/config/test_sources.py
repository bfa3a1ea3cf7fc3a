from pathlib import Path

import pytest

from collector.config import ConfigErrors, load, plugin_files


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


def messages(*sources, sets=(), env=None) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(sources, sets, env or {})
    return [str(error) for error in caught.value.errors]


def test_later_sources_win_and_sets_win_over_all():
    first = write("first.yaml", "a: {x: 1, y: 1, z: 1}\nlist: [1, 2]\nerased: {k: 1}\n")
    second = write("second.yaml", "a: {y: 2, z: 2}\nlist: [3]\nerased:\n")

    root = load([first, f"file:{second}"], ["a.z=3", "new.deep.key=[4, {k: v}]"], {}).root

    assert root.plain() == {
        "a": {"x": 1, "y": 2, "z": 3},
        "list": [3],
        "erased": None,
        "new": {"deep": {"key": [4, {"k": "v"}]}},
    }
    assert ["first.yaml:1", "second.yaml:1", "--set"] == [str(root.find(("a", key)).origin) for key in "xyz"]


def test_uris_with_delimited_keys():
    env = {"CONFIG": "a:\n  y: 2\n"}

    root = load(["yaml:a::x::b: 1", "yaml:a::z: 3", "env:CONFIG", "env:NONE:-a: {w: 4}"], (), env).root

    assert root.plain() == {"a": {"x": {"b": 1}, "z": 3, "y": 2, "w": 4}}
    assert str(root.find(("a", "y")).origin) == "environment CONFIG:2"


def test_only_sections_may_be_written_with_delimiters():
    """An attribute's name may have any characters."""
    assert load(["yaml:{a: {'x::y': 1}}"], (), {}).root.plain() == {"a": {"x::y": 1}}


def test_a_byte_order_mark_is_no_part_of_the_text():
    Path("bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")

    assert load(["bom.yaml"], (), {}).root.plain() == {"a": 1}


def test_an_empty_source_adds_nothing():
    assert load([write("empty.yaml", "# nothing\n"), "yaml:a: 1"], (), {}).root.plain() == {"a": 1}


def test_an_unset_source_is_empty_with_a_warning():
    document = load(["env:NOPE"], (), {})

    assert document.root.plain() == {}
    assert ["environment NOPE:1: environment variable NOPE is not set"] == [str(item) for item in document.warnings]


def test_all_sources_are_read_before_errors_are_told():
    bad = write("bad.yaml", "a: 1\nb: [\n")
    twice = write("twice.yaml", "a: 1\na: 2\n")
    scalar = write("scalar.yaml", "just a text\n")

    assert messages(bad, "missing.yaml", twice, scalar, sets=["a.b", "=1", "a={"]) == [
        "bad.yaml:3: not YAML: did not find expected node content",
        "missing.yaml: cannot read missing.yaml: no such file or directory",
        'twice.yaml:2: key "a" stands twice in one map, in lines 1 and 2',
        "scalar.yaml:1: expected sections such as receivers: and service:",
        '--set: "a.b" is not path=value: write --set exporters.debug.verbosity=detailed',
        '--set: "=1" is not path=value: write --set exporters.debug.verbosity=detailed',
        "--set: not YAML: did not find expected node content",
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("https://host/c.yaml", 'scheme "https" is not supported'),
        ("s3:bucket", 'scheme "s3" is not supported'),
        ("env:a b", "has invalid name"),
        (".", "cannot read .: is a directory"),
    ],
)
def test_sources_that_cannot_be_read(source, message):
    (error,) = messages(source)

    assert message in error


def test_the_directory_of_a_value_is_that_of_its_file():
    write("etc/c.yaml", "a: 1\n")

    assert load(["etc/c.yaml"], (), {}).root.find(("a",)).origin.directory == Path("etc").absolute()


def test_plugins_are_found_from_the_file_that_names_them():
    plugin = write("etc/plugins/mine.py", "")
    write("etc/c.yaml", "plugins: [./plugins/mine.py, '${env:OTHER}', missing.py, 5]\n")

    found = plugin_files(load(["etc/c.yaml"], (), {"OTHER": str(Path(plugin).absolute())}))

    assert [Path(plugin).absolute()] * 2 == [path.resolve() for path in found]


@pytest.mark.parametrize("text", ["a: 1", "plugins:", "plugins: []", "plugins: 5"])
def test_no_plugins(text):
    assert plugin_files(load([f"yaml:{text}"], (), {})) == []
