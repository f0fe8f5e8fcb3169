"""python -m gelato: the command `gelato` where its script is not on the PATH."""

from gelato.command import main

if __name__ == "__main__":
    main()
