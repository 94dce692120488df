"""Files are written whole or not at all; links stay links, and devices are written through."""

import errno
import os
import stat
import subprocess
import sys
import threading

import pytest

from benchmark.cli.options import output_file
from benchmark.files import PART, expanded, explain, whole_file, write_whole
from benchmark.types import UserError

CONTENT = "one\ntwo\n"


def names(folder):
    return sorted(os.listdir(folder))


def test_a_file_appears_whole_in_folders_that_are_made(tmp_path):
    write_whole(tmp_path / "a" / "b" / "x.csv", CONTENT)
    assert (tmp_path / "a" / "b" / "x.csv").read_text() == CONTENT
    assert names(tmp_path / "a" / "b") == ["x.csv"]


def test_a_block_that_raises_leaves_the_old_file_and_no_part(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(TypeError), whole_file(tmp_path / "x") as file:
        file.writelines([b"new", None])
    assert (tmp_path / "x").read_text() == "old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_that_is_replaced_gives_its_mode(tmp_path, mode):
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(mode)
    write_whole(tmp_path / "x", CONTENT)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_a_new_file_has_the_mode_of_every_new_file(tmp_path):
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "x", CONTENT)
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_that_is_replaced_gives_its_owner(tmp_path):
    (tmp_path / "x").write_text("old")
    os.chown(tmp_path / "x", 1234, 4321)
    write_whole(tmp_path / "x", CONTENT)
    found = (tmp_path / "x").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path, there):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "x.csv", tmp_path / "link.csv"
    if there:
        target.write_text("old")
    link.symlink_to("far/x.csv")
    write_whole(link, CONTENT)
    assert link.is_symlink()
    assert target.read_text() == CONTENT
    assert names(tmp_path / "far") == ["x.csv"]


def test_a_fifo_is_written_through(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_text()))
    reader.start()
    write_whole(tmp_path / "fifo", CONTENT)
    reader.join()
    assert read == [CONTENT]
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_a_device_is_written_through(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.open("wb").close()
    except OSError:
        pytest.skip("needs the right to make devices here")
    write_whole(device, CONTENT)
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_full_device_is_a_user_error():
    with pytest.raises(UserError, match="/dev/full: the disk is full"):
        write_whole(os_path("/dev/full"), CONTENT)


def os_path(text):
    from pathlib import Path

    if not Path(text).exists():
        pytest.skip(f"no {text} here")
    return Path(text)


WRITER = """
import os, sys
from pathlib import Path
from benchmark.files import write_whole
print("before")
write_whole(Path(sys.argv[1]), "content\\n")
print("after")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("append", [False, True])
def test_standard_output_by_any_name_is_written_where_it_is(tmp_path, name, append):
    os_path("/dev/stdout")
    out = tmp_path / "out"
    out.write_text("first\n")
    (tmp_path / "link").symlink_to("/dev/stdout")
    with out.open("a" if append else "w") as file:
        subprocess.run([sys.executable, "-c", WRITER, name], cwd=tmp_path, stdout=file, check=True)
    assert out.read_text() == ("first\n" if append else "") + "before\ncontent\nafter\n"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["folder", "link", "x" * 300, "x/y", "loop"])
def test_what_cannot_be_a_file_is_a_user_error(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "x").write_text("a file, no folder")
    with pytest.raises(UserError, match=name):
        write_whole(tmp_path / name, CONTENT)
    assert names(tmp_path) == ["folder", "link", "loop", "x"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_file_is_not_replaced(tmp_path):
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(0o400)
    with pytest.raises(UserError, match="permissions"):
        write_whole(tmp_path / "x", CONTENT)
    assert (tmp_path / "x").read_text() == "old"


def test_what_utf8_cannot_hold_is_written_as_an_escape(tmp_path):
    write_whole(tmp_path / "x", os.fsdecode(b"caf\xe9.png"))
    assert (tmp_path / "x").read_text() == "caf\\xe9.png"


@pytest.mark.parametrize("read", [expanded, output_file])
def test_the_home_of_nobody_is_a_user_error(read):
    with pytest.raises(UserError, match="~no-such-user stands for the home folder of a user who is not known"):
        read("~no-such-user/x.csv")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG, errno.EBUSY])
def test_every_explanation_names_the_file(tmp_path, number):
    assert str(tmp_path) in explain(OSError(number, os.strerror(number)), tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
from benchmark.files import whole_file
with whole_file(Path(sys.argv[1]) / "x") as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next_and_what_others_write_is_not(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    (left,) = names(tmp_path)
    assert left.startswith(PART)
    with whole_file(tmp_path / "slow") as slow:
        slow.write(b"slow")
        write_whole(tmp_path / "quick", CONTENT)
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == ["quick", "slow"]
    assert (tmp_path / "slow").read_bytes() == b"slow"
