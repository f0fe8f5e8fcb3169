"""Fields of a request checked against a pydantic model, a mistake told in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.language.current import _
from training.models.errors import UserError

# fields that have another name now
RENAMED = {"where": "filter", "sort": "order", "line": "threshold", "picture": "image", "pictures": "images"}

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], fields: Mapping[str, object]) -> M:
    """fields as a model; UserError with the first thing that is wrong."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise UserError(sentence(error.errors())) from error


def sentence(errors: Sequence[Any]) -> str:
    """The first of pydantic's errors in words."""
    first = errors[0]
    place = [str(part) for part in first["loc"]]
    if place and place[0] in ("query", "body", "path"):
        del place[0]
    if first["type"] == "extra_forbidden":
        name = place[-1]
        there = (
            _("it is called {renamed} now", renamed=repr(RENAMED[name]))
            if name in RENAMED
            else "/docs lists those that there are"
        )
        return _("There is no field {name}; {there}.", name=repr(name), there=there)
    what = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(place)}: {what}." if place else f"{what}."
