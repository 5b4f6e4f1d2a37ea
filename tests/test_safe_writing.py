"""A kill, a full disk or an error at any byte leaves the old file or the new one."""

import errno
import io
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from forked import ROOT, ForkServer
from killed import KINDS, model_of, number_of

from localnet.files import native
from localnet.files.keras import legacy_h5, v3
from localnet.files.safe import atomic
from localnet.files.safe.atomic import write_atomically

# Set to 200 and more by .ci/long.
KILLS = int(os.environ.get("LOCALNET_TEST_KILLS", "12"))
posix = pytest.mark.skipif(os.name == "nt", reason="kills and limits as POSIX does")


def left_over(folder):
    return list(folder.glob(".localnet-*.tmp"))


# Kills ---------------------------------------------------------------------------


@posix
def test_a_kill_leaves_one_whole_file_of_every_format(tmp_path):
    chance = random.Random(KILLS)
    names = list(KINDS)
    there = dict.fromkeys(names, 1)
    changes = 0
    with ForkServer("killed") as server:
        for number in range(max(KILLS, 2 * len(names))):
            name = names[number % len(names)]
            save, load = KINDS[name]
            folder = tmp_path / name.replace(".", "-")
            if not folder.exists():
                folder.mkdir()
                save(model_of(1), folder / name)
            ready = tmp_path / f"ready-{number}"
            pid = server.start(
                "save_for_ever", name, str(folder), there[name], str(ready)
            )
            latest = time.monotonic() + 300  # machines may be halted for long
            while not ready.exists():
                assert time.monotonic() < latest
                time.sleep(1e-3)
            time.sleep(chance.uniform(0, 0.06))
            assert server.kill(pid) == -signal.SIGKILL
            former, there[name] = there[name], number_of(load(folder / name))
            changes += former != there[name]
            # What a kill leaves, the next write takes away.
            assert len(left_over(folder)) <= 1
            assert {p.name for p in folder.iterdir() if p not in left_over(folder)} == {
                name
            }
    if KILLS >= 200:
        # Kills fell before and after the moments at which a file took its place.
        assert 0 < changes < KILLS


@posix
def test_the_leftovers_of_a_kill_are_swept_and_files_in_use_are_not(tmp_path):
    left = tmp_path / ".localnet-dead.tmp"
    left.write_bytes(b"half")
    others = [tmp_path / ".localnet-x", tmp_path / "localnet-y.tmp"]
    for other in others:
        other.touch()
    (tmp_path / ".localnet-folder.tmp").mkdir()
    (tmp_path / ".localnet-link.tmp").symlink_to(others[0])

    def write(stream):
        # A second writer, in the same folder at the same time.
        write_atomically(tmp_path / "b", lambda inner: inner.write(b"new b"))
        assert Path(stream.name if isinstance(stream.name, str) else ".").exists()
        stream.write(b"new a")

    write_atomically(tmp_path / "a", write)
    assert (tmp_path / "a").read_bytes() == b"new a"
    assert (tmp_path / "b").read_bytes() == b"new b"
    assert not left.exists()
    assert all(other.exists() for other in others)


@posix
def test_a_file_that_is_swept_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    lock, swept = atomic._lock, []

    def slow_lock(descriptor, *, wait):
        if wait and not swept:
            swept.extend(left_over(tmp_path))
            atomic._sweep(tmp_path)
        return lock(descriptor, wait=wait)

    monkeypatch.setattr(atomic, "_lock", slow_lock)
    write_atomically(tmp_path / "a", lambda stream: stream.write(b"whole"))
    assert len(swept) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", KINDS)
def test_where_there_is_no_fcntl_files_are_saved_and_loaded(
    name, tmp_path, monkeypatch
):
    save, load = KINDS[name]
    monkeypatch.setattr(atomic, "fcntl", None)
    for number in (1, 2):
        save(model_of(number), tmp_path / name)
        assert number_of(load(tmp_path / name)) == number
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_atomic_can_be_imported_where_there_is_no_fcntl():
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "from localnet.files.safe import atomic\n"
        "assert atomic.fcntl is None"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


# Permissions ---------------------------------------------------------------------


@posix
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_that_is_saved_again_keeps_its_permissions(name, mode, tmp_path):
    save, _ = KINDS[name]
    save(model_of(1), tmp_path / name)
    (tmp_path / name).chmod(mode)
    save(model_of(2), tmp_path / name)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


@posix
def test_a_private_file_is_private_while_it_is_written(tmp_path):
    path, seen = tmp_path / "secret", []
    path.touch(0o600)

    def write(stream):
        seen.extend(stat.S_IMODE(p.stat().st_mode) for p in left_over(tmp_path))

    write_atomically(path, write)
    assert seen == [0o600]


def test_a_read_only_file_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    # Root may write anywhere, so the answer of the system is replaced.
    monkeypatch.setattr(
        atomic.os, "access", lambda name, mode: Path(name) != path or not mode & os.W_OK
    )
    for check in (atomic.check_place, lambda p: write_atomically(p, Path.write_bytes)):
        with pytest.raises(PermissionError) as caught:
            check(path)
        assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert left_over(tmp_path) == []


