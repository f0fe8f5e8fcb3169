"""METHODS: name to class, the only registry of methods. The command line and the contract tests read it."""

from training.methods.base import Method

METHODS: dict[str, type[Method]] = {}
