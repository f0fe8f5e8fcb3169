// What each word of a query adds to an image's score, as bars.
import { node } from "../elements/elements.js";
import { decimal } from "../format/format.js";
import { _ } from "../language/language.js";

// words: [{ word, share, sign }]; bars are as wide as the shares, relative to the largest.
export const wordBars = (words) => {
  const most = Math.max(1e-6, ...words.map((word) => Math.abs(word.share)));
  const bar = ({ word, share, sign }) =>
    node(
      "div",
      { class: `g-inspector-word ${share < 0 ? "g-inspector-against" : ""}` },
      node("span", { text: sign < 0 ? `− ${word}` : word, title: word }),
      node("i", { style: { width: `${(100 * Math.abs(share)) / most}%` } }),
      node("b", { text: `${share < 0 ? "−" : "+"}${decimal(Math.abs(share), 3)}` }),
    );
  return node(
    "div",
    { class: "g-inspector-words", id: "word-shares" },
    node("h3", { text: _("What each word adds") }),
    ...words.map(bar),
  );
};
