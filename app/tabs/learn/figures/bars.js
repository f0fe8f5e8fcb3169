// Horizontal bars with their numbers; a thinner bar below each is what it is compared with.
import { node } from "../../../ui/elements/elements.js";
import { interval, percent, score } from "../../../ui/format/format.js";
import { _ } from "../../../ui/language/language.js";

const share = (value, high) => `${Math.max(0, Math.min(100, (100 * value) / high))}%`;

// The text beside a bar.
function barText({ value, text }, isShare) {
  if (text) return text;
  return isShare ? percent(value) : score(value);
}

export function bars({ title, rows, high, note, percent: isShare }) {
  const row = (one) => {
    const { name, value, low, high: most, strong, beside } = one;
    const hasInterval = low !== null && most !== null;
    const ends = hasInterval && node("u", { style: { left: share(low, high), width: share(most - low, high) } });
    return node(
      "li",
      {
        class: strong ? "g-learn-strong" : null,
        title: hasInterval ? _("95 % interval {interval}", { interval: interval(one) }) : null,
      },
      node("span", { class: "g-learn-bar-name", text: name }),
      node(
        "span",
        { class: "g-learn-bar" },
        node("i", { style: { width: share(value, high) } }),
        ends,
        beside !== null && node("s", { style: { width: share(beside, high) } }),
      ),
      node("span", { class: "g-learn-bar-value", text: barText(one, isShare) }),
    );
  };
  return node(
    "div",
    {},
    node("h3", { text: title }),
    note && node("p", { class: "g-aside", text: note }),
    node("ul", { class: "g-learn-bars" }, ...rows.map(row)),
  );
}
