// The legend of the map's colours, and the map as a table for those who cannot see it.
import { button, node } from "../../ui/elements/elements.js";
import { count, images as imageCount } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { CLASSES, RAMP, UNKNOWN } from "./colours.js";
import { rowsWithCode } from "./geometry.js";
import { coordinate } from "./summary.js";
import { themeNow } from "./view.js";

// Classes with their sizes; images without a class are counted as others. Returns [code, name, images] of each.
export function legendEntries(classes, images) {
  const entries = classes.map(([name, size], code) => [code, name, size]);
  const others = images - classes.reduce((sum, [, size]) => sum + size, 0);
  return others > 0 ? [...entries, [UNKNOWN, _("others"), others]] : entries;
}

function classButton([code, name, size], codes, select) {
  const background = code === UNKNOWN ? "var(--g-faint)" : CLASSES[code];
  const settings = {
    type: "button",
    class: "g-map-class",
    title: _("Select these {images}", { images: imageCount(size) }),
    onclick: () => select(rowsWithCode(codes, code)),
  };
  const parts = [
    node("i", { style: { background } }),
    node("span", { text: name }),
    node("small", { text: count(size) }),
  ];
  return node("button", settings, ...parts);
}

function scaleBar({ low, high }) {
  const background = `linear-gradient(to right, ${RAMP[themeNow()].join(", ")})`;
  const parts = [node("span", { text: low }), node("i", { style: { background } }), node("span", { text: high })];
  return node("span", { class: "g-map-scale" }, ...parts);
}

// The nodes of the legend. select(rows)
export function legendOf({ facts, colouring }, select) {
  if (colouring.kind === "scale") return [scaleBar(colouring)];
  if (colouring.kind !== "classes") return [];
  return legendEntries(colouring.classes, facts.images).map((entry) => classButton(entry, colouring.codes, select));
}

function regionRow(region, codes, select) {
  const label = _("Select the {images} of {word}", {
    images: imageCount(region.images),
    word: region.word || _("this region"),
  });
  const choose = button(null, _("Select"), () => select(rowsWithCode(codes, region.code)), {
    class: "g-button g-small",
    "aria-label": label,
  });
  return node(
    "tr",
    {},
    node("th", { scope: "row", text: region.word || _("no distinctive word") }),
    node("td", { text: count(region.images) }),
    node("td", { text: coordinate(region.x) }),
    node("td", { text: coordinate(region.y) }),
    node("td", {}, choose),
  );
}

// Fills the element <details> with the regions as a table, the largest first.
export function showRegions(details, { regions, regionCodes }, select) {
  const sorted = [...regions].sort((a, b) => b.images - a.images);
  const heads = [_("Distinctive word"), _("Images"), _("Across"), _("Up"), ""].map((text) =>
    node("th", { scope: "col", text }),
  );
  details.hidden = !sorted.length;
  details.replaceChildren(
    node("summary", { text: _("The map as a table: {regions} regions", { regions: sorted.length }) }),
    node(
      "table",
      {},
      node("thead", {}, node("tr", {}, ...heads)),
      node("tbody", {}, ...sorted.map((region) => regionRow(region, regionCodes, select))),
    ),
  );
}
