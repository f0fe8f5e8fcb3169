// Several images chosen together, by mouse or keys, and the bar of what can be done with them.
import { button, icon, node } from "../elements/elements.js";
import { count, images } from "../format/format.js";
import { _ } from "../language/language.js";
import { menu } from "../menu/menu.js";
import { Chosen } from "./chosen.js";
import { download, exportKinds } from "./download.js";
import { chooseByTouch } from "./touch.js";

class Selection {
  // collection() and hits() tell what is on the page; actions: { like(ids, sign), tag(ids, name, on), tags() }.
  constructor(grid, collection, hits, actions) {
    Object.assign(this, { grid, collection, hits, actions });
    this.chosen = new Chosen();
    this.message = node("span", { class: "g-selection-said", role: "status" });
    this.bar = node("div", {
      class: "g-selection-bar",
      id: "selected",
      role: "region",
      "aria-label": _("Chosen images"),
      hidden: true,
    });
    grid.addEventListener("keydown", (event) => this.key(event));
    chooseByTouch(
      grid,
      (id) => this.toggle(id, false),
      () => this.size() > 0,
    );
    // The space that chose an image on the way down must not press its button on the way up.
    grid.addEventListener("keyup", (event) => event.key === " " && isFrame(event.target) && event.preventDefault());
  }

  get ids() {
    return [...this.chosen.ids];
  }

  size() {
    return this.chosen.ids.size;
  }

  has(id) {
    return this.chosen.ids.has(id);
  }

  clear() {
    this.chosen.clear();
    this.mark();
  }

  toggle(id, range) {
    this.chosen.toggle(
      id,
      this.hits().map((hit) => hit.id),
      range,
    );
    this.mark();
  }

  // Shows on the cards and in the bar which images are chosen.
  mark() {
    this.grid.querySelectorAll(".g-grid-card").forEach((card) => {
      const on = this.chosen.ids.has(card.dataset.id);
      card.classList.toggle("g-selection-chosen", on);
      card.querySelector(".g-selection-tick")?.setAttribute("aria-pressed", on);
    });
    this.grid.classList.toggle("g-selection-choosing", this.size() > 0);
    this.bar.hidden = !this.size();
    if (this.size()) this.drawBar();
  }

  // The button of a card that chooses it.
  tick(hit) {
    return node(
      "button",
      {
        type: "button",
        class: "g-selection-tick",
        title: _("Choose (space); shift for a range"),
        "aria-label": _("Choose {name}", { name: hit.name }),
        "aria-pressed": this.chosen.ids.has(hit.id),
        onclick: (event) => this.toggle(hit.id, event.shiftKey),
      },
      icon("check"),
    );
  }

  key(event) {
    const card = event.target.closest(".g-grid-card");
    if (!card || !isFrame(event.target)) return;
    if (event.key === " ") {
      event.preventDefault();
      this.toggle(card.dataset.id, event.shiftKey);
    } else if (event.key === "t" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!this.size()) this.toggle(card.dataset.id);
      this.bar.querySelector("#tag-name").focus();
    }
  }

  drawBar() {
    const amount = node("b", { id: "selected-count", text: _("{amount} chosen", { amount: count(this.size()) }) });
    if (this.bar.childElementCount) {
      this.bar.querySelector("#selected-count").replaceWith(amount);
      return;
    }
    const all = () => {
      this.hits().forEach((hit) => this.chosen.ids.add(hit.id));
      this.mark();
    };
    this.bar.replaceChildren(
      amount,
      this.tagForm(),
      this.exportMenu(),
      button("like", _("More like these"), () => this.actions.like(this.ids, 1), { id: "more-like-these" }),
      button("unlike", _("Less like these"), () => this.actions.like(this.ids, -1), { id: "less-like-these" }),
      button(null, _("All shown"), all, { id: "choose-all" }),
      this.message,
      node(
        "button",
        {
          type: "button",
          class: "g-icon-button",
          title: _("Choose none (Esc)"),
          "aria-label": _("Choose none"),
          onclick: () => this.clear(),
        },
        icon("close"),
      ),
    );
  }

  exportMenu() {
    const to = async (kind) => (this.message.textContent = await download(this.collection(), this.ids, kind));
    const choices = exportKinds().map(([text, kind]) => [text, () => to(kind)]);
    return menu("download", _("Export"), choices, { id: "export-chosen" });
  }

  tagForm() {
    const field = node("input", {
      type: "text",
      class: "g-input",
      id: "tag-name",
      maxlength: "64",
      placeholder: _("tag"),
      list: "tag-names",
      "aria-label": _("Tag"),
      autocomplete: "off",
    });
    const send = async (on) => {
      const amount = this.size();
      const answer = await this.actions.tag(this.ids, field.value, on);
      this.message.textContent = answer.error || `${on ? _("Tagged") : _("Untagged")} ${images(amount)}`;
      if (!answer.error) field.value = "";
    };
    const onsubmit = (event) => {
      event.preventDefault();
      send(true);
    };
    return node(
      "form",
      { class: "g-selection-tagging", onsubmit },
      field,
      node("datalist", { id: "tag-names" }, ...this.actions.tags().map((name) => node("option", { value: name }))),
      node("button", { type: "submit", class: "g-button" }, icon("tag"), node("span", { text: _("Tag") })),
      button(null, _("Untag"), () => send(false), { id: "untag" }),
    );
  }
}

const isFrame = (element) => element.classList.contains("g-grid-frame");

export const selection = (grid, collection, hits, actions) => new Selection(grid, collection, hits, actions);
