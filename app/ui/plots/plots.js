// Small plots that several tabs draw.
import { node } from "../elements/elements.js";

const percent = (share) => `${100 * share}%`;

// A figure in 0..1 as a mark on its interval { value, low, high }; chance, if given, is a thin line.
export const intervalBar = ({ value, low, high }, chance = null) => {
  const width = `${Math.max(1, 100 * (high - low))}%`;
  return node(
    "span",
    { class: "g-plots-interval", "aria-hidden": "true" },
    node("i", { style: { left: percent(low), width } }),
    node("b", { style: { left: percent(value) } }),
    chance !== null && node("u", { style: { left: percent(chance) } }),
  );
};
