import mmap

import pytest

from collector.processing.memory import available_bytes, release, resident_bytes

MACHINE = 8 << 30


@pytest.fixture
def root(tmp_path):
    """A system with 8 GiB and no control groups."""
    write(tmp_path / "proc/meminfo", f"MemFree: 1 kB\nMemTotal:       {MACHINE // 1024} kB\n")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_resident_memory_grows_by_what_is_touched():
    before = resident_bytes()
    size = 64 << 20
    with mmap.mmap(-1, size) as block:
        for page in range(0, size, mmap.PAGESIZE):
            block[page] = 1
        assert resident_bytes() - before > size // 2


def test_the_statm_file_counts_pages(root):
    write(root / "proc/self/statm", "500 300 100 1 0 200 0\n")
    assert resident_bytes(root) == 300 * mmap.PAGESIZE


def test_without_the_statm_file_the_peak_is_taken(root):
    assert resident_bytes(root) > 1 << 20


def test_without_a_group_the_machine_is_the_limit(root):
    assert available_bytes(root) == MACHINE


def test_version_2_of_groups(root):
    write(root / "proc/self/cgroup", "0::/app/main\n")
    write(root / "sys/fs/cgroup/app/main/memory.max", "max\n")
    write(root / "sys/fs/cgroup/app/memory.max", f"{1 << 30}\n")
    write(root / "sys/fs/cgroup/memory.max", f"{2 << 30}\n")
    assert available_bytes(root) == 1 << 30


def test_version_1_of_groups(root):
    write(root / "proc/self/cgroup", "5:cpu,cpuacct:/app\n4:memory:/app\n")
    write(root / "sys/fs/cgroup/memory/app/memory.limit_in_bytes", f"{512 << 20}\n")
    write(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert available_bytes(root) == 512 << 20


def test_a_container_sees_its_own_group_at_the_mount(root):
    write(root / "proc/self/cgroup", "4:memory:/docker/0123\n")
    write(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{256 << 20}\n")
    assert available_bytes(root) == 256 << 20


def test_a_limit_above_the_machine_is_none(root):
    write(root / "proc/self/cgroup", "0::/\n")
    write(root / "sys/fs/cgroup/memory.max", f"{MACHINE * 2}\n")
    assert available_bytes(root) == MACHINE


def test_this_system_has_memory():
    assert resident_bytes() < available_bytes()


def test_release_collects_cycles():
    import gc
    import weakref

    class Node:
        pass

    gc.disable()
    try:
        node = Node()
        node.self = node
        watch = weakref.ref(node)
        del node
        assert watch() is not None
        release()
        assert watch() is None
    finally:
        gc.enable()
