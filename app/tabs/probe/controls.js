// A text field with a button, and the labels that are typed in one.
import { askBar } from "../../ui/ask_bar/ask_bar.js";
import { _ } from "../../ui/language/language.js";

// submit(text): called with what was typed.
export const textForm = (id, label, value, placeholder, submit) =>
  askBar(id, label, _("Run"), submit, { value, placeholder, maxlength: "500" }).form;

// Labels that stand in a text with commas between them.
export const labelList = (text) =>
  text
    .split(",")
    .map((label) => label.trim())
    .filter(Boolean);
