// The strengths of all images as bars, and the relevance line on them, which can be dragged.
import * as g from "../ui.js";

const HEIGHT = 34;
const space = "http://www.w3.org/2000/svg";
const draw = (tag, settings) => {
  const node = document.createElementNS(space, tag);
  Object.entries(settings).forEach(([name, value]) => node.setAttribute(name, value));
  return node;
};

// moved(strength) is told where the line was put: null is where the noise ends, "off" nowhere.
export const histogram = (moved) => {
  const root = g.node("div", { class: "g-histogram", id: "histogram", hidden: true });
  let line = null;

  const show = (heard) => {
    line = heard;
    root.hidden = !heard?.shown;
    if (root.hidden) return;
    const { counts, low, high } = heard.histogram;
    const width = counts.length * 4;
    const x = (strength) => ((strength - low) / (high - low)) * width;
    const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    const most = Math.max(...counts);
    counts.forEach((count, i) => {
      // Roots, so that the few that matter are seen beside the many that do not.
      const tall = count ? Math.max(1.5, Math.sqrt(count / most) * (HEIGHT - 2)) : 0;
      const middle = low + ((i + 0.5) / counts.length) * (high - low);
      svg.append(draw("rect", {
        x: i * 4, y: HEIGHT - tall, width: 3, height: tall, rx: 0.5, class: middle > heard.at ? "g-above" : "g-below",
      }));
    });
    const at = Math.min(width - 1, Math.max(1, x(heard.at)));
    svg.append(draw("line", { x1: at, x2: at, y1: 0, y2: HEIGHT, class: "g-line-mark" }));
    const words = heard.at === 1 ? "Relevance line, where this collection's noise ends" : `Relevance line at ${heard.at.toFixed(2)} times where the noise ends`;
    const slider = g.node("div", {
      class: "g-slider",
      role: "slider",
      tabindex: "0",
      title: `${words}. Drag it, or use the arrow keys.`,
      "aria-label": "Relevance line",
      "aria-valuemin": low.toFixed(2),
      "aria-valuemax": high.toFixed(2),
      "aria-valuenow": heard.at.toFixed(2),
      "aria-valuetext": words,
      onkeydown: (event) => {
        const step = { ArrowLeft: -0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowUp: 0.05 }[event.key];
        if (!step) return;
        event.preventDefault();
        put(line.at + step);
      },
      onpointerdown: (event) => {
        slider.setPointerCapture(event.pointerId);
        drag(event);
      },
      onpointermove: (event) => slider.hasPointerCapture(event.pointerId) && drag(event),
      onpointerup: () => moved(line.at),
    }, svg);
    const drag = (event) => {
      const box = slider.getBoundingClientRect();
      const strength = low + ((event.clientX - box.left) / box.width) * (high - low);
      line.at = Math.round(Math.min(high, Math.max(low, strength)) * 50) / 50;
      const mark = svg.querySelector(".g-line-mark");
      ["x1", "x2"].forEach((name) => mark.setAttribute(name, x(line.at)));
      slider.setAttribute("aria-valuenow", line.at.toFixed(2));
    };
    const put = (strength) => moved(Math.round(Math.min(high, Math.max(low, strength)) * 50) / 50);
    const own = heard.at !== 1 && g.node("button", {
      type: "button", class: "g-clear", id: "own-line", text: "reset", title: "Put the line back to where the noise ends",
      onclick: () => moved(null),
    });
    const hide = g.node("button", {
      type: "button", class: "g-clear", id: "hide-line", text: "hide", title: "Show the results without the relevance line", onclick: () => moved("off"),
    });
    const focused = root.contains(document.activeElement);
    root.replaceChildren(...[hide, own, slider].filter(Boolean));
    if (focused) slider.focus();
  };
  return { root, show };
};
