// Until a person writes classes of their own, the form has those that are suggested for the open collection.
import { onState } from "../../ui/session/session.js";

const FEW = 12; // classes

// first: the text that the form begins with.
export const suggestClasses = (first) => {
  let offered = first;
  onState(({ chips }) => {
    const field = document.querySelector("#classes textarea");
    if (!field || !chips || chips.length < 2 || field.value !== offered) return;
    offered = chips.slice(0, FEW).join("\n");
    if (field.value === offered) return;
    field.value = offered;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
};
