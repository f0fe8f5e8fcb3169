// The word order probe: a caption among other orders of its words, scored against one image.
import { imageChooser } from "../../ui/samples/chooser.js";
import { button, node } from "../../ui/elements/elements.js";
import { score } from "../../ui/format/format.js";
import { _, language } from "../../ui/language/language.js";
import { textForm } from "./controls.js";
import { dotPlot } from "./dot_plot.js";

const EXAMPLE = "a small dog on a large red sofa";
const KINDS = {
  original: _("original"),
  "swap nouns": _("nouns swapped"),
  "swap adjectives": _("adjectives swapped"),
  reverse: _("reversed"),
  "drop relation words": _("relation words removed"),
  shuffle: _("shuffled"),
};

// 1st, 2nd, 3rd, 4th, 11th, 21st; in other languages 1., 2., 3.
export function ordinal(n) {
  if (language !== "en") return `${n}.`;
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${(!teen && ["th", "st", "nd", "rd"][n % 10]) || "th"}`;
}

export const rankText = (rank, of) =>
  _("The original order ranks {rank} of {of}", {
    rank: rank === 1 ? ordinal(1) : _("only {rank}", { rank: ordinal(rank) }),
    of,
  });

// Lanes of the dot plot, a kind of variant each.
export function lanesOf(variants) {
  const lane = (kind) => {
    const own = variants.filter((variant) => variant.kind === kind);
    const dots = own.map((variant) => ({ value: variant.score, title: `${score(variant.score)} ${variant.text}` }));
    return { name: KINDS[kind], strong: kind === "original", dots };
  };
  return Object.keys(KINDS)
    .map(lane)
    .filter(({ dots }) => dots.length);
}

function variantRow(variant) {
  return node(
    "li",
    { class: variant.kind === "original" ? "g-probe-strong" : "" },
    node("span", { class: "g-grid-score", text: score(variant.score) }),
    node("span", { text: variant.text }),
    node("small", { text: KINDS[variant.kind] }),
  );
}

export const order = {
  name: "order",
  label: _("Word order"),
  lead: _(
    "The words of one caption in other orders, each scored against the same image. Where the original order is not clearly first, the encoder reads the caption as a bag of words.",
  ),

  controls(tab) {
    const { settings } = tab;
    const scene = button(null, _("A generated scene"), () => tab.set({ caption: "", i: settings.i + 1 }), {
      id: "probe-scene",
      class: "g-button g-probe-button",
    });
    const choose = (image) => tab.set({ image, caption: tab.fieldValue("probe-caption") || EXAMPLE });
    const chooser = imageChooser(
      tab.facts,
      settings.caption ? settings.image : null,
      _("Your image"),
      tab.chooserActions(choose),
    );
    const caption = textForm(
      "probe-caption",
      _("Caption"),
      settings.caption,
      _("what the image shows, in a sentence"),
      (text) => tab.set({ caption: text }),
    );
    return [node("div", { class: "g-probe-row" }, scene), chooser, caption];
  },

  request(tab) {
    const { caption, i } = tab.settings;
    return [tab.server.order, caption ? { ...tab.imageRequest(), caption } : { i }];
  },

  call(tab) {
    const { caption, i } = tab.settings;
    return ["probe/order", caption ? { ...tab.imageCall(), caption } : { i }];
  },

  draw(tab, { variants, rank, image, caption }) {
    if (image) {
      const shown = node("img", { class: "g-samples-image", src: image, alt: caption });
      tab.controls.querySelector(".g-samples-image").replaceWith(shown);
      tab.controls.querySelector("#probe-caption").value = caption;
    }
    const original = variants.find((variant) => variant.kind === "original");
    return [
      node("h2", { id: "probe-order-result", text: rankText(rank, variants.length) }),
      dotPlot(
        lanesOf(variants),
        _("Scores of the variants; the original has {score}", { score: score(original.score) }),
      ),
      node("ol", { class: "g-probe-variants" }, ...variants.map(variantRow)),
    ];
  },
};
