// The Winoground probe: two images and two captions of the same words, generated or a person's own.
import { choiceGroup } from "../../ui/elements/choices.js";
import { imageChooser, sourceOf } from "../../ui/samples/chooser.js";
import { button, icon, node } from "../../ui/elements/elements.js";
import { score } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { textForm } from "./controls.js";
import { KINDS, SCORES } from "./kinds.js";
import { pairFigures } from "./pair_figures.js";
import { verdictText } from "./verdict_texts.js";

const MARGIN = 1e-6; // a tie is no win
const ALL_RIGHT = _("Every image matches its caption best and every caption its image.");
const EXPLANATION = _(
  "Text: each image scores its own caption higher. Image: each caption scores its own image higher. Group: both. Chance is 25, 25 and 16.7 %. Matching pairs are outlined; → marks the better caption of an image, ↓ the better image of a caption.",
);

// Whether a score is the higher one of its row (caption of the image) and of its column (image of the caption).
export const wonBy = (scores, image, caption) => ({
  row: scores[image][caption] - scores[image][1 - caption] > MARGIN,
  column: scores[image][caption] - scores[1 - image][caption] > MARGIN,
});

// How strongly a cell is coloured, in percent.
export function cellShare(value, scores) {
  const [low, high] = [Math.min(...scores.flat()), Math.max(...scores.flat())];
  return high > low ? 8 + (62 * (value - low)) / (high - low) : 8;
}

function scoreCell(scores, image, caption) {
  const won = wonBy(scores, image, caption);
  const arrows = [won.row && "→", won.column && "↓"].filter(Boolean).join(" ");
  const title = [won.row && _("the better caption of this image"), won.column && _("the better image of this caption")];
  const value = scores[image][caption];
  const settings = {
    class: `g-probe-cell ${image === caption ? "g-probe-match" : ""}`,
    style: { "--share": `${cellShare(value, scores)}%` },
  };
  return node(
    "td",
    settings,
    node("b", { text: score(value) }),
    node("span", { text: arrows, title: title.filter(Boolean).join("; ") }),
  );
}

function scoreTable(scores, captions, sources) {
  const heads = captions.map((caption) => node("th", { scope: "col", text: `“${caption}”` }));
  const row = (image) => {
    const shown = node("img", { src: sources[image], alt: image ? _("the second image") : _("the first image") });
    const head = node("th", { scope: "row" }, shown);
    return node("tr", {}, head, scoreCell(scores, image, 0), scoreCell(scores, image, 1));
  };
  return node(
    "table",
    { class: "g-probe-pair-table" },
    node("thead", {}, node("tr", {}, node("td"), ...heads)),
    node("tbody", {}, row(0), row(1)),
  );
}

function verdict(name, won) {
  return node(
    "span",
    { class: `g-probe-verdict ${won ? "g-probe-won" : "g-probe-lost"}` },
    icon(won ? "check" : "close"),
    node("b", { text: name }),
    node("span", { text: won ? _("correct") : _("wrong") }),
  );
}

// Image and caption k of a person's own pair.
function ownHalf(tab, k) {
  const { ownImages, ownCaptions } = tab.settings;
  const choose = ({ id, token, name }) => tab.set({ ownImages: ownImages.with(k, { id, token, name }) });
  const example = k ? "a red ball on a blue box" : "a blue ball on a red box";
  const submit = (text) => {
    const other = tab.fieldValue(`probe-caption-${1 - k}`);
    tab.run({ ownCaptions: k ? [other, text] : [text, other] });
  };
  return node(
    "div",
    {},
    imageChooser(tab.facts, ownImages[k], k ? _("Second image") : _("First image"), tab.chooserActions(choose)),
    textForm(`probe-caption-${k}`, k ? _("Second caption") : _("First caption"), ownCaptions[k], example, submit),
  );
}

export const pairs = {
  name: "pairs",
  label: _("Winoground"),
  lead: _(
    "Two images and two captions made of the same words. An encoder that reads who does what to whom gives each image its own caption. One that only counts words cannot: the two captions are the same to it (Winoground, Thrush et al. 2022).",
  ),

  controls(tab) {
    const { settings, facts } = tab;
    const kinds = facts.kinds.map((kind) => [kind, KINDS[kind] ?? kind]);
    const choices = [...kinds, ["own", _("your own"), { id: "probe-own" }]];
    const group = choiceGroup(_("Pairs"), choices, settings.own ? "own" : settings.pair, (kind) =>
      tab.set(kind === "own" ? { own: true } : { own: false, pair: kind, i: 0 }),
    );
    if (settings.own) {
      const halves = node("div", { class: "g-probe-two" }, ownHalf(tab, 0), ownHalf(tab, 1));
      return [node("div", { class: "g-probe-row" }, group), halves];
    }
    const next = button(null, _("Another pair"), () => tab.set({ i: settings.i + 1 }), {
      id: "probe-next",
      class: "g-button g-probe-button",
    });
    return [node("div", { class: "g-probe-row" }, group, next)];
  },

  request(tab) {
    const { own, pair, i, ownImages, ownCaptions } = tab.settings;
    if (!own) return [tab.server.generated, { kind: pair, i }];
    if (!ownImages.every(Boolean) || !ownCaptions.every(Boolean)) return null;
    return [tab.server.own, { images: ownImages, captions: ownCaptions }];
  },

  call({ settings: { own, pair, i, ownImages, ownCaptions } }) {
    if (!own) return ["probe/generated", { kind: pair, i }];
    const images = ownImages.map(({ id, token }) => (token ? { image: token } : { id }));
    return ["probe", { images, captions: ownCaptions }];
  },

  // What stands there while a person's own pair is not complete.
  incomplete(tab) {
    if (!tab.settings.own) return [];
    const text = _(
      "Choose two images and write a caption for each. The pair is hardest when both captions use the same words.",
    );
    return [node("p", { class: "g-aside", text })];
  },

  draw(tab, { scores, wins, captions, images }) {
    const { settings, facts } = tab;
    const sources = images || settings.ownImages.map((image) => sourceOf(image, facts.collection));
    const side = node(
      "div",
      { class: "g-probe-pair-side" },
      node(
        "div",
        { class: "g-probe-verdicts", id: "probe-verdicts" },
        ...Object.entries(SCORES).map(([key, name]) => verdict(name, wins[key])),
      ),
      node("p", { id: "probe-pairs-result", text: wins.group ? ALL_RIGHT : verdictText(scores) }),
      node("p", { class: "g-aside", text: EXPLANATION }),
      !settings.own && pairFigures(tab),
    );
    return [node("div", { class: "g-probe-pair" }, scoreTable(scores, captions, sources), side)];
  },
};
