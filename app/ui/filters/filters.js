// Filters: what each column holds, with counts, and what of it is asked for.
import * as g from "../ui.js";

const FEW = 8; // values of a column before the rest is asked for
const NAMES = { modified: "changed", bytes: "size in bytes", width: "width", height: "height", path: "file" };
const title = (column) => {
  const name = NAMES[column] || column.replaceAll("_", " ");
  return name[0].toUpperCase() + name.slice(1);
};

// What a filter asks for, in words.
export const filterText = (one) => {
  if (one.values) return `${title(one.column)}: ${one.values.join(", ")}`;
  if (one.contains !== undefined) return `${title(one.column)} has “${one.contains}”`;
  if (one.low && one.high) return `${title(one.column)}: ${one.low} to ${one.high}`;
  return one.low ? `${title(one.column)}: from ${one.low}` : `${title(one.column)}: up to ${one.high}`;
};

// load(filters) gives what can be filtered by; changed(filters) is told what is asked for.
export const filters = (load, changed) => {
  const panel = g.node("div", { class: "g-filters", id: "filters", role: "group", "aria-label": "Filters", hidden: true });
  const opened = new Set(); // columns whose every value is shown
  let asked = [];

  const of = (column) => asked.find((one) => one.column === column) || {};
  const set = (column, one) => {
    asked = asked.filter((other) => other.column !== column);
    if (one) asked.push({ column, ...one });
    changed(asked);
    refresh();
  };
  const values = (facet) => {
    const chosen = new Set(of(facet.column).values || []);
    const all = opened.has(facet.column);
    const shown = facet.values.filter(([value], i) => all || i < FEW || chosen.has(value));
    const chips = shown.map(([value, count]) => g.node("button", {
      type: "button",
      class: "g-chip",
      "aria-pressed": chosen.has(value),
      onclick: () => {
        chosen.has(value) ? chosen.delete(value) : chosen.add(value);
        set(facet.column, chosen.size ? { values: [...chosen] } : null);
      },
    }, g.node("span", { text: value }), g.node("small", { text: g.count(count) })));
    if (shown.length < facet.values.length) {
      chips.push(g.node("button", {
        type: "button", class: "g-clear", text: `${facet.values.length - shown.length} more`,
        onclick: () => {
          opened.add(facet.column);
          refresh();
        },
      }));
    }
    return chips;
  };
  const limits = (facet, type, low, high) => {
    const now = of(facet.column);
    const field = (end, hint) => g.node("input", {
      type, class: "g-input", value: now[end] ?? null, placeholder: hint, "aria-label": `${title(facet.column)} ${end === "low" ? "from" : "to"}`,
      onchange: ({ target }) => {
        const next = { ...(now.low && { low: now.low }), ...(now.high && { high: now.high }), [end]: target.value };
        if (!target.value) delete next[end];
        set(facet.column, next.low || next.high ? next : null);
      },
    });
    return [field("low", low), g.node("span", { text: "to" }), field("high", high)];
  };
  const dates = (facet) => {
    const most = Math.max(1, ...facet.counts.map(([, count]) => count));
    const bars = facet.counts.map(([year, count]) => {
      const pressed = of(facet.column).low === `${year}-01-01` && of(facet.column).high === `${year}-12-31`;
      return g.node("button", {
        type: "button", class: "g-year", title: `${year}: ${g.images(count)}`, "aria-label": `${year}, ${g.images(count)}`,
        "aria-pressed": pressed, disabled: !count,
        onclick: () => set(facet.column, pressed ? null : { low: `${year}-01-01`, high: `${year}-12-31` }),
      }, g.node("i", { style: { height: `${count ? Math.max(6, (100 * count) / most) : 0}%` } }));
    });
    return [...(bars.length > 1 ? [g.node("span", { class: "g-years" }, ...bars)] : []), ...limits(facet, "date")];
  };
  const part = (facet) => [g.node("input", {
    type: "text", class: "g-input g-wide", value: of(facet.column).contains ?? null, placeholder: "has the words",
    "aria-label": `${title(facet.column)} has the words`,
    onchange: ({ target }) => set(facet.column, target.value.trim() ? { contains: target.value.trim() } : null),
  })];
  const body = (facet) => {
    if (facet.kind === "values") return values(facet);
    if (facet.kind === "dates") return dates(facet);
    if (facet.kind === "range") return limits(facet, "number", g.count(facet.low), g.count(facet.high));
    return part(facet);
  };
  const refresh = async () => {
    if (panel.hidden) return;
    const focused = document.activeElement?.getAttribute("aria-label");
    const answer = await load(asked);
    if (answer.error) return panel.replaceChildren(g.notice(answer.error));
    panel.replaceChildren(...answer.filters.map((facet) => g.node("fieldset", { "data-column": facet.column },
      g.node("legend", { text: title(facet.column) }), ...body(facet))));
    if (!answer.filters.length) panel.replaceChildren(g.node("p", { class: "g-aside", text: "Nothing to choose between here." }));
    if (focused) panel.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  return {
    panel,
    refresh,
    open: (on) => {
      panel.hidden = !on;
      refresh();
    },
    read: (filters) => {
      asked = filters;
      refresh();
    },
  };
};
