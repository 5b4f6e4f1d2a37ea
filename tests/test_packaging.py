"""What is written down about versions, parts and files, and must agree."""

import configparser
import re
import shutil
import subprocess
from itertools import pairwise

import pytest
from forked import ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
# Names that Windows keeps for devices, whatever follows the first dot.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)

pytestmark = pytest.mark.skipif(
    not (ROOT / ".ci").is_dir(), reason="tests away from the checkout"
)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_oldest_versions_begin_with_the_bounds_and_go_up():
    found = re.findall(
        r"^(\w+)==([\d.]+)\.\*; python_version (<=|==|>=) \"3\.(\d+)\"$",
        read(".ci/oldest.txt"),
        re.MULTILINE,
    )
    bounds = dict(
        re.findall(
            r"^(\w+)>=([\d.]+)$",
            SETUP["options"]["install_requires"]
            + SETUP["options.extras_require"]["h5"],
            re.MULTILINE,
        )
    )
    assert bounds.keys() == {name for name, *_ in found}
    for package, bound in bounds.items():
        lines = [line[1:] for line in found if line[0] == package]
        assert lines[0][:2] == (bound, "<=")
        assert lines[-1][1] == ">="
        for one, next_one in pairwise(lines):
            assert [int(n) for n in one[0].split(".")] < [
                int(n) for n in next_one[0].split(".")
            ]
            assert int(next_one[2]) == int(one[2]) + 1  # no Python is left out


def test_every_part_of_the_long_checks_is_said_and_done():
    script = read(".ci/long")
    parts = re.findall(r'^part (\w+) "', script, re.MULTILINE)
    assert parts
    for part in parts:
        assert re.search(rf"^{part}\(\) \{{", script, re.MULTILINE), part
    told = read("CONTRIBUTING.rst").partition("``.ci/long``")[2].partition(".ci/run")[0]
    assert re.findall(r"^``(\w+)``", told, re.MULTILINE) == parts


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_part_that_does_not_exist_is_refused_with_the_parts_that_do():
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "long"), "files", "fils"],
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (2, "")
    first, *listed = done.stderr.splitlines()
    assert first == "There is no part fils; the parts are:"
    assert [line.split()[0] for line in listed] == re.findall(
        r'^part (\w+) "', read(".ci/long"), re.MULTILINE
    )


def test_every_file_can_be_kept_on_windows():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    if listed.returncode:
        pytest.skip("no checkout")
    names = listed.stdout.rstrip("\0").split("\0")
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert len(name) < 150  # of 260 with the folder that it lies in
        for part in name.split("/"):
            assert not DEVICES.match(part), name
            assert not re.search(r'[<>:"|?*\\\x00-\x1f]|[. ]$', part), name
