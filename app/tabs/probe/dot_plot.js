// A dot plot: one lane for each group, one dot for each score, all on one axis.
import { node } from "../../ui/elements/elements.js";
import { score } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

// A value as a percentage of the way from low to high; the middle where they are equal.
export const position = (value, low, high) => (high > low ? (100 * (value - low)) / (high - low) : 50);

function laneOf({ name, strong, dots }, low, high) {
  const dot = ({ value, title }) => node("i", { style: { left: `${position(value, low, high)}%` }, title });
  return node(
    "div",
    { class: `g-probe-lane ${strong ? "g-probe-strong" : ""}` },
    node("span", { text: name, title: name }),
    node("div", { class: "g-probe-dots" }, ...dots.map(dot)),
  );
}

// lanes: { name, strong (drawn in the accent colour), dots: { value, title } } of each; label: for screen readers.
export function dotPlot(lanes, label) {
  const values = lanes.flatMap((lane) => lane.dots.map((dot) => dot.value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const axis = node(
    "div",
    { class: "g-probe-lane g-probe-axis" },
    node("span"),
    node("div", {}, node("span", { text: score(low) }), node("span", { text: score(high) })),
  );
  const settings = {
    class: "g-probe-dot-plot",
    role: "img",
    "aria-label": _("{label}, from {low} to {high}", { label, low: score(low), high: score(high) }),
  };
  return node("div", settings, ...lanes.map((lane) => laneOf(lane, low, high)), axis);
}
