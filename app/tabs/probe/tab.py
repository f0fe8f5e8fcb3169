"""Probe: what an encoder can and cannot see, tested on one image, or on two with two captions."""

from app.state.image_probes import colour_grid, template_scores, typographic, word_order
from app.state.library import Library
from app.state.probe_request import Request, Response
from app.state.samples import samples_of
from app.tabs.probe.pairs import PairFigures, browsed_pair, own_pair
from app.ui.component import tab_component
from training.data.scenes.contrasts import PAINTS, WINOGROUND

SAMPLES = 12  # images of the collection to probe with


def probe_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script calls the handlers."""
    figures = PairFigures()
    tab_component(
        library,
        "probe",
        describe=describe_probes,
        generated=browsed_pair,
        own=own_pair,
        figures=figures.of,
        order=word_order,
        colours=colour_grid,
        typographic=typographic,
        templates=template_scores,
    )


def describe_probes(library: Library, request: Request) -> Response:
    """What there is to probe with: images of the collection, kinds of generated pairs, names of colours."""
    opened = library.collection(request.get("collection"))
    collection = opened.published()
    return {
        "collection": opened.key,
        "encoder": opened.encoder_name,
        "readsText": library.encoder_state(opened)["readsText"],
        "samples": samples_of(collection, SAMPLES),
        "kinds": list(WINOGROUND),
        "paints": list(PAINTS),
    }
