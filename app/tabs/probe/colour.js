// The colour probe: which colour the encoder gives to an object, from text alone or from an image.
import { choiceGroup } from "../../ui/elements/choices.js";
import { imageChooser } from "../../ui/samples/chooser.js";
import { node } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { textForm } from "./controls.js";

const PAINTS = { text: _("text alone"), natural: _("usual colour"), grey: _("grey"), wrong: _("wrong colour") };
const DRAWN = { natural: _("the usual colour"), grey: _("grey"), wrong: _("a wrong colour") };

// The sentence over the table.
export function colourText({ usual, paint, object }) {
  if (usual === undefined) return _("Which colour is this {object}?", { object });
  const how = paint === "text" ? _("From text alone") : _("Drawn in {colour}", { colour: DRAWN[paint] });
  return _("{how}: the usual colour gets a probability of {usual} on average", { how, usual: percent(usual) });
}

function noteText(rows, colours) {
  const sums = _("Probabilities in percent; each row adds up to 100");
  if (!rows[0].usual)
    return _(
      "{sums}. The rows show the same image with its hues rotated: an encoder that looks at the pixels changes its answer.",
      { sums },
    );
  const chance = +(100 / colours.length).toFixed(1);
  return _("{sums}, chance is {chance}. Outlined: the usual colour. Underlined: the drawn colour. Bold: the answer.", {
    sums,
    chance,
  });
}

// The classes of a cell: what is outlined, underlined and bold.
export function cellClass(colour, row, best) {
  const classes = [
    best && "g-probe-best",
    colour === row.usual && "g-probe-usual",
    colour === row.painted && "g-probe-painted",
  ];
  return classes.filter(Boolean).join(" ");
}

function tableRow(row, colours) {
  const best = row.probabilities.indexOf(Math.max(...row.probabilities));
  const image = row.image && node("img", { src: row.image, alt: "" });
  const head = node("th", { scope: "row" }, node("div", {}, image, node("span", { text: row.name })));
  const cell = (probability, i) => {
    const share = `${Math.round(100 * probability)}`;
    const settings = {
      class: cellClass(colours[i], row, i === best),
      style: { "--share": `${share}%` },
      title: `${row.name}: ${colours[i]} ${percent(probability)}`,
    };
    return node("td", settings, node("span", { text: share }));
  };
  return node("tr", {}, head, ...row.probabilities.map(cell));
}

function colourTable({ colours, swatches, rows }) {
  const heads = colours.map((name) =>
    node("th", { scope: "col" }, node("i", { style: { background: swatches[name] } }), node("span", { text: name })),
  );
  return node(
    "table",
    { class: "g-probe-colours" },
    node("thead", {}, node("tr", {}, node("td"), ...heads)),
    node("tbody", {}, ...rows.map((row) => tableRow(row, colours))),
  );
}

export const colour = {
  name: "colour",
  label: _("Colour"),
  lead: _(
    "Which colour does the encoder give to an object? From text alone it can only answer with the usual one. Shown a purple lemon it should answer purple; it answers yellow where the name of the object outweighs the pixels (“When are Lemons Purple?”, Yamada et al. 2023).",
  ),

  controls(tab) {
    const { settings } = tab;
    const choices = [...Object.entries(PAINTS), ["own", _("your own image"), { id: "probe-own-colour" }]];
    const group = choiceGroup(_("How the objects are shown"), choices, settings.paint, (paint) => tab.set({ paint }));
    const row = node("div", { class: "g-probe-row" }, group);
    if (settings.paint !== "own") return [row];
    const chooser = imageChooser(tab.facts, settings.image, _("Your image"), tab.chooserActions());
    const object = textForm(
      "probe-object",
      _("Object in the image"),
      settings.object,
      _("the object in the image: lemon"),
      (text) => tab.run({ object: text }),
    );
    return [row, chooser, object];
  },

  request(tab) {
    const { paint, object } = tab.settings;
    if (paint !== "own") return [tab.server.colours, { paint }];
    return object ? [tab.server.colours, { ...tab.imageRequest(), object }] : null;
  },

  call(tab) {
    const { paint, object } = tab.settings;
    return ["probe/colour", paint === "own" ? { ...tab.imageCall(), object } : { paint }];
  },

  draw(tab, answer) {
    return [
      node("h2", { id: "probe-colour-result", text: colourText(answer) }),
      node("div", { class: "g-probe-scroll" }, colourTable(answer)),
      node("p", { class: "g-aside", text: noteText(answer.rows, answer.colours) }),
    ];
  },
};
