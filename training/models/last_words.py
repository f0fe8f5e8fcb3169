"""The one sentence by which several ranks end: the first to fail on a machine says it, the others are silent.

The ranks share the folder in which torchrun keeps their error files. Without torchrun, every process speaks for itself.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # torchrun's variable: where a rank may write why it failed
LAUNCHED = "GELATO_LAUNCHED"  # set for ranks whose launcher prints the sentence, when all of them have ended
WORDS = "last-words.json"


@dataclass(frozen=True)
class LastWords:
    """What the first rank to fail said. effect: whether it only lost another rank, which may have been killed."""

    sentence: str
    effect: bool
    process: int


def shared_folder() -> Path | None:
    """The folder that the ranks of this machine share, None without torchrun."""
    file = os.environ.get(ERROR_FILE)
    return Path(file).parent.parent if file else None


def claim(sentence: str, effect: bool = False) -> bool:
    """Record why this process ends; whether it is the first to, so that the sentence is its to say."""
    folder = shared_folder()
    if folder is None:
        return True
    with suppress(OSError):
        message = {"message": sentence, "extraInfo": {"timestamp": str(int(time.time()))}}
        Path(os.environ[ERROR_FILE]).write_text(json.dumps({"message": message}), encoding="utf-8")
    whole = folder / f".{os.getpid()}-{WORDS}"
    try:
        whole.write_text(json.dumps(asdict(LastWords(sentence, effect, os.getpid()))), encoding="utf-8")
        os.link(whole, folder / WORDS)  # whole at once, and only for the first
    except FileExistsError:
        pass
    except OSError:
        return True
    finally:
        whole.unlink(missing_ok=True)
    first = said_in(folder)
    return first is None or first.process == os.getpid()


def said_in(folder: Path) -> LastWords | None:
    """What the ranks that share a folder said at their end, None if none has failed."""
    try:
        return LastWords(**json.loads((folder / WORDS).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def speaks(sentence: str) -> bool:
    """Whether this process is to print the sentence by which it ends."""
    return claim(sentence) and LAUNCHED not in os.environ
