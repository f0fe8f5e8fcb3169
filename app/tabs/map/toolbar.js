// The controls of the map: what it is coloured by, how it is projected, and the tools on the stage.
import { askBar } from "../../ui/ask_bar/ask_bar.js";
import { icon, node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { columnTitle, umapTitle } from "./summary.js";

// act: { column(name), text(q) }
export function colourControls(act) {
  const column = node("select", {
    id: "map-by",
    "aria-label": _("Colour by"),
    onchange: () => act.column(column.value),
  });
  const { form, field } = askBar("map-q", _("Colour by text"), _("Colour"), act.text, {
    placeholder: _("Colour by text: a sunset, or several: cat, dog, car"),
    enterkeyhint: "search",
  });
  const label = node("label", { class: "g-map-by" }, node("span", { text: _("Colour by") }), column);
  return { form, label, field, column };
}

// Fills the list of columns; column is the chosen one, q the text that the map is coloured by instead.
export function showColumns({ column: select, field }, { columns, readsText }, column, q) {
  const option = (value, text) => node("option", { value, text, selected: value === column });
  const first = option("", q ? _("the text") : _("nothing"));
  select.replaceChildren(first, ...columns.map((name) => option(name, columnTitle(name))));
  select.value = q ? "" : column;
  field.disabled = readsText === false;
  if (field.disabled) field.placeholder = _("This encoder has no text encoder; colour by a column");
}

// The buttons PCA and UMAP. choose(method)
export function methodButtons(facts, choose) {
  const button = (method, text, settings) =>
    node("button", {
      type: "button",
      class: "g-way",
      id: `map-${method}`,
      text,
      "aria-pressed": String(facts.method === method),
      onclick: () => choose(method),
      ...settings,
    });
  return [
    button("pca", _("PCA"), { title: _("Linear: the two directions in which the images vary most") }),
    button("umap", facts.umap === "running" ? "UMAP …" : "UMAP", {
      disabled: facts.umap !== "ready",
      title: umapTitle(facts),
    }),
  ];
}

const glyph = (text) => node("span", { class: "g-map-glyph", "aria-hidden": "true", text });

function tool(name, symbol, label, onclick, settings = {}) {
  const attributes = { type: "button", class: "g-icon-button", id: `map-${name}`, title: label, "aria-label": label };
  return node("button", { ...attributes, onclick, ...settings }, symbol);
}

// A button that is pressed or not; toggled(on) is told of each change.
function toggle(name, symbol, label, pressed, toggled) {
  const button = tool(
    name,
    symbol,
    label,
    () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      toggled(on);
    },
    { "aria-pressed": String(pressed) },
  );
  return button;
}

// act: { lasso(on), thumbnails(on) }
export function stageTools(camera, act) {
  return node(
    "div",
    { class: "g-map-tools", role: "group", "aria-label": _("Map tools") },
    toggle("lasso", glyph("◌"), _("Lasso: draw around images to select them"), false, act.lasso),
    toggle("images", icon("image"), _("Show thumbnails on the map"), true, act.thumbnails),
    tool("in", icon("plus"), _("Zoom in"), () => camera.zoomBy(1.6)),
    tool("out", icon("minus"), _("Zoom out"), () => camera.zoomBy(1 / 1.6)),
    tool("fit", glyph("⤢"), _("Show the whole map"), () => camera.fit()),
  );
}
