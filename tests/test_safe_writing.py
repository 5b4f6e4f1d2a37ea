"""A kill, a full disk or an error at any byte leaves the old file or the new one."""

import contextlib
import errno
import io
import os
import random
import shutil
import signal
import socket
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

from localnet import Sequential
from localnet.callbacks import (
    BackupAndRestore,
    CSVLogger,
    LambdaCallback,
    ModelCheckpoint,
)
from localnet.files import native
from localnet.files.keras import legacy_h5, v3
from localnet.files.safe import atomic, locks
from localnet.files.safe.atomic import write_atomically
from localnet.layers import Dense

# Set to 200 and more by .ci/long.
KILLS = int(os.environ.get("LOCALNET_TEST_KILLS", "12"))
posix = pytest.mark.skipif(os.name == "nt", reason="kills and limits as POSIX does")


def left_over(folder):
    return list(folder.glob(".localnet-*.tmp"))


def run_alone(code, folder, *options):
    """Run a program in a process of its own, in a folder, that says nothing."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert (done.stderr, done.returncode) == ("", 0)


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
    run_alone(code, tmp_path)


def mount(*options):
    """Run `mount`, or skip the test where that is not allowed."""
    if shutil.which("mount") is None:
        pytest.skip("needs mount")
    done = subprocess.run(["mount", *map(str, options)], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount a file system")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 256 kB, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", folder)
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


@pytest.mark.parametrize("name", KINDS)
def test_a_real_disk_that_may_only_be_read(name, small_disk):
    save, load = KINDS[name]
    save(model_of(1), small_disk / name)
    mount("-o", "remount,ro", small_disk)
    for path in (small_disk / name, small_disk / f"new-{name}"):
        with pytest.raises(OSError, match=name) as caught:
            save(model_of(2), path)
        assert caught.value.filename == str(path)
    mount("-o", "remount,rw", small_disk)
    assert [p.name for p in small_disk.iterdir()] == [name]
    assert number_of(load(small_disk / name)) == 1


@pytest.mark.parametrize("name", KINDS)
def test_a_real_disk_that_holds_no_further_file(name, small_disk):
    save, load = KINDS[name]
    save(model_of(1), small_disk / name)
    mount("-o", "remount,nr_inodes=20", small_disk)
    with contextlib.suppress(OSError):
        for number in range(20):
            (small_disk / f"other-{number}").touch()
    others = sorted(small_disk.iterdir())
    with pytest.raises(OSError, match=name) as caught:
        save(model_of(2), small_disk / name)
    assert caught.value.errno == errno.ENOSPC
    assert sorted(small_disk.iterdir()) == others
    assert number_of(load(small_disk / name)) == 1


@pytest.mark.parametrize("name", KINDS)
def test_a_disk_to_which_large_and_small_letters_are_one(name, tmp_path):
    """Two names of one file: the second save replaces the first, as it says."""
    save, load = KINDS[name]
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4")
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as stream:
        stream.truncate(2**22)
    make = ["mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding=utf8", str(image)]
    if subprocess.run(make, capture_output=True).returncode:
        pytest.skip("cannot make such a disk")
    mount("-o", "loop", image, folder)
    try:
        inside = folder / "inside"
        inside.mkdir()
        if subprocess.call(["chattr", "+F", str(inside)], stderr=subprocess.DEVNULL):
            pytest.skip("cannot make such a folder")
        save(model_of(1), inside / name)
        save(model_of(2), inside / name.capitalize())
        assert len(list(inside.iterdir())) == 1
        assert number_of(load(inside / name)) == 2
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# Odd places ----------------------------------------------------------------------


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/full")


def plug(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)  # a path may be too long for it


def folder(path):
    path.mkdir()


def way_to_a_folder(path):
    (path.parent / "there").mkdir()
    path.symlink_to("there")


@posix
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("make", [pipe, device, plug, folder, way_to_a_folder])
def test_what_is_no_file_is_not_replaced_by_one(name, make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    make(path)
    before = path.lstat(), sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match="must be a regular file, got ") as caught:
        KINDS[name][0](model_of(1), path)
    assert repr(str(path)) in str(caught.value)
    after = path.lstat(), sorted(tmp_path.iterdir())
    assert after[1] == before[1]
    assert after[0].st_mode == before[0].st_mode
    assert after[0].st_ino == before[0].st_ino


@posix
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("target", ["kept", "nowhere", "{name}"])
def test_a_link_is_replaced_and_what_it_leads_to_is_not(name, target, tmp_path):
    save, load = KINDS[name]
    (tmp_path / "kept").write_bytes(b"old")
    (tmp_path / name).symlink_to(target.format(name=name))  # itself, at the last
    save(model_of(1), tmp_path / name)
    assert not (tmp_path / name).is_symlink()
    assert number_of(load(tmp_path / name)) == 1
    assert (tmp_path / "kept").read_bytes() == b"old"
    assert {p.name for p in tmp_path.iterdir()} == {"kept", name}


@posix
@pytest.mark.parametrize("name", KINDS)
def test_names_as_long_as_the_system_allows_and_longer(name, tmp_path):
    save, load = KINDS[name]
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    path = tmp_path / name.rjust(longest, "x")
    save(model_of(1), path)
    assert number_of(load(path)) == 1
    with pytest.raises(OSError, match=name) as caught:
        save(model_of(2), tmp_path / name.rjust(longest + 1, "x"))
    assert caught.value.errno == errno.ENAMETOOLONG
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@posix
@pytest.mark.parametrize("name", KINDS)
def test_a_folder_that_may_only_be_read(name, tmp_path):
    # Root may write anywhere, so root becomes somebody else first.
    code = f"""
        import os
        from pathlib import Path
        import killed

        save, load = killed.KINDS[{name!r}]
        folder = Path("there")
        folder.mkdir()
        save(killed.model_of(1), folder / {name!r})
        (folder / {name!r}).chmod(0o644)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        for new in ({name!r}, "new-" + {name!r}):
            try:
                save(killed.model_of(2), folder / new)
            except PermissionError as error:
                assert error.filename == str(folder / new), repr(error)
            else:
                raise SystemExit("no error")
            assert os.listdir(folder) == [{name!r}]
        os.seteuid(user)
        assert killed.number_of(load(folder / {name!r})) == 1
    """
    tmp_path.chmod(0o755)
    run_alone(code, tmp_path)


@posix
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("step", ["open", "fsync", "replace", "chmod"])
def test_an_error_at_any_step_leaves_the_old_file(name, step, tmp_path, monkeypatch):
    save, load = KINDS[name]
    path = tmp_path / name
    save(model_of(1), path)

    def fail(*args, **kwargs):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "inner")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(OSError, match=name) as caught:
            save(model_of(2), path)
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(path))
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert number_of(load(path)) == 1


@posix
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("step", ["fsync", "chmod"])
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EINVAL])
def test_a_file_system_that_cannot_do_a_step_holds_files(
    name, step, number, tmp_path, monkeypatch
):
    save, load = KINDS[name]
    save(model_of(1), tmp_path / name)

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, refuse)
        save(model_of(2), tmp_path / name)
    assert number_of(load(tmp_path / name)) == 2
    assert [p.name for p in tmp_path.iterdir()] == [name]


# Windows -------------------------------------------------------------------------


def is_open(path):
    """Whether this process has the file open."""
    descriptors = Path("/proc/self/fd")
    return any(
        Path(descriptor).exists() and Path(descriptor).samefile(path)
        for descriptor in descriptors.iterdir()
    )


@pytest.fixture
def windows(monkeypatch):
    """Let the rules of Windows hold, as far as they can be had elsewhere."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs a list of open files")
    at_work = {name: getattr(os, name) for name in ("open", "replace", "unlink")}

    def guarded(name):
        def call(*paths, **kwargs):
            for path in paths:
                if Path(path).exists() and is_open(path):
                    raise PermissionError(errno.EACCES, "used by a process", str(path))
            return at_work[name](*paths, **kwargs)

        return call

    def open_file(path, flags, *args, **kwargs):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "is a folder", str(path))
        return at_work["open"](path, flags, *args, **kwargs)

    monkeypatch.setattr(atomic.sys, "platform", "win32")
    monkeypatch.setattr(atomic, "fcntl", None)
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(os, "open", open_file)
    for name in ("replace", "unlink"):
        monkeypatch.setattr(os, name, guarded(name))
    for name in ("umask", "fork", "O_NOFOLLOW", "O_NONBLOCK", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)


