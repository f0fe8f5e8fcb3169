// A heat map of where the image of the tab matches a class: the class of the row that the pointer is on, or whose
// button is pressed.
import { icon, node } from "../../ui/elements/elements.js";
import { drawHeatMap } from "../../ui/heat_map/heat_map.js";
import { _ } from "../../ui/language/language.js";

const DELAY = 200; // milliseconds that the pointer rests on a row

class ClassHeatMaps {
  // load() gives { heat: a map for each class name }, and is called once.
  constructor(load) {
    this.load = load;
    this.maps = null;
    this.pressed = null; // { name, button } of the class whose button is pressed
    this.over = null; // ... that the pointer is on
    this.timer = 0;
    this.gone = false;
    this.canvas = node("canvas", { class: "g-heat-map", hidden: true, role: "img" });
  }

  async show() {
    const now = this.over || this.pressed;
    this.canvas.hidden ||= !now;
    if (!now) return;
    this.maps ||= this.load();
    const answer = await this.maps;
    if (this.gone || now !== (this.over || this.pressed)) return;
    const heat = answer.heat?.[now.name];
    this.canvas.hidden = !heat;
    if (!heat) {
      now.button.setAttribute("title", answer.error || _("No part of the image matches it"));
      return;
    }
    document.querySelector("#image .g-classify-shown")?.append(this.canvas);
    this.canvas.setAttribute("aria-label", _("Where the image matches {name}", { name: now.name }));
    drawHeatMap(this.canvas, heat);
  }

  hover(row) {
    clearTimeout(this.timer);
    this.over = row;
    this.show();
  }

  press(row) {
    const again = this.pressed === row;
    this.pressed?.button.setAttribute("aria-pressed", "false");
    this.pressed = again ? null : row;
    row.button.setAttribute("aria-pressed", !again);
    if (again) this.over = null;
    this.show();
  }

  // Gives the row of a class its button.
  add(element, name) {
    const button = node(
      "button",
      {
        type: "button",
        class: "g-classify-where",
        title: _("Where the image matches it"),
        "aria-label": _("Where the image matches {name}", { name }),
        "aria-pressed": "false",
        onclick: () => this.press(row),
      },
      icon("heat"),
    );
    const row = { name, button };
    element.addEventListener("mouseenter", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.hover(row), DELAY);
    });
    element.addEventListener("mouseleave", () => this.hover(null));
    element.append(button);
  }

  remove() {
    this.gone = true;
    clearTimeout(this.timer);
    this.canvas.remove();
  }
}

export const classHeatMaps = (load) => new ClassHeatMaps(load);
