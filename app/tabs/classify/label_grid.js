// Images of a labelling, a page at a time; those that are chosen get another class together.
import { button, node, notice } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { arrows, card } from "../../ui/grid/grid.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";
import { toast } from "../../ui/toast/toast.js";
import { openLabelledImage } from "./labelled_image.js";
import { labelSelection, relabelled } from "./relabel.js";

const noteOf = (hit) => {
  if (hit.corrected) return _("you said {corrected}", { corrected: hit.corrected });
  return hit.runnerUp ? _("then {runnerUp}", { runnerUp: hit.runnerUp }) : "";
};

class LabelGrid {
  // labelling() gives { job, classes }; corrected(news) hears what the correction of images changed.
  constructor(server, id, labelling, corrected) {
    Object.assign(this, { server, labelling, corrected });
    this.grid = arrows(node("div", { class: "g-grid", id }));
    this.more = button(null, _("Show 60 more"), () => this.fill(true), { class: "g-button g-grid-more", hidden: true });
    this.body = null; // of the request for the images that are shown
    this.hits = []; // with a place for every image of the list
    this.version = "";
    this.offset = 0;
    this.toast = toast(`${id}-toast`);
    this.selection = labelSelection(this, `${id}-chosen`);
    const dock = node("div", { class: "g-selection-dock" }, this.toast.root, this.selection.bar);
    this.nodes = [this.grid, this.more, dock];
    this.grid.addEventListener("keydown", ({ key }) => key === "Escape" && this.selection.clear());
  }

  list() {
    return { hits: this.hits, version: this.version, whole: true };
  }

  // body: which images, { job, answer, order } or { job, truth, given }.
  show(body) {
    if (JSON.stringify(body) !== JSON.stringify(this.body)) this.selection.clear();
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
    if (page.version !== this.version) this.selection.clear();
    this.version = page.version;
    if (!further) this.hits = [];
    page.hits.forEach((hit, i) => (this.hits[this.offset + i] = hit));
    this.hits.length = page.total;
    const made = page.hits.map((hit, i) => this.card(hit, this.offset + i, page.collection));
    if (further) this.grid.append(...made);
    else this.grid.replaceChildren(...made);
    this.offset += page.hits.length;
    this.more.hidden = this.offset >= page.total;
    this.selection.mark();
  }

  card(hit, at, collection) {
    const made = card(hit, collection, {
      share: hit.probability,
      score: percent(hit.probability),
      note: noteOf(hit),
      onpick: () => openLabelledImage(hit, collection, this.server, this.labelling(), this.corrected),
      tools: [this.selection.tick(hit, at)],
    });
    made.dataset.index = at;
    return made;
  }

  // what: { answer } or { name } for the chosen images, or { undo }.
  async relabel(what) {
    const amount = this.selection.size();
    const chosen = what.undo ? {} : { of: this.body, chosen: this.selection.request() };
    this.grid.setAttribute("aria-busy", "true");
    const news = await request(this.server.correct, { job: this.labelling().job, ...chosen, ...what });
    this.grid.removeAttribute("aria-busy");
    if (news.error) {
      this.selection.message.textContent = news.error;
      return;
    }
    this.selection.clear();
    const undo = button(null, _("Undo"), () => this.relabel({ undo: true }));
    this.toast.show(...(what.undo ? [_("The last change is taken back.")] : [relabelled(amount, what), undo]));
    this.corrected(news);
  }
}

export const labelGrid = (...settings) => new LabelGrid(...settings);