@pytest.mark.parametrize("name", KINDS)
def test_files_are_saved_and_loaded_by_the_rules_of_windows(name, tmp_path, windows):
    save, load = KINDS[name]
    for number in (1, 2):
        save(model_of(number), tmp_path / name)
        assert number_of(load(tmp_path / name)) == number
        assert not is_open(tmp_path / name)
    # Somebody else reads the file: it stays, and the error names it.
    with (tmp_path / name).open("rb"), pytest.raises(PermissionError) as caught:
        save(model_of(1), tmp_path / name)
    assert caught.value.filename == str(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert number_of(load(tmp_path / name)) == 2


def test_a_training_is_resumed_by_the_rules_of_windows(tmp_path, windows):
    def train(folder, *more):
        model = Sequential([Dense(1, input_shape=(2,))], seed=3)
        model.compile("sgd", "mse")
        kept = [
            BackupAndRestore(folder / "backup"),
            ModelCheckpoint(folder / "best.npz"),
            CSVLogger(folder / "log.csv", append=True),
        ]
        data = np.eye(4, 2), np.ones((4, 1))
        model.fit(*data, 2, epochs=4, verbose=0, callbacks=[*kept, *more])
        return model.get_weights()

    def stop(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    for folder in ("whole", "halves"):
        (tmp_path / folder).mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "halves", LambdaCallback(on_epoch_begin=stop))
    ends = [train(tmp_path / folder) for folder in ("whole", "halves")]
    assert all(map(np.array_equal, *ends))
    logs = [(tmp_path / f / "log.csv").read_bytes() for f in ("whole", "halves")]
    assert logs[0] == logs[1]


def test_text_is_utf_8_whatever_the_locale_says(tmp_path):
    code = """
        import warnings
        import numpy as np
        # SciPy imports numpy.testing, which in NumPy 2.0 reads as the locale says.
        warnings.simplefilter("ignore")
        import scipy.special
        warnings.simplefilter("error")
        from localnet import Sequential, load_model
        from localnet.callbacks import CSVLogger
        from localnet.cli import main
        from localnet.layers import Dense

        model = Sequential([Dense(1, input_shape=(2,), name="\u2603")])
        model.compile("sgd", "mse", metrics=["mae"])
        log = CSVLogger("log.csv")
        model.fit(np.eye(2), np.ones(2), verbose=0, callbacks=[log])
        load_model(model.save("\u2603.npz"), isolated=True)
        assert main(["show", "\u2603.npz"]) == 0
        at = "localnet.golden.adapters.engines:blocked"
        reports = ["--case", "curve-24", "--json", "r.json", "--junit", "r.xml"]
        assert main(["golden", "check", at, *reports]) == 0
        assert main(["train", "digits", "--epochs", "1", "--quiet"]) == 0
    """
    run_alone(code, tmp_path, "-X", "warn_default_encoding")
