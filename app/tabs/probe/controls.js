// A text field with a button.
import { askBar } from "../../ui/ask_bar/ask_bar.js";
import { _ } from "../../ui/language/language.js";

// submit(text): called with what was typed.
export const textForm = (id, label, value, placeholder, submit) =>
  askBar(id, label, _("Run"), submit, { value, placeholder, maxlength: "500" }).form;
