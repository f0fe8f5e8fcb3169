"""Errors that the server tells apart from others that a user can put right."""

from training.models.errors import UserError


class NotFound(UserError):
    """A request names a collection, an image or a job that does not exist; over HTTP a 404."""


class NotReady(UserError):
    """What a request needs is still being loaded; over HTTP a 503, to be sent again."""
