// The prompt template probe: how much the template around a label changes its score.
import { imageChooser } from "../../ui/samples/chooser.js";
import { node } from "../../ui/elements/elements.js";
import { decimal, score } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { labelList, textForm } from "./controls.js";
import { dotPlot } from "./dot_plot.js";

const spread = (values) => Math.max(...values) - Math.min(...values);
export const mostWins = (wins) => wins.indexOf(Math.max(...wins));

// The sentence over the plot. scores: [labels][templates]; wins: templates in which each label has the highest score.
export function templateText({ labels, templates, scores, wins }) {
  if (labels.length === 1)
    return _("The template changes the score of “{label}” by up to {spread}", {
      label: labels[0],
      spread: decimal(spread(scores[0]), 3),
    });
  const best = mostWins(wins);
  const every = wins[best] === templates.length;
  const where = every
    ? _("with every one of {templates} templates", { templates: templates.length })
    : _("with {wins} of {templates} templates", { wins: wins[best], templates: templates.length });
  return _("“{label}” scores highest {where}", { label: labels[best], where });
}

// Lanes of the dot plot, a label each.
export function lanesOf({ labels, templates, scores, wins }) {
  const best = mostWins(wins);
  return labels.map((label, l) => ({
    name: label,
    strong: l === best,
    dots: scores[l].map((value, t) => ({ value, title: `${score(value)} ${templates[t].replace("…", label)}` })),
  }));
}

function scoreTable({ labels, templates, scores }) {
  const heads = [_("Template"), ...labels].map((text) => node("th", { scope: "col", text }));
  const row = (template, t) =>
    node(
      "tr",
      {},
      node("th", { scope: "row", text: template }),
      ...scores.map((values) => node("td", { text: score(values[t]) })),
    );
  return node("table", {}, node("thead", {}, node("tr", {}, ...heads)), node("tbody", {}, ...templates.map(row)));
}

export const templates = {
  name: "templates",
  label: _("Prompt templates"),
  lead: _(
    "One image, a few labels and 28 prompt templates: the label alone and every third of CLIP's 80 templates. Where the dots of two labels overlap, the answer depends on the template. A prompt ensemble, the mean over templates that Classify offers, makes it stable.",
  ),

  controls(tab) {
    const { settings } = tab;
    const hint = _("one to six labels, separated by commas; empty: the most similar words");
    return [
      imageChooser(tab.facts, settings.image, _("Your image"), tab.chooserActions()),
      textForm("probe-labels", _("Labels"), settings.labels, hint, (labels) => tab.run({ labels })),
    ];
  },

  request(tab) {
    return [tab.server.templates, { ...tab.imageRequest(), labels: tab.settings.labels }];
  },

  call(tab) {
    return ["probe/templates", { ...tab.imageCall(), labels: labelList(tab.settings.labels) }];
  },

  draw(tab, answer) {
    const summary = node("summary", {
      text: _("The scores with {templates} templates as a table", { templates: answer.templates.length }),
    });
    return [
      node("h2", { id: "probe-templates-result", text: templateText(answer) }),
      dotPlot(lanesOf(answer), _("Scores of the labels with each template")),
      node(
        "details",
        { class: "g-probe-table" },
        summary,
        node("div", { class: "g-probe-scroll" }, scoreTable(answer)),
      ),
    ];
  },
};
