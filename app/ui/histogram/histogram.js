// The normalised scores of all images as bars, and the relevance threshold on them, which can be dragged.
import { node, svgNode } from "../elements/elements.js";
import { decimal } from "../format/format.js";
import { helpSign } from "../help/figures.js";
import { _ } from "../language/language.js";
import { BAR, HEIGHT, bars, clamped, position, valueAt } from "./scale.js";

const KEYS = { ArrowLeft: -0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowUp: 0.05 };

const describe = (threshold) =>
  threshold === 1
    ? _("Relevance threshold, at the upper end of the null distribution")
    : _("Relevance threshold at {threshold}; the null distribution ends at 1", { threshold: decimal(threshold, 2) });

const link = (id, text, title, onclick) =>
  node("button", { type: "button", class: "g-clear", id, text, title, onclick });

const drawing = (threshold, histogram) => {
  const width = histogram.counts.length * BAR;
  const x = Math.min(width - 1, Math.max(1, position(threshold, histogram)));
  const rects = bars(histogram).map((bar) =>
    svgNode("rect", {
      x: bar.x,
      y: HEIGHT - bar.height,
      width: BAR - 1,
      height: bar.height,
      rx: 0.5,
      class: bar.middle > threshold ? "g-histogram-above" : "g-histogram-below",
    }),
  );
  const mark = svgNode("line", { x1: x, x2: x, y1: 0, y2: HEIGHT, class: "g-histogram-threshold" });
  return svgNode("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" }, ...rects, mark);
};

class Histogram {
  constructor(moved) {
    this.moved = moved;
    this.root = node("div", { class: "g-histogram", id: "histogram", hidden: true });
    this.threshold = 1;
    this.histogram = null;
  }

  // shown: what a search answered of its threshold, { shown, at, histogram }.
  show(shown) {
    this.root.hidden = !shown?.shown;
    if (this.root.hidden) return;
    this.threshold = shown.value;
    this.histogram = shown.histogram;
    const focused = this.root.contains(document.activeElement);
    const slider = this.slider();
    const hide = link("hide-threshold", _("hide"), _("Show the results without a threshold"), () => this.moved("off"));
    const reset = link(
      "reset-threshold",
      _("reset"),
      _("Put the threshold back to the end of the null distribution"),
      () => this.moved("auto"),
    );
    this.root.replaceChildren(...[hide, this.threshold !== 1 && reset, helpSign("threshold"), slider].filter(Boolean));
    if (focused) slider.focus();
  }

  slider() {
    const { low, high } = this.histogram;
    const text = describe(this.threshold);
    const slider = node(
      "div",
      {
        class: "g-histogram-slider",
        role: "slider",
        tabindex: "0",
        title: _("{text}. Drag it, or use the arrow keys.", { text }),
        "aria-label": _("Relevance threshold"),
        "aria-valuemin": low.toFixed(2),
        "aria-valuemax": high.toFixed(2),
        "aria-valuenow": this.threshold.toFixed(2),
        "aria-valuetext": text,
        onkeydown: (event) => this.step(event),
        onpointerdown: (event) => {
          slider.setPointerCapture(event.pointerId);
          this.drag(event, slider);
        },
        onpointermove: (event) => slider.hasPointerCapture(event.pointerId) && this.drag(event, slider),
        onpointerup: () => this.moved(this.threshold),
      },
      drawing(this.threshold, this.histogram),
    );
    return slider;
  }

  step(event) {
    const by = KEYS[event.key];
    if (!by) return;
    event.preventDefault();
    this.moved(clamped(this.threshold + by, this.histogram));
  }

  drag(event, slider) {
    const box = slider.getBoundingClientRect();
    this.threshold = clamped(valueAt((event.clientX - box.left) / box.width, this.histogram), this.histogram);
    const mark = slider.querySelector(".g-histogram-threshold");
    ["x1", "x2"].forEach((name) => mark.setAttribute(name, position(this.threshold, this.histogram)));
    slider.setAttribute("aria-valuenow", this.threshold.toFixed(2));
  }
}

// moved(threshold) hears where the threshold was put: a normalised score, "auto" for 1, "off" for nowhere.
export const histogram = (moved) => new Histogram(moved);
