// The classes of the form: until a person writes their own, those that are suggested for the open collection.
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
    write(field, offered);
  });
};

const write = (field, text) => {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

// Puts classes into the form that the server has labelled by already; the bars of the image follow.
export const writeClasses = (text) => {
  const field = document.querySelector("#classes textarea");
  if (!field || field.value === text) return;
  write(field, text);
  field.dispatchEvent(new Event("blur"));
};
