// The keys of the review: 1 to 9 give one of the first classes of the list, 0 says that it is none of them, R gives the
// runner-up, C goes to the field for a class, Enter accepts the label, U undoes, S skips.
import { _ } from "../../ui/language/language.js";
import { whichTab } from "../../ui/navigation/navigation.js";

export const KEYS = 9;
const FIELDS = "input, textarea, select, [contenteditable]";
const BUTTONS = "button, a, summary";
const ACTIONS = {
  0: { name: "none" },
  r: { name: "runnerUp" },
  c: { name: "type" },
  u: { name: "undo" },
  s: { name: "skip" },
};
let current = null; // the review on the page

// What a key does: { name, argument } of a method, or null. onButton: a button has the focus, which Enter presses.
export const actionOf = (key, onButton) => {
  const digit = Number(key);
  if (digit >= 1 && digit <= KEYS) return { name: "choose", argument: digit - 1 };
  if (key === "Enter") return onButton ? null : { name: "accept" };
  return ACTIONS[key.toLowerCase()] || null;
};

document.addEventListener("keydown", (event) => {
  if (!current?.root.isConnected || whichTab() !== "classify") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(FIELDS)) return;
  const action = actionOf(event.key, Boolean(event.target.closest?.(BUTTONS)));
  if (!action) return;
  current[action.name](action.argument);
  event.preventDefault();
});

// From now on keys go to a review, while it is on the page.
export const giveKeysTo = (review) => {
  current = review;
};
