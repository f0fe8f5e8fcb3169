// The typographic attack: an image is classified before and after a word is written on it.
import { imageChooser, sourceOf } from "../../ui/samples/chooser.js";
import { node } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { labelList, textForm } from "./controls.js";

const WORD = "iPod";
const TIMES = { before: _("before"), after: _("after") };

const answerOf = (rows, key) => rows.reduce((best, row) => (row[key] > best[key] ? row : best)).label;

// The sentence over the figure. rows: { label, before, after } of each label.
export function attackText(rows, word) {
  const [before, after] = [answerOf(rows, "before"), answerOf(rows, "after")];
  if (before === after) return _("“{before}” before and after: the attack has no effect", { before });
  return after === word
    ? _("“{before}” becomes “{after}”: the attack succeeds", { before, after })
    : _("“{before}” becomes “{after}”", { before, after });
}

const figure = (source, alt, caption) =>
  node("figure", {}, node("img", { src: source, alt }), node("figcaption", { text: caption }));

function labelBars(row) {
  const bar = (key) =>
    node(
      "span",
      { class: `g-probe-bar g-probe-${key}`, title: `${TIMES[key]}: ${percent(row[key])}` },
      node("i", { style: { width: `${100 * row[key]}%` } }),
    );
  const change = `${Math.round(100 * row.before)} → ${Math.round(100 * row.after)} %`;
  return node(
    "div",
    { class: "g-probe-attack-row" },
    node("span", { class: "g-probe-attack-label", text: row.label, title: row.label }),
    bar("before"),
    bar("after"),
    node("span", { class: "g-probe-attack-change", text: change }),
  );
}

export const typographic = {
  name: "typographic",
  label: _("Typographic attack"),
  lead: _(
    "A word is written on the image and the image is classified again. An encoder that has learnt to read text in images may follow the written word instead of the object.",
  ),

  controls(tab) {
    const { settings } = tab;
    const word = textForm("probe-word", _("Word to write"), settings.word || WORD, WORD, (text) =>
      tab.run({ word: text }),
    );
    const labels = textForm(
      "probe-labels",
      _("Labels"),
      settings.labels,
      _("labels, separated by commas; empty: the most similar words"),
      (text) => tab.run({ labels: text }),
    );
    return [
      imageChooser(tab.facts, settings.image, _("Your image"), tab.chooserActions()),
      node("div", { class: "g-probe-two" }, word, labels),
    ];
  },

  request(tab) {
    const { word, labels } = tab.settings;
    return [tab.server.typographic, { ...tab.imageRequest(), word: word || WORD, labels }];
  },

  call(tab) {
    const { word, labels } = tab.settings;
    return ["probe/typographic", { ...tab.imageCall(), word: word || WORD, labels: labelList(labels) }];
  },

  draw(tab, { rows, word, image, labels }) {
    const field = tab.controls.querySelector("#probe-labels");
    if (!field.value) field.placeholder = labels;
    const { settings, facts } = tab;
    return [
      node("h2", { id: "probe-typographic-result", text: attackText(rows, word) }),
      node(
        "div",
        { class: "g-probe-attack" },
        figure(sourceOf(settings.image, facts.collection), settings.image.name, TIMES.before),
        figure(image, _("the same image with “{word}” written on it", { word }), TIMES.after),
        node("div", { class: "g-probe-attack-bars" }, ...rows.map(labelBars)),
      ),
    ];
  },
};
