"""The command `gelato`: the page, collections and training where Gelato is installed as a package."""

__version__ = "0.1.0"
