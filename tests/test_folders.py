"""What a folder holds: every file is an image, or is named or counted; links are followed, once."""

import os

import pytest

from benchmark.folders import read_folder
from benchmark.types import UserError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_images_of_every_format_are_found_by_relative_name(tmp_path):
    names = ["a.avif", "b.JP2", "c.jxl", "d.heic", "e.png", "sub/deep/f.webp"]
    touch(tmp_path, *names)
    folder = read_folder(tmp_path)
    assert list(folder.images) == names
    assert folder.images["sub/deep/f.webp"] == tmp_path / "sub/deep/f.webp"
    assert folder.skipped() == []
    assert not folder.lacks_images


def test_everything_else_is_named_or_counted(tmp_path):
    touch(tmp_path, "a.png", "b.exr", "sub/c.psd", "notes.txt", "sub/x.txt", "README", ".DS_Store", "._a.png")
    touch(tmp_path, ".thumbnails/a.png")
    folder = read_folder(tmp_path)
    assert list(folder.images) == ["a.png"]
    assert folder.skipped() == [
        f"{tmp_path}: 2 images of a format that is not read: b.exr, sub/c.psd",
        f"{tmp_path}: no images by their ending: 2 .txt, 1 without an ending",
        f"{tmp_path}: 3 hidden names: .DS_Store, ._a.png, .thumbnails",
    ]
    assert folder.lacks_images


def test_text_beside_images_leaves_the_folder_complete(tmp_path):
    touch(tmp_path, "a.png", "notes.txt", ".hidden")
    assert not read_folder(tmp_path).lacks_images


def test_linked_folders_and_files_are_followed(tmp_path):
    touch(tmp_path, "elsewhere/b.png", "one/a.png")
    (tmp_path / "one/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "one/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "one/c.png").symlink_to(tmp_path / "elsewhere/b.png")
    assert list(read_folder(tmp_path / "one").images) == ["a.png", "again/b.png", "c.png", "more/b.png"]


def test_links_that_lead_back_or_nowhere_are_named_and_end(tmp_path):
    touch(tmp_path, "one/sub/a.png")
    (tmp_path / "one/sub/back").symlink_to(tmp_path / "one")
    (tmp_path / "one/up").symlink_to(tmp_path)
    (tmp_path / "one/gone.png").symlink_to(tmp_path / "nothing.png")
    folder = read_folder(tmp_path / "one")
    assert list(folder.images) == ["sub/a.png"]
    assert folder.skipped() == [f"{tmp_path}/one: cannot be opened, or leads back: gone.png, sub/back, up"]
    assert folder.lacks_images


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every folder")
def test_a_folder_that_may_not_be_opened_is_named(tmp_path):
    touch(tmp_path, "a.png", "closed/b.png")
    (tmp_path / "closed").chmod(0)
    try:
        assert "closed (Permission denied)" in read_folder(tmp_path).skipped()[0]
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_without_images_says_what_is_there(tmp_path):
    touch(tmp_path, "a.exr", "b.txt")
    with pytest.raises(UserError, match=r"no images; expected files ending in \.png.*found .*a\.exr.*1 \.txt"):
        read_folder(tmp_path)
