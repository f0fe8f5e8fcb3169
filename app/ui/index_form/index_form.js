// A form that indexes a folder of this computer. Folders below the home folder are offered while a path is typed.
import { icon, node, notice } from "../elements/elements.js";
import { pickFolder } from "../folder_picker/folder_picker.js";
import { _ } from "../language/language.js";
import { request } from "../session/session.js";

// A text field with its label; settings: further attributes of the field.
export const labelled = (name, label, placeholder, settings = {}) =>
  node(
    "label",
    { class: "g-index-form-labelled" },
    node("span", { text: label }),
    node("input", {
      type: "text",
      class: "g-input g-wide",
      name,
      placeholder,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      ...settings,
    }),
  );

// The field for the folder, with a button that opens the folder picker. id: of its list of folders, its own on the page.
export const folderField = (server, id, label, placeholder) => {
  const list = node("datalist", { id });
  let asked = null; // the start of the path whose folders are in the list
  const offer = async ({ target }) => {
    const start = target.value.slice(0, target.value.lastIndexOf("/") + 1);
    if (start === asked) return;
    asked = start;
    const { folders = [] } = await request(server.folders, { typed: start });
    if (start === asked) list.replaceChildren(...folders.map((value) => node("option", { value })));
  };
  const field = labelled("source", label, placeholder, { list: id, onfocus: offer, oninput: offer });
  field.append(list);
  const input = field.querySelector("input");
  const take = (path) => {
    input.value = path;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  };
  const settings = { type: "button", class: "g-button g-index-form-browse", title: _("Choose a folder") };
  const onclick = () => pickFolder(server, input.value, take);
  const browse = node("button", { ...settings, onclick }, icon("folder"), node("span", { text: _("Browse") }));
  return node("div", { class: "g-index-form-folder" }, field, browse);
};

// server: has the functions index and folders. accepted(key) hears of the new collection; an error is shown in the form.
// more: fields that are sent with those of the form, as a function.
export const indexForm = (server, settings, content, accepted, more = () => ({})) => {
  const problem = node("div", { class: "g-index-form-problem", role: "alert" });
  const onsubmit = async (event) => {
    event.preventDefault();
    if (form.classList.contains("g-sending")) return;
    form.classList.add("g-sending");
    const answer = await request(server.index, { ...more(), ...Object.fromEntries(new FormData(form)) });
    form.classList.remove("g-sending");
    problem.replaceChildren(...(answer.error ? [notice(answer.error)] : []));
    if (answer.error) {
      form.elements.source.focus();
      return;
    }
    form.reset();
    accepted(answer.key);
  };
  const form = node("form", { ...settings, onsubmit }, ...content, problem);
  return form;
};
