// Images of a labelling, a page at a time.
import { button, node, notice } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { arrows, card } from "../../ui/grid/grid.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";
import { openLabelledImage } from "./labelled_image.js";

const noteOf = (hit) => {
  if (hit.corrected) return _("you said {corrected}", { corrected: hit.corrected });
  return hit.runnerUp ? _("then {runnerUp}", { runnerUp: hit.runnerUp }) : "";
};

class LabelGrid {
  // labelling() gives { job, classes }; corrected(news) hears what the correction of an image changed.
  constructor(server, id, labelling, corrected) {
    Object.assign(this, { server, labelling, corrected });
    this.grid = arrows(node("div", { class: "g-grid", id }));
    this.more = button(null, _("Show 60 more"), () => this.fill(true), { class: "g-button g-grid-more", hidden: true });
    this.body = null; // of the request for the images that are shown
    this.offset = 0;
  }

  // body: which images, { job, answer, order } or { job, truth, given }.
  show(body) {
    this.body = body;
    return this.fill(false);
  }

  async fill(further) {
    if (!further) this.offset = 0;
    const { body } = this;
    this.grid.setAttribute("aria-busy", "true");
    const page = await request(this.server.images, { ...body, offset: this.offset });
    if (body !== this.body) return;
    this.grid.removeAttribute("aria-busy");
    if (page.error) {
      this.grid.replaceChildren(notice(page.error));
      return;
    }
    const made = page.hits.map((hit) => this.card(hit, page.collection));
    if (further) this.grid.append(...made);
    else this.grid.replaceChildren(...made);
    this.offset += page.hits.length;
    this.more.hidden = this.offset >= page.total;
  }

  card(hit, collection) {
    return card(hit, collection, {
      share: hit.probability,
      score: percent(hit.probability),
      note: noteOf(hit),
      onpick: () => openLabelledImage(hit, collection, this.server, this.labelling(), this.corrected),
    });
  }
}

export const labelGrid = (...settings) => new LabelGrid(...settings);
