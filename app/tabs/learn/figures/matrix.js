// A matrix as a table of coloured cells, with texts or images at its rows and columns.
import { node } from "../../../ui/elements/elements.js";

// How strongly a cell is coloured, in percent, between the ends of the colours.
export function cellShare(value, low, high) {
  return Math.round(4 + (68 * (Math.min(high, Math.max(low, value)) - low)) / Math.max(1e-9, high - low));
}

// A number as the cell shows it: a cosine with two decimals and a real minus sign, a probability in percent.
export function cellText(value, shown) {
  if (shown === "percent") return `${Math.round(100 * value)}`;
  return value.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
}

// The ends of the colours: those given, else those of the values.
export function endsOf({ values, low, high }) {
  const flat = values.flat().filter((value) => value !== null);
  return [low ?? Math.min(...flat), high ?? Math.max(...flat)];
}

function headOf({ text, image }, scope) {
  const shown = image ? node("img", { src: image, alt: text, title: text }) : node("span", { text, title: text });
  return node("th", { scope }, shown);
}

export function matrix(part) {
  const { title, values, rows, columns, shown, marks, extra, extraTitle } = part;
  const [low, high] = endsOf(part);
  const marked = new Set(marks.map(([row, column]) => `${row} ${column}`));
  const cell = (value, row, column) => {
    if (value === null) return node("td", { class: "g-learn-empty" });
    const named = [rows[row]?.text, columns[column]?.text].filter(Boolean).join(" × ");
    return node("td", {
      class: marked.has(`${row} ${column}`) ? "g-learn-match" : null,
      style: { "--share": `${cellShare(value, low, high)}%` },
      title: `${named}${named && ": "}${cellText(value, shown)}`,
      text: shown ? cellText(value, shown) : "",
    });
  };
  const row = (line, i) =>
    node(
      "tr",
      {},
      rows.length > 0 && headOf(rows[i], "row"),
      ...line.map((value, j) => cell(value, i, j)),
      extra.length > 0 && node("td", { class: "g-learn-extra", text: extra[i] }),
    );
  const heads = node(
    "tr",
    {},
    rows.length > 0 && node("td"),
    ...columns.map((one) => headOf(one, "col")),
    extra.length > 0 && node("th", { scope: "col" }, node("span", { text: extraTitle })),
  );
  const size = values[0].length > 16 ? "g-learn-fine" : "";
  return node(
    "div",
    {},
    node("h3", { text: title }),
    node(
      "div",
      { class: "g-learn-scroll", tabindex: "0", role: "region", "aria-label": title },
      node(
        "table",
        { class: `g-learn-matrix ${size}` },
        columns.length > 0 && node("thead", {}, heads),
        node("tbody", {}, ...values.map(row)),
      ),
    ),
  );
}
