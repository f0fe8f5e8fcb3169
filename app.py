"""Start the web page: python app.py"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports: nothing is begun, so nothing is said

from app.command import main  # noqa: E402

if __name__ == "__main__":
    main()
