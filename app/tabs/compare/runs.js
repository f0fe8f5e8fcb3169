// Training runs: a small chart for each measure, all runs in it, looked at again while one is going.
import * as g from "../../ui/ui.js";
import * as own from "./runs.js";

const COLOURS = ["#3f90da", "#e76300", "#832db6", "#bd1f01", "#a96b59", "#717581", "#b9ac70", "#92dadd"];
const WIDTH = 300,
  HEIGHT = 150,
  LEFT = 44,
  BOTTOM = 22,
  TOP = 8;
const GOING = 4000,
  RESTING = 30000; // milliseconds until the next look
const FIRST = 6; // charts before "more"

const svg = (tag, settings = {}, text = "") => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(settings).forEach(([name, value]) => node.setAttribute(name, value));
  node.textContent = text;
  return node;
};
const short = (value) => {
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(0)}k`;
  if (size && size < 1e-3) return value.toExponential(0);
  return String(+value.toPrecision(3));
};
// Round numbers between two ends, three or so.
const ticks = (low, high) => {
  const rough = (high - low) / 3 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-6; v += step) found.push(v);
  return found;
};

export const chart = (title, lines) => {
  const xs = lines.flatMap((line) => line.points.map(([x]) => x)),
    ys = lines.flatMap((line) => line.points.map(([, y]) => y));
  const x0 = 0,
    x1 = Math.max(...xs, 1);
  let y0 = Math.min(...ys),
    y1 = Math.max(...ys);
  if (y0 === y1)[y0, y1] = [y0 - 0.5, y1 + 0.5];
  const px = (x) => LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - 8);
  const py = (y) => TOP + (y1 - y) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
  const told = lines.map((line) => `${line.name}: ${short(line.points[line.points.length - 1][1])}`).join(", ");
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}, last ${told}` });
  for (const y of ticks(y0, y1)) {
    chart.append(svg("line", { x1: LEFT, x2: WIDTH - 8, y1: py(y), y2: py(y), class: "g-chart-grid" }), svg("text", {
      x: LEFT - 6, y: py(y) + 4, "text-anchor": "end" }, short(y)));
  }
  for (const x of ticks(x0, x1)) chart.append(svg("text", { x: px(x), y: HEIGHT - 6, "text-anchor": "middle" }, short(
    x)));
  for (const line of lines) {
    chart.append(svg("path", { d: line.points.map(([x, y], i) => `${i ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`)
        .join(""), stroke: line.colour, class: "g-chart-line" }));
    const [x, y] = line.points[line.points.length - 1];
    chart.append(svg("circle", { cx: px(x), cy: py(y), r: 2.5, fill: line.colour }));
  }
  const rule = svg("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "g-chart-rule", visibility: "hidden" });
  chart.append(rule);
  const caption = g.node("figcaption", {}, g.node("b", { text: title }), g.node("span", { class: "g-chart-value" }));
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = x0 + ((event.clientX - box.left) / box.width * WIDTH - LEFT) / (WIDTH - LEFT - 8) * (x1 - x0);
    const values = lines.map((line) => line.points.reduce((best, point) => Math.abs(point[0] - x) < Math.abs(best[0] -
      x) ? point : best));
    rule.setAttribute("visibility", "visible");
    rule.setAttribute("x1", px(values[0][0]));
    rule.setAttribute("x2", px(values[0][0]));
    caption.lastChild.replaceChildren(g.node("span", { text: `step ${g.count(values[0][0])}` }), ...values.map((value,
      i) => g.node("span", { style: { color: lines[i].colour }, text: short(value[1]) })));
  });
  chart.addEventListener("pointerleave", () => {
    rule.setAttribute("visibility", "hidden");
    caption.lastChild.replaceChildren();
  });
  return g.node("figure", { class: "g-chart" }, caption, chart);
};

export const runs = (root, question, visible) => {
  let seen = "";
  let all = false;
  const hidden = new Set();
  let timer = 0;

  const draw = (runs, folder) => {
    const paint = (run) => COLOURS[runs.indexOf(run) % COLOURS.length];
    const line = "python -m training clip --data SOURCE --tower tiny";
    if (!runs.length) {
      const copy = g.button("copy", "Copy", () => g.copy(line, copy), { class: "g-button g-small",
        "aria-label": "Copy the command" });
      root.replaceChildren(g.node("h2", { text: "Training runs" }), g.node("p", { class: "g-aside", text:
          `None yet. A run appears here as soon as it has written two lines into ${folder}/, and its curves grow while it trains:` }),
        g.node("p", {}, g.node("code", { text: line }), " ", copy));
      return;
    }
    const shown = runs.filter((run) => !hidden.has(run.name));
    // A loss belongs to its method: those of two methods are different things and get a chart each.
    const charts = new Map();
    for (const run of shown)
      for (const [name, points] of Object.entries(run.curves)) {
        const own = name.startsWith("evaluation") || name === "images_per_second" || name.startsWith("learning");
        const title = own ? name.replace(/^evaluation\//, "") : `${name}, ${run.method || run.name}`;
        const rank = name.startsWith("evaluation") ? 0 : name === "loss" ? 1 : own ? 3 : 2;
        if (!charts.has(title)) charts.set(title, { rank, lines: [] });
        charts.get(title).lines.push({ name: run.name, points, colour: paint(run) });
      }
    const sorted = [...charts].sort((a, b) => a[1].rank - b[1].rank);
    const part = all ? sorted : sorted.slice(0, FIRST);
    root.replaceChildren(g.node("h2", { text: "Training runs" }),
      g.node("div", { class: "g-runs", role: "group", "aria-label": "Runs shown" }, ...runs.map((run) => {
        const state = run.going ? `going, step ${g.count(run.step)} of ${g.count(run.steps)}` : run.steps > run.step ?
          `stopped at step ${g.count(run.step)} of ${g.count(run.steps)}` : `${g.count(run.step)} steps`;
        return g.node("button", { type: "button", class: `g-run ${run.going ? "g-going" : ""}`,
          "aria-pressed": String(!hidden.has(run.name)), onclick: () => {
            hidden.has(run.name) ? hidden.delete(run.name) : hidden.add(run.name);
            draw(runs, folder);
          } }, g.node("i", { style: { background: paint(run) } }), g.node("b", { text: run.name }), g.node("span", {
          text: [run.method, state].filter(Boolean).join(" · ") }));
      })),
      g.node("div", { class: "g-charts" }, ...part.map(([title, { lines }]) => own.chart(title.replaceAll("_", " "),
        lines))),
      ...(sorted.length > FIRST ? [g.button(null, all ? "Show fewer" : `Show ${sorted.length - FIRST} more`, () => {
        all = !all;
        draw(runs, folder);
      }, { class: "g-button g-small" })] : []),
      g.node("p", { class: "g-aside", text:
          "Losses of different methods measure different things; compare figures such as kNN across them, never losses." })
      );
  };
  const look = async () => {
    clearTimeout(timer);
    let wait = GOING;
    if (visible()) {
      const answer = await g.request(question, {});
      if (!answer.error) {
        const now = JSON.stringify(answer.runs);
        if (now !== seen && !root.querySelector("svg:hover")) {
          seen = now;
          draw(answer.runs, answer.folder);
        }
        if (!answer.runs.some((run) => run.going)) wait = RESTING;
      }
    }
    timer = setTimeout(look, wait);
  };
  look();
  g.onAddress((tab) => tab === "compare" && look());
};
