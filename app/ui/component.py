"""A component of the page: an element that a script fills, and the Python functions that the script calls."""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from app.state.library import Library
from app.ui.assets import load_module
from app.ui.server_functions import server_functions

Handler = Callable[..., Mapping[str, Any]]


def component(
    library: Library,
    elem_id: str,
    html: str,
    script: str,
    call: str,
    handlers: Mapping[str, Handler] | None = None,
    value: object = None,
) -> gr.HTML:
    """html, which the module `script` below app fills by `call`, such as "bars(element, props, server, watch)".

    handlers: what the script calls as `server.NAME(request)`, see server_functions. value: of the component, which
    events and `props.value` have.
    """
    return gr.HTML(
        value,
        html_template=html,
        js_on_load=load_module(script, call),
        apply_default_css=False,
        server_functions=server_functions(library, **handlers) if handlers else None,
        elem_id=elem_id,
    )


def tab_component(library: Library, name: str, /, **handlers: Handler) -> None:
    """A tab that is one component: the function NAME(element, server) of tabs/NAME/NAME.js fills <div class=g-NAME>."""
    html = f"<div class='g-{name}'></div>"
    component(library, name, html, f"tabs/{name}/{name}.js", f"{name}(element, server)", handlers)
