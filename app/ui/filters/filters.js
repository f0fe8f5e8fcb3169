// The panel of filters: what each column holds, with counts, and which of it is chosen.
import { node, notice } from "../elements/elements.js";
import { count } from "../format/format.js";
import { _ } from "../language/language.js";
import { replaced, title, withEnd } from "./filter_text.js";

const FEW = 8; // values or years of a column that are shown at first

const chip = (text, amount, pressed, onclick) =>
  node(
    "button",
    { type: "button", class: "g-chip", "aria-pressed": pressed, onclick },
    node("span", { text }),
    node("small", { text: count(amount) }),
  );

class Filters {
  // load(filters) gives what can be filtered by; changed(filters) hears of every change.
  constructor(load, changed) {
    this.load = load;
    this.changed = changed;
    this.filters = [];
    this.expanded = new Set(); // columns whose every value is shown
    this.panel = node("div", {
      class: "g-filters",
      id: "filters",
      role: "group",
      "aria-label": _("Filters"),
      hidden: true,
    });
  }

  of(column) {
    return this.filters.find((one) => one.column === column) || {};
  }

  set(column, filter) {
    this.filters = replaced(this.filters, column, filter);
    this.changed(this.filters);
    this.refresh();
  }

  open(on) {
    this.panel.hidden = !on;
    this.refresh();
  }

  // Takes over filters that were changed elsewhere.
  read(filters) {
    this.filters = filters;
    this.refresh();
  }

  async refresh() {
    if (this.panel.hidden) return;
    const focused = document.activeElement?.getAttribute("aria-label");
    const answer = await this.load(this.filters);
    if (answer.error) {
      this.panel.replaceChildren(notice(answer.error));
      return;
    }
    const fieldset = (facet) =>
      node(
        "fieldset",
        { "data-column": facet.column },
        node("legend", { text: title(facet.column) }),
        ...this.body(facet),
      );
    const nothing = node("p", { class: "g-aside", text: _("These images have no columns to filter by.") });
    this.panel.replaceChildren(...(answer.facets.length ? answer.facets.map(fieldset) : [nothing]));
    if (focused) this.panel.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  }

  body(facet) {
    if (facet.kind === "values") return this.values(facet);
    if (facet.kind === "dates") return this.dates(facet);
    if (facet.kind === "range") return this.limits(facet, "number", count(facet.low), count(facet.high));
    return [this.contains(facet)];
  }

  values(facet) {
    const chosen = new Set(this.of(facet.column).values || []);
    const all = this.expanded.has(facet.column);
    const shown = facet.values.filter(([value], i) => all || i < FEW || chosen.has(value));
    const toggle = (value) => {
      if (!chosen.delete(value)) chosen.add(value);
      this.set(facet.column, chosen.size ? { values: [...chosen] } : null);
    };
    const chips = shown.map(([value, amount]) => chip(value, amount, chosen.has(value), () => toggle(value)));
    const hidden = facet.values.length - shown.length;
    return hidden ? [...chips, this.moreButton(facet.column, hidden)] : chips;
  }

  moreButton(column, hidden) {
    const onclick = () => {
      this.expanded.add(column);
      this.refresh();
    };
    return node("button", { type: "button", class: "g-clear", text: _("{hidden} more", { hidden }), onclick });
  }

  limits(facet, type, low, high) {
    const range = this.of(facet.column);
    const field = (end, name, placeholder) =>
      node("input", {
        type,
        class: "g-input",
        value: range[end] ?? null,
        placeholder,
        "aria-label": `${title(facet.column)} ${name}`,
        onchange: ({ target }) => this.set(facet.column, withEnd(range, end, target.value)),
      });
    return [field("low", _("from"), low), node("span", { text: _("to") }), field("high", _("to"), high)];
  }

  // A button a year that has images, the latest first, and two fields for other days.
  dates(facet) {
    const range = this.of(facet.column);
    const all = this.expanded.has(facet.column);
    const years = facet.counts.filter(([, amount]) => amount).toReversed();
    const shown = years.filter((_year, i) => all || i < FEW);
    const chips = shown.map(([year, amount]) => {
      const [low, high] = [`${year}-01-01`, `${year}-12-31`];
      const pressed = range.low === low && range.high === high;
      return chip(String(year), amount, pressed, () => this.set(facet.column, pressed ? null : { low, high }));
    });
    const hidden = years.length - shown.length;
    if (hidden) chips.push(this.moreButton(facet.column, hidden));
    const limits = node("span", { class: "g-filters-limits" }, ...this.limits(facet, "date"));
    return years.length > 1 ? [...chips, limits] : [limits];
  }

  contains(facet) {
    return node("input", {
      type: "text",
      class: "g-input g-wide",
      value: this.of(facet.column).contains ?? null,
      placeholder: _("contains the text"),
      "aria-label": _("{title} contains the text", { title: title(facet.column) }),
      onchange: ({ target }) => {
        const text = target.value.trim();
        this.set(facet.column, text ? { contains: text } : null);
      },
    });
  }
}

export const filters = (load, changed) => new Filters(load, changed);
