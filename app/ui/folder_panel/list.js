// A list of a report, which can be closed: its first lines, and how many others there are.
import { node } from "../elements/elements.js";
import { count } from "../format/format.js";
import { _ } from "../language/language.js";

const SHOWN = 20; // lines

// amount: of all lines; null is given for none.
export const list = (title, lines, amount) => {
  if (!amount) return null;
  const more = amount - lines.length;
  const rest = more > 0 ? [_("and {amount} more", { amount: count(more) })] : [];
  const items = [...lines.slice(0, SHOWN), ...rest].map((text) => node("li", { text }));
  return node("details", { open: true }, node("summary", { text: title }), node("ul", { tabindex: "0" }, ...items));
};
