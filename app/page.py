"""The page, in the order you see it."""

from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from app.server.api.client import client_functions
from app.state.library import Library
from app.tabs.classify.tab import classify_tab
from app.tabs.collections.tab import collections_tab
from app.tabs.compare.tab import compare_tab
from app.tabs.duplicates.tab import duplicates_tab
from app.tabs.learn.tab import learn_routes, learn_tab
from app.tabs.map.tab import map_routes, map_tab
from app.tabs.models.tab import models_tab
from app.tabs.probe.tab import probe_tab
from app.tabs.search.tab import search_tab
from app.ui.assets import CSS, HEAD
from app.ui.header.header import header
from app.ui.jobs.job_bar import job_bar
from app.ui.language.widgets import widget_text
from app.ui.theme import THEME

FAVICON = Path(__file__).parent / "ui/favicon.png"


def make_page(library: Library) -> gr.Blocks:
    """Everything that is on the page, wired to the library."""
    with gr.Blocks(title="Gelato", analytics_enabled=False, fill_width=True) as page:
        client_functions(library)  # first, so that the names are theirs
        header_state = header(library)
        job_bar(library)
        tabs: dict[str, Callable[[Library], object]] = {  # in the order of the page
            widget_text("Search"): search_tab,
            widget_text("Classify"): partial(classify_tab, where=header_state, page=page),
            widget_text("Probe"): probe_tab,
            widget_text("Compare"): compare_tab,
            widget_text("Map"): map_tab,
            widget_text("Learn"): learn_tab,
            widget_text("Duplicates"): duplicates_tab,
            widget_text("Collections"): collections_tab,
            widget_text("Models"): models_tab,
        }
        with gr.Tabs(elem_id="tabs"):
            for label, layout in tabs.items():
                name = label.lower()
                with gr.Tab(label, id=name, elem_id=f"{name}-tab"):
                    heading(label)
                    layout(library)
    page.queue(max_size=64)
    return page


def heading(label: str) -> gr.HTML:
    """The heading of a tab, for readers aloud: the tab itself is what others see."""
    return gr.HTML(label, html_template="<h2 class='g-unseen'>${value}</h2>", apply_default_css=False, padding=False)


def mount_page(server: FastAPI, library: Library) -> Sized:
    """Serve the page at /, after the routes of its tabs: Gradio answers every address that is left.

    Returns the queue of its calls, whose length is how many wait.
    """
    for routes in (map_routes, learn_routes):
        server.include_router(routes(library), include_in_schema=False)
    page = make_page(library)
    gr.mount_gradio_app(
        server,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=1,
        theme=THEME,
        css=CSS,
        head=HEAD,
        favicon_path=str(FAVICON),
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        root_path=library.root_path or None,
    )
    return page._queue
