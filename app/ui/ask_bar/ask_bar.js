// A text field with a button: what a tab asks the encoder with.
import { icon, node } from "../elements/elements.js";

// submit(text): called with the trimmed text. settings: attributes of the field. extra: nodes before the button.
export const askBar = (id, label, action, submit, settings = {}, ...extra) => {
  const search = settings.enterkeyhint === "search";
  const field = node("input", {
    type: "text",
    id,
    class: "g-ask-bar-field",
    "aria-label": label,
    maxlength: "2000",
    autocomplete: "off",
    spellcheck: "false",
    ...settings,
  });
  const onsubmit = (event) => {
    event.preventDefault();
    submit(field.value.trim());
  };
  const form = node(
    "form",
    { class: "g-ask-bar", role: search ? "search" : null, onsubmit },
    search && icon("search"),
    field,
    ...extra,
    node("button", { type: "submit", class: "g-ask-bar-go", text: action }),
  );
  return { form, field };
};
