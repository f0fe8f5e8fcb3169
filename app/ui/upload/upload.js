// Images come in by a button, by dropping and by pasting; each is sent once and then named by its token.

import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { ACCEPT, ENDINGS, LARGEST } from "./formats.js"; // the server makes it; LARGEST is in bytes

// { image: token } or { error }.
export const upload = async (file) => {
  if (file.size > LARGEST)
    return {
      error: _("{name} is larger than {limit} MB; use a smaller copy of it.", {
        name: file.name,
        limit: LARGEST / 2 ** 20,
      }),
    };
  try {
    const response = await fetch("images", { method: "POST", body: file });
    return await response.json();
  } catch {
    return { error: _("The image could not be sent; the connection to Gelato is lost.") };
  }
};

// Whether a file may be an image: browsers give no type to RAW, HEIC and others.
const isImage = ({ name, type }) =>
  type.startsWith("image/") || ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));

// The images that were pasted.
export const pasted = (event) => [...(event.clipboardData?.files || [])].filter(isImage);

// The hidden field behind a button that chooses a file; take(files) is called with it, or with several.
export const filePicker = (label, take, attributes = {}) => {
  const field = node("input", {
    type: "file",
    accept: ACCEPT,
    hidden: true,
    "aria-label": label,
    onchange: () => {
      if (field.files.length) take([...field.files]);
      field.value = "";
    },
    ...attributes,
  });
  return field;
};

// The button of a search field that chooses images, and its hidden field. ids: { button, file }.
export const imageButton = (label, take, ids, attributes = {}) => {
  const file = filePicker(label, take, { id: ids.file, ...attributes });
  const settings = {
    type: "button",
    class: "g-inside",
    id: ids.button,
    title: _("Search with an image: choose, drop or paste one"),
    "aria-label": label,
    onclick: () => file.click(),
  };
  return [node("button", settings, icon("image"), node("span", { text: _("Image") })), file];
};

const places = []; // of the page that take files, each in a tab of its own

const hasFiles = ({ dataTransfer }) => dataTransfer?.types.some((type) => /^files$/i.test(type));

// Files dropped beside such a place would open in the browser, in place of the page; the one in sight takes them.
document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (event.defaultPrevented || !hasFiles(event)) return;
  event.preventDefault();
  const inSight = places.find(({ element }) => element.isConnected && element.checkVisibility());
  inSight?.take([...event.dataTransfer.files]);
});

// Calls take(files) with what is dropped on the element.
export const droppable = (element, take) => {
  places.push({ element, take });
  let depth = 0; // a child that is entered counts before the element that was left
  const over = (by) => {
    depth += by;
    element.classList.toggle("g-over", depth > 0);
  };
  element.addEventListener("dragenter", (event) => {
    event.preventDefault();
    over(1);
  });
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("dragleave", () => over(-1));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
};
