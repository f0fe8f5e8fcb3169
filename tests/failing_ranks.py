"""Two ranks that never train: the second fails, and the first finds it gone.

python -m tests.failing_ranks
"""

import os
import time

from training.models.console import Commands
from training.models.errors import UserError
from training.models.last_words import claim, said_in, shared_folder


def main() -> None:
    folder = shared_folder()
    assert folder is not None
    if os.environ["RANK"] == "1":
        raise UserError("The image sky.jpg is odd.")
    while said_in(folder) is None:
        time.sleep(0.01)
    claim("Rank 0 lost another rank.", effect=True)
    raise UserError("Rank 0 lost another rank.")


if __name__ == "__main__":
    cli = Commands(commands={"fail": Commands(invoke_without_command=True, callback=main)})
    cli()