@posix
def test_writing_leaves_the_permissions_of_other_threads_alone(tmp_path, monkeypatch):
    def forbidden(mask):
        raise AssertionError("the umask belongs to the whole process")

    monkeypatch.setattr(os, "umask", forbidden)
    write_atomically(tmp_path / "a", lambda stream: stream.write(b"whole"))
    assert (tmp_path / "a").read_bytes() == b"whole"


# Views ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_failed_write_leaves_no_view_of_a_buffer(name, tmp_path, monkeypatch):
    # A view in the traceback of a failed write, in a circle, crashes Python 3.12.1.
    handed = []

    class Refusing:
        def write(self, data):
            handed.append(data)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __getattr__(self, name):
            return getattr(io.BytesIO(), name)

    def refuse(path, write):
        write(Refusing())

    for module in (legacy_h5, v3, native):
        monkeypatch.setattr(module, "write_atomically", refuse)
    with pytest.raises(OSError, match="No space left"):
        KINDS[name][0](model_of(1), tmp_path / name)
    view = type(io.BytesIO().getbuffer().obj)
    assert handed
    assert not any(isinstance(getattr(data, "obj", None), view) for data in handed)


def test_without_locks_files_are_written_and_none_is_swept(tmp_path, monkeypatch):
    left = tmp_path / ".localnet-dead.tmp"
    left.touch()
    monkeypatch.setattr(atomic, "_lock", lambda descriptor, *, wait: False)
    write_atomically(tmp_path / "a", lambda stream: stream.write(b"whole"))
    assert sorted(p.name for p in tmp_path.iterdir()) == [left.name, "a"]


# Full disks ----------------------------------------------------------------------


class Disk:
    """Stands for a file on a disk on which `room` bytes are free."""

    def __init__(self, stream, room):
        self.stream, self.room = stream, room

    def write(self, data):
        data = memoryview(data).cast("B")
        end = self.stream.tell() + len(data)
        if end > self.room:
            self.stream.write(data[: max(0, self.room - self.stream.tell())])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.stream.write(data)

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stream.close()


@pytest.mark.parametrize("name", KINDS)
def test_a_disk_that_is_full_after_any_number_of_bytes(name, tmp_path, monkeypatch):
    save, _ = KINDS[name]
    path = tmp_path / name
    save(model_of(1), path)
    old = path.read_bytes()
    model = model_of(2)
    (tmp_path / "elsewhere").mkdir()
    save(model, tmp_path / "elsewhere" / name)
    size = (tmp_path / "elsewhere" / name).stat().st_size
    shutil.rmtree(tmp_path / "elsewhere")
    fdopen = os.fdopen
    few = 12 if KILLS < 200 else 200
    steps = sorted({*range(4), *np.linspace(0, size - 1, few, dtype=int).tolist()})
    for room in steps:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdopen", lambda *a, room=room: Disk(fdopen(*a), room))
            with pytest.raises(OSError, match=name) as caught:
                save(model, path)
        error = caught.value
        assert error.filename == str(path), room
        assert (error.errno, error.strerror) == (
            errno.ENOSPC,
            os.strerror(errno.ENOSPC),
        )
        assert path.read_bytes() == old, room
        assert [p.name for p in tmp_path.iterdir()] == [name], room
    save(model, path)
    assert path.read_bytes() != old


@posix
@pytest.mark.parametrize("name", KINDS)
def test_a_limit_of_the_system_on_the_size_of_files(name, tmp_path):
    code = f"""
        import errno, resource, signal, sys
        from pathlib import Path
        import killed

        save, load = killed.KINDS[{name!r}]
        path = Path({str(tmp_path)!r}) / {name!r}
        save(killed.model_of(1), path)
        old = path.read_bytes()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for part in (0, 1, len(old) // 3, len(old) // 2, len(old) - 2000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (part, resource.RLIM_INFINITY))
            try:
                save(killed.model_of(2), path)
            except OSError as error:
                assert error.errno == errno.EFBIG, repr(error)
                assert error.filename == str(path), repr(error)
            else:
                raise SystemExit(f"no error at {{part}}")
            assert path.read_bytes() == old, part
            assert [p.name for p in path.parent.iterdir()] == [path.name], part
        limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        save(killed.model_of(2), path)
        assert killed.number_of(load(path)) == 2
    """
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 256 kB, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("name", KINDS)
def test_a_real_disk_that_is_full(name, small_disk):
    save, load = KINDS[name]
    path = small_disk / name
    save(model_of(1), path)
    old = path.read_bytes()
    (small_disk / "other").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    for _ in range(3):
        with pytest.raises(OSError, match=name) as caught:
            save(model_of(2), path)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
        assert path.read_bytes() == old
        assert sorted(p.name for p in small_disk.iterdir()) == sorted([name, "other"])
    assert number_of(load(path)) == 1
    (small_disk / "other").unlink()
    save(model_of(2), path)
    assert number_of(load(path)) == 2
