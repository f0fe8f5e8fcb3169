"""The page, in the order you see it."""

import gradio as gr

from app.server.api.routes import client_functions
from app.state.library import Library
from app.tabs.classify.tab import classify_tab
from app.tabs.collections.tab import collections_tab
from app.tabs.compare.tab import compare_tab
from app.tabs.lecture.tab import lecture_strip
from app.tabs.map.tab import map_tab
from app.tabs.probe.tab import probe_tab
from app.tabs.search.tab import search_tab
from app.ui.header.header import header


def make_page(library: Library) -> gr.Blocks:
    """Everything that is on the page, wired to the library."""
    with gr.Blocks(title="Gelato", analytics_enabled=False, fill_width=True) as page:
        client_functions(library)  # first, so that the names are theirs
        where = header(library)
        lecture_strip(library)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Search", id="search", elem_id="search-tab"):
                search_tab(library)
            with gr.Tab("Classify", id="classify", elem_id="classify-tab"):
                classify_tab(library, where, page)
            with gr.Tab("Probe", id="probe", elem_id="probe-tab"):
                probe_tab(library)
            with gr.Tab("Compare", id="compare", elem_id="compare-tab"):
                compare_tab(library)
            with gr.Tab("Map", id="map", elem_id="map-tab"):
                map_tab(library)
            with gr.Tab("Collections", id="collections", elem_id="collections-tab"):
                collections_tab(library)
    page.queue(max_size=64)
    return page
