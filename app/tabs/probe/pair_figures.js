// The scores of an encoder on many generated pairs of each kind, beside chance.
import { node } from "../../ui/elements/elements.js";
import { interval } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { intervalBar } from "../../ui/plots/plots.js";
import { collection, request } from "../../ui/session/session.js";
import { KINDS, SCORES } from "./kinds.js";

const NOTE = _(
  "Bars are 95 % intervals; the thin line is chance. These are generated scenes with a known ground truth, not Winoground itself, whose images may not be redistributed.",
);
const measured = new Map(); // promises of answers, by collection and encoder

function figureCell(figure, chance) {
  return node(
    "td",
    { title: _("95 % interval {interval}", { interval: interval(figure) }) },
    intervalBar(figure, chance),
    node("span", { text: `${Math.round(100 * figure.value)} %` }),
  );
}

function figureTable({ kinds, chance }) {
  const heads = Object.values(SCORES).map((text) => node("th", { scope: "col", text }));
  const row = ([kind, figures]) =>
    node(
      "tr",
      {},
      node("th", { scope: "row", text: KINDS[kind] ?? kind }),
      ...Object.keys(SCORES).map((name) => figureCell(figures[name], chance[name])),
    );
  return node(
    "table",
    { class: "g-probe-figures" },
    node("thead", {}, node("tr", {}, node("td"), ...heads)),
    node("tbody", {}, ...Object.entries(kinds).map(row)),
  );
}

async function fill(element, { server, facts }) {
  const key = `${facts.collection} ${facts.encoder}`;
  if (!measured.has(key)) measured.set(key, request(server.figures, { collection: collection() }));
  const answer = await measured.get(key);
  if (answer.error) return measured.delete(key);
  element.replaceChildren(
    node("h3", {
      text: _("{encoder} on {pairs} generated pairs of each kind", { encoder: facts.encoder, pairs: answer.pairs }),
    }),
    figureTable(answer),
    node("p", { class: "g-aside", text: NOTE }),
  );
}

// An element that fills itself once the figures have been measured.
export function pairFigures(tab) {
  const element = node("div", { id: "probe-figures" });
  fill(element, tab);
  return element;
}
