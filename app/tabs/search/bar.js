// The search field with its button for images.
import { icon, node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { imageButton } from "../../ui/upload/upload.js";

// submit(text) and addFiles(files) hear of what a person enters.
export const searchBar = (submit, addFiles) => {
  const field = node("input", {
    type: "text",
    id: "q",
    name: "q",
    class: "g-field",
    "aria-label": _("Describe an image"),
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
    maxlength: "2000",
  });
  const ids = { button: "add-image", file: "search-file" };
  const [image, file] = imageButton(_("Search with an image"), addFiles, ids, { multiple: true });
  const onsubmit = (event) => {
    event.preventDefault();
    submit(field.value.trim());
  };
  const go = node("button", { type: "submit", class: "g-go", id: "go", text: _("Search") });
  const form = node(
    "form",
    { class: "g-search-bar", role: "search", onsubmit },
    icon("search"),
    field,
    image,
    go,
    file,
  );
  return { form, field };
};
