// Several images chosen together, by mouse or keys, and the bar of what can be done with them.
import { icon, node } from "../elements/elements.js";
import { count } from "../format/format.js";
import { _ } from "../language/language.js";
import { Chosen } from "./chosen.js";
import { chooseByTouch } from "./touch.js";

class Selection {
  // actions: { list(), controls(selection), redraw(selection) }. list() tells what is on the page: { hits, version, whole,
  // collections }, of which `whole` says that hits has a place for every image of the list. Of several collections
  // nothing can be chosen, since an id is of one. controls() gives the nodes of the bar, and
  // redraw() brings them up to date. name: the id of the bar.
  constructor(grid, name, actions) {
    Object.assign(this, { grid, actions });
    this.chosen = new Chosen();
    this.version = ""; // of the list that spans are places of
    this.message = node("span", { class: "g-selection-said", role: "status" });
    this.bar = node("div", {
      class: "g-selection-bar",
      id: name,
      role: "region",
      "aria-label": _("Chosen images"),
      hidden: true,
    });
    grid.addEventListener("keydown", (event) => this.key(event));
    chooseByTouch(
      grid,
      (id, at) => this.toggle(id, at, false),
      () => this.size() > 0,
    );
    // The space that chose an image on the way down must not press its button on the way up.
    grid.addEventListener("keyup", (event) => event.key === " " && isFrame(event.target) && event.preventDefault());
  }

  get ids() {
    return [...this.chosen.ids.keys()];
  }

  size() {
    return this.chosen.size();
  }

  has(id, at) {
    return this.chosen.has(id, at);
  }

  // What a request says of the choice, without the fields of the list.
  request() {
    return { ...this.chosen.request(), version: this.version };
  }

  clear() {
    this.chosen.clear();
    this.mark();
  }

  toggle(id, at, range) {
    if (this.actions.list().collections) return;
    const from = this.chosen.last;
    if (range && from !== null) this.addRange(Math.min(from, at), Math.max(from, at) + 1);
    else this.chosen.toggle(id, at);
    this.chosen.last = at;
    this.mark();
  }

  // Of a search, whose results are all in memory, a range is so many images; of a timeline it is one span.
  addRange(from, to) {
    const { hits, whole } = this.actions.list();
    if (whole) this.addSpan(from, to);
    else hits.slice(from, to).forEach((hit, i) => this.chosen.ids.set(hit.id, from + i));
  }

  addSpan(from, to) {
    this.version = this.actions.list().version;
    this.chosen.addSpan(from, to);
  }

  chooseAll() {
    if (this.actions.list().collections) return;
    this.message.textContent = "";
    this.addRange(0, this.actions.list().hits.length);
    this.mark();
  }

  // Chooses all images from one place up to another, or none of them if all are chosen.
  toggleSpan(from, to) {
    if (this.chosen.hasAll(from, to)) this.chosen.removeSpan(from, to);
    else this.addSpan(from, to);
    this.mark();
  }

  // Other images are on the page. before: the list that was.
  relist(before) {
    const { version, whole } = this.actions.list();
    if (before && (before.version !== version || Boolean(before.timeline) !== whole)) {
      const lost = this.chosen.relist(before.hits);
      const said = _("{amount} are not chosen any more: the list has changed", { amount: count(lost) });
      this.message.textContent = lost ? said : "";
    }
    this.mark();
  }

  // Shows on the cards, the headings and in the bar which images are chosen.
  mark() {
    this.grid.querySelectorAll(".g-grid-card[data-id]").forEach((card) => {
      const on = this.has(card.dataset.id, Number(card.dataset.index));
      card.classList.toggle("g-selection-chosen", on);
      card.querySelector(".g-selection-tick")?.setAttribute("aria-pressed", on);
    });
    this.grid.querySelectorAll(".g-selection-group").forEach((tick) => this.markGroup(tick));
    this.grid.classList.toggle("g-selection-choosing", this.size() > 0);
    this.bar.hidden = !this.size();
    if (this.size()) this.drawBar();
  }

  markGroup(tick) {
    tick.setAttribute("aria-pressed", this.chosen.hasAll(Number(tick.dataset.from), Number(tick.dataset.to)));
  }

  // The button of a card that chooses it.
  tick(hit, at) {
    return node(
      "button",
      {
        type: "button",
        class: "g-selection-tick",
        title: _("Choose (space); shift for a range"),
        "aria-label": _("Choose {name}", { name: hit.name }),
        "aria-pressed": this.has(hit.id, at),
        onclick: (event) => this.toggle(hit.id, at, event.shiftKey),
      },
      icon("check"),
    );
  }

  // The button of a heading that chooses all images below it.
  groupTick(from, to, name) {
    const tick = node(
      "button",
      {
        type: "button",
        class: "g-selection-tick g-selection-group",
        title: _("Choose all of these"),
        "aria-label": _("Choose {name}", { name }),
        "data-from": from,
        "data-to": to,
        onclick: () => this.toggleSpan(from, to),
      },
      icon("check"),
    );
    this.markGroup(tick);
    return tick;
  }

  key(event) {
    const card = event.target.closest(".g-grid-card");
    if (!card || !isFrame(event.target)) return;
    const at = Number(card.dataset.index);
    if (event.key === " ") {
      event.preventDefault();
      this.toggle(card.dataset.id, at, event.shiftKey);
    } else if (event.key === "t" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!this.size()) this.toggle(card.dataset.id, at);
      this.bar.querySelector("input")?.focus();
    }
  }

  drawBar() {
    const amount = node("b", {
      id: `${this.bar.id}-count`,
      text: _("{amount} chosen", { amount: count(this.size()) }),
    });
    if (this.bar.childElementCount) this.bar.firstElementChild.replaceWith(amount);
    else this.bar.replaceChildren(amount, ...this.actions.controls(this), this.message, this.closeButton());
    this.actions.redraw?.(this);
  }

  closeButton() {
    return node(
      "button",
      {
        type: "button",
        class: "g-icon-button",
        title: _("Choose none (Esc)"),
        "aria-label": _("Choose none"),
        onclick: () => this.clear(),
      },
      icon("close"),
    );
  }
}

const isFrame = (element) => element.classList.contains("g-grid-frame");

export const selection = (...settings) => new Selection(...settings);
