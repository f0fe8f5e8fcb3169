"""A folder has one writer, and a writer that was killed does not lock others out."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from training.models.errors import UserError
from training.models.file_lock import lock_folder

ROOT = Path(__file__).parent.parent
HOLD = "import sys, time, pathlib\nfrom training.models.file_lock import lock_folder\n"
HOLD += "lock = lock_folder(pathlib.Path(sys.argv[1]), 'busy')\nprint('held', flush=True)\ntime.sleep(60)"


def test_a_second_lock_is_refused_until_the_first_is_released(tmp_path):
    first = lock_folder(tmp_path, "busy")
    with pytest.raises(UserError, match="busy"):
        lock_folder(tmp_path, "busy")
    first.release()
    lock_folder(tmp_path, "busy").release()


def test_another_process_is_refused_until_the_holder_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="busy"):
            lock_folder(tmp_path, "busy")
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    lock_folder(tmp_path, "busy").release()


@pytest.mark.parametrize("why", [OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)), NotImplementedError("no flock")])
def test_a_drive_without_locks_is_named_with_what_works(tmp_path, monkeypatch, why):
    def refused(*_, **__):
        raise why

    monkeypatch.setattr(filelock.FileLock, "acquire", refused)
    with pytest.raises(UserError, match=r"cannot lock files .* another drive"):
        lock_folder(tmp_path, "busy")
