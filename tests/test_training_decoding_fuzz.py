"""Damaged files are images or failures; none ends the process, keeps it busy or fills the memory."""

import sys

import numpy as np
import pytest

from benchmarks.fuzz import fuzz, mutation
from benchmarks.fuzz_files import files
from training.models.decoding import decode_image
from training.models.formats import TABLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memory can be limited on POSIX only")


def test_some_hundred_damaged_files_of_all_formats_do_no_harm():
    result = fuzz(150, seed=1)
    assert (result.crashes, result.hangs, result.faults) == ([], [], [])
    assert result.read + result.refused == 150 and min(result.read, result.refused) > 20
    assert result.peak_mb < 3000


def test_there_is_a_sound_file_of_every_format_to_begin_with():
    sound = files()
    names = {name.partition(",")[0] for name in sound}
    missing = {one.name for one in TABLE if one.kind in ("image", "raw")} - names
    assert missing <= {"JPEG XL"}  # where its package is not installed
    for name, data in sound.items():
        if name not in ("RAW, without a preview",):
            assert decode_image(data).pixels.ndim == 3, name


def test_a_file_is_found_again_by_its_number():
    first, again = mutation(7, seed=3), mutation(7, seed=3)
    assert first == again and first != mutation(8, seed=3)
    assert np.frombuffer(first[1], np.uint8).size > 0
