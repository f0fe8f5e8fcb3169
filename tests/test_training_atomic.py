"""A file is replaced as a whole, however many threads write it and whatever goes wrong meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from training.models.atomic import write_file


def test_threads_that_write_one_path_each_write_it_whole(tmp_path):
    path, size = tmp_path / "file", 100_000

    def write(number):
        def content(file):
            for _ in range(size // 1000):
                file.write(bytes([number]) * 1000)

        write_file(path, content)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(64)))
    found = path.read_bytes()
    assert len(found) == size and len(set(found)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    write_file(path, b"old")

    def fail(file):
        file.write(b"half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_file(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
