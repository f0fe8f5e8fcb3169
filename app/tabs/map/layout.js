// The elements of the map tab, in the order in which they are seen.
import { commandButton } from "../../ui/command/command.js";
import { node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { colourControls, stageTools } from "./toolbar.js";

const KEYS = _(
  "Drag to pan, scroll or pinch to zoom, and draw with the lasso or Shift-drag to select. Keyboard: arrow keys pan, + and − zoom, 0 shows the whole map, Enter selects the images in the middle, Escape clears the selection.",
);

// act: see colourControls and stageTools, and command(), which gives the command of what is shown.
export function mapElements(camera, act) {
  return {
    controls: colourControls(act),
    methods: node("div", { class: "g-ways", role: "group", "aria-label": _("Projection") }),
    command: commandButton("copy-map-command", act.command),
    notice: node("div", { id: "map-notice" }),
    status: node("p", { class: "g-status", id: "map-status", role: "status", text: _("Loading the map") }),
    legend: node("div", { class: "g-map-legend", id: "map-legend" }),
    base: node("canvas", { class: "g-map-points", "aria-hidden": "true" }),
    over: node("canvas", {
      class: "g-map-over",
      id: "map-canvas",
      tabindex: "0",
      role: "application",
      "aria-label": _("Map of the collection"),
      "aria-describedby": "map-keys map-status",
    }),
    tools: stageTools(camera, act),
    stage: node("div", { class: "g-map-stage" }),
    quality: node("p", { class: "g-aside", id: "map-quality" }),
    regions: node("details", { class: "g-map-table", id: "map-table", hidden: true }),
  };
}

export function layOut(root, elements, tooltip, panel) {
  const { controls, methods, command, notice, status, legend, stage, base, over, tools, quality, regions } = elements;
  stage.append(base, over, tools, tooltip);
  for (const part of [controls.label, methods, command]) part.hidden = true; // until there is a map
  root.append(
    node("div", { class: "g-map-bar" }, controls.form, controls.label, methods, command),
    notice,
    node("div", { class: "g-results-head g-map-results-head" }, status, legend),
    node("div", { class: "g-map-split" }, stage, panel),
    quality,
    regions,
    node("p", { class: "g-aside", id: "map-keys", text: KEYS }),
  );
}
