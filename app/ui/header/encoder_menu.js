// The encoder pill: a menu of the encoders that are here, the recommended one, and the way to all of them.
import { button, icon, node } from "../elements/elements.js";
import { fileSize } from "../format/format.js";
import { _ } from "../language/language.js";
import { goTo } from "../navigation/navigation.js";
import { request } from "../session/session.js";

// What the menu says of a model.
export const choiceText = ({ name, state, bytes, recommended }) => {
  if (state === "serving") return _("{name}, in use", { name });
  if (state === "ready") return _("Switch to {name}", { name });
  if (state === "here") return _("Embed with {name}", { name });
  return _("Get {name}{bytes}{recommended}", {
    name,
    bytes: bytes ? `, ${fileSize(bytes)}` : "",
    recommended: recommended ? _(", recommended") : "",
  });
};

export class EncoderMenu {
  constructor(server, collection, changed) {
    this.server = server;
    this.collection = collection; // its key, when the menu is opened
    this.changed = changed; // is called after a switch
    this.name = node("span");
    this.summary = node("summary", { class: "g-header-pill", id: "encoder-pill", title: "" }, this.name, icon("down"));
    this.choices = node("div", { class: "g-menu-choices g-header-choices" });
    const ontoggle = () => this.element.open && this.fill();
    const settings = { class: "g-menu", id: "encoder-menu", hidden: true, ontoggle };
    this.element = node("details", settings, this.summary, this.choices);
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.element.contains(relatedTarget)) this.element.open = false;
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (!this.element.contains(target)) this.element.open = false;
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.element.open) return;
      event.stopPropagation();
      this.element.open = false;
      this.summary.focus();
    });
  }

  show({ name, dim, runtime, precision, state }) {
    this.element.hidden = false;
    this.name.textContent = name;
    const how = _("{dim}-dimensional embeddings, computed by {runtime} in {precision}", { dim, runtime, precision });
    this.summary.title = state === "ready" ? how : "";
  }

  async fill() {
    const all = button(null, _("All models…"), () => this.leave());
    this.choices.replaceChildren(node("p", { class: "g-aside", text: _("Looking") }), all);
    const answer = await request(this.server.encoders, { collection: this.collection() });
    const models = answer.models || [];
    this.choices.replaceChildren(...models.map((model) => this.choice(model)), all);
    if (answer.error) this.choices.prepend(node("p", { class: "g-aside", text: answer.error }));
  }

  choice(model) {
    const { state, fingerprint } = model;
    const act = () => (state === "ready" ? this.switchTo(fingerprint) : this.leave());
    const disabled = state === "serving";
    return button(disabled ? "check" : null, choiceText(model), act, { disabled, "data-state": state });
  }

  leave() {
    this.element.open = false;
    goTo("models");
  }

  async switchTo(name) {
    const answer = await request(this.server.switchEncoder, { collection: this.collection(), name });
    if (answer.error) return this.choices.prepend(node("p", { class: "g-aside", text: answer.error }));
    this.element.open = false;
    this.changed();
  }
}
