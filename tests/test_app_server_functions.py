"""Functions that the page's scripts call: named, with one request, and errors as values."""

from typing import Any

import pytest

from app.state.library import Library
from app.ui.server_functions import error_as_response, server_functions
from tests.samples import ColourEncoder
from training.models.errors import UserError


@pytest.fixture
def library() -> Library:
    return Library(lambda name: ColourEncoder())


def test_a_handler_is_found_by_its_name_and_gets_the_library_and_the_request(library):
    def find(given: Library, request: dict[str, Any]) -> dict[str, Any]:
        return {"same": given is library, "q": request["q"]}

    (function,) = server_functions(library, search=find)
    assert function.__name__ == "search"
    assert function({"q": "red"}) == {"same": True, "q": "red"}


def test_a_handler_without_a_request_is_called_without_one(library):
    (function,) = server_functions(library, overview=lambda library: {"open": len(library.collections())})
    assert function({"ignored": 1}) == function() == {"open": 0}


def test_what_the_user_can_put_right_is_a_response_and_other_errors_are_raised(library):
    def refuses(library: Library, request: dict[str, Any]) -> dict[str, Any]:
        raise UserError("That makes no sense.")

    def breaks(library: Library, request: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("a fault of ours")

    refusing, breaking = server_functions(library, refuses=refuses, breaks=breaks)
    assert refusing({}) == {"error": "That makes no sense."}
    with pytest.raises(ValueError, match="a fault of ours"):
        breaking({})
    assert error_as_response(refuses)(library, {}) == {"error": "That makes no sense."}


@pytest.mark.parametrize("request_", [None, 3, "q", ["q"]])
def test_a_request_that_is_no_object_is_refused(library, request_):
    (function,) = server_functions(library, find=lambda library, request: {"got": request})
    assert "object of named fields" in function(request_)["error"]
