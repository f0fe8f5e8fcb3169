// The images selected on the map: cards, and what can be done with all of them.
import { button, icon, node } from "../../ui/elements/elements.js";
import { count, images as imageCount } from "../../ui/format/format.js";
import { arrows, card } from "../../ui/grid/grid.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";

const PAGE = 60; // cards at a time
const LIKE = 12; // images that "More like these" searches with

export class Panel {
  element = node("section", {
    class: "g-map-panel",
    id: "map-selected",
    "aria-label": _("Selected images"),
    hidden: true,
  });
  #rows = []; // selected rows, in the order in which they are shown
  #shown = 0; // how many of them have a card

  // act: { snapshot() -> { collection, revision } of the rows, clear(), fail(sentence), search(ids), classify(hit) }
  constructor(server, act) {
    this.server = server;
    this.act = act;
  }

  show(rows) {
    this.#rows = rows;
    this.#shown = 0;
    this.element.hidden = !rows.length;
    if (!rows.length) return this.element.replaceChildren();
    const message = node("p", { class: "g-aside", id: "map-message", role: "status" });
    const grid = arrows(node("div", { class: "g-grid g-map-grid", id: "map-grid" }));
    const more = button(null, _("Show 60 more"), () => this.#addCards(grid, more), {
      class: "g-button g-grid-more g-map-more",
      id: "map-more",
      hidden: true,
    });
    this.element.replaceChildren(this.#head(), this.#actions(message), this.#tagForm(message), message, grid, more);
    this.#addCards(grid, more);
  }

  #head() {
    const clear = node(
      "button",
      {
        type: "button",
        class: "g-icon-button",
        "aria-label": _("Clear the selection"),
        title: _("Clear the selection"),
        id: "map-clear",
        onclick: () => this.act.clear(),
      },
      icon("close"),
    );
    return node("div", { class: "g-map-head" }, node("h2", { text: imageCount(this.#rows.length) }), clear);
  }

  #actions(message) {
    return node(
      "div",
      { class: "g-map-actions" },
      button("like", _("More like these"), () => this.#searchLikeThese(), {
        id: "map-like",
        class: "g-button g-map-action",
      }),
      button("download", _("CSV"), () => this.#download(message), { id: "map-csv", class: "g-button g-map-action" }),
    );
  }

  #tagForm(message) {
    const name = node("input", {
      type: "text",
      class: "g-map-tag-field",
      id: "map-tag",
      "aria-label": _("Tag for the selected images"),
      placeholder: _("tag"),
      maxlength: "64",
      autocomplete: "off",
    });
    const submit = async (event) => {
      event.preventDefault();
      const answer = await this.#request(this.server.tag, { rows: this.#rows, tag: name.value });
      message.textContent =
        answer.error ||
        _("{tagged} tagged “{value}”.", { tagged: imageCount(answer.tagged), value: name.value.trim() });
    };
    const tag = node("button", { type: "submit", class: "g-button g-small", text: _("Tag") });
    return node("form", { class: "g-map-tagging", onsubmit: submit }, icon("tag"), name, tag);
  }

  #request(serverFunction, body) {
    return request(serverFunction, { ...this.act.snapshot(), ...body });
  }

  async #addCards(grid, more) {
    const selection = this.#rows;
    const rows = selection.slice(this.#shown, this.#shown + PAGE);
    more.disabled = true;
    const answer = await this.#request(this.server.images, { rows });
    if (selection !== this.#rows) return;
    if (answer.error) return this.act.fail(answer.error);
    this.#shown += rows.length;
    const events = { onpick: (hit) => this.act.classify(hit), onlike: (hit) => this.act.search([hit.id]) };
    grid.append(...answer.hits.map((hit) => card(hit, answer.collection, events)));
    const left = selection.length - this.#shown;
    more.hidden = left <= 0;
    more.disabled = false;
    more.querySelector("span").textContent = _("Show {more} more of {left}", {
      more: Math.min(PAGE, left),
      left: count(left),
    });
  }

  async #searchLikeThese() {
    const answer = await this.#request(this.server.images, { rows: this.#rows.slice(0, LIKE) });
    if (answer.error) this.act.fail(answer.error);
    else this.act.search(answer.hits.map((hit) => hit.id));
  }

  async #download(message) {
    const answer = await this.#request(this.server.table, { rows: this.#rows });
    if (answer.error) return (message.textContent = answer.error);
    const address = URL.createObjectURL(new Blob([answer.csv], { type: "text/csv" }));
    node("a", { href: address, download: `gelato-${this.act.snapshot().collection}-map.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}
