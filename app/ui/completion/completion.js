// The list below a field that goes on with what is typed: a combobox, driven by arrows, Enter and Escape.
import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";

const PAUSE = 120; // milliseconds without a key before the server is asked

class Completion {
  // load(text) gives [{ kind, icon, text, note, pick }], pick() is called for the one that is chosen. first: the option
  // that Enter picks before an arrow is pressed; -1 for none.
  constructor(field, load, first) {
    Object.assign(this, { field, load, first });
    this.options = [];
    this.active = -1;
    this.turn = 0; // answers that were overtaken are dropped
    this.list = node("ul", { class: "g-completion", id: `${field.id}-list`, role: "listbox", hidden: true });
    this.list.setAttribute("aria-label", _("Suggestions"));
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false" };
    Object.entries(attributes).forEach(([name, value]) => field.setAttribute(name, value));
    field.setAttribute("aria-controls", this.list.id);
    field.addEventListener("input", () => this.soon());
    field.addEventListener("click", () => this.soon());
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE);
  }

  async look() {
    const turn = ++this.turn;
    const options = await this.load(this.field.value);
    if (turn !== this.turn || document.activeElement !== this.field) return;
    this.show(options);
  }

  show(options) {
    this.options = options;
    this.active = Math.min(this.first, options.length - 1);
    this.list.replaceChildren(...options.map((option, at) => this.option(option, at)));
    this.list.hidden = !options.length;
    this.field.setAttribute("aria-expanded", String(options.length > 0));
    this.mark();
  }

  option({ icon: name, text, note }, at) {
    return node(
      "li",
      { role: "option", id: `${this.list.id}-${at}`, class: "g-completion-option", onclick: () => this.pick(at) },
      icon(name),
      node("span", { class: "g-completion-text", text }),
      note && node("small", { text: note }),
    );
  }

  // Nothing is listed any more, nor what is still on its way.
  close() {
    clearTimeout(this.timer);
    this.turn++;
    if (!this.list.hidden) this.show([]);
  }

  pick(at) {
    const { pick } = this.options[at];
    this.close();
    pick();
  }

  mark() {
    [...this.list.children].forEach((one, at) => one.setAttribute("aria-selected", String(at === this.active)));
    const active = this.list.children[this.active];
    active?.scrollIntoView({ block: "nearest" });
    if (active) this.field.setAttribute("aria-activedescendant", active.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (event.isComposing) return;
    const { length } = this.options;
    if (event.key === "ArrowDown" && this.list.hidden) this.look();
    else if (!length) {
      if (event.key === "Enter") this.close();
      return;
    } else if (event.key === "ArrowDown") this.active = this.active + 1 < length ? this.active + 1 : -1;
    else if (event.key === "ArrowUp") this.active = this.active < 0 ? length - 1 : this.active - 1;
    else if (event.key === "Enter" && this.active >= 0) this.pick(this.active);
    else if (event.key === "Escape") this.close();
    else {
      if (event.key === "Enter") this.close(); // the form is sent as it is
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.mark();
  }
}

export const completion = (field, load, first = -1) => new Completion(field, load, first);
