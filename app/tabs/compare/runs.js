// Training runs: a chart for each measure with a line for each run, updated while one of them trains.
import { button, copy, node } from "../../ui/elements/elements.js";
import { count } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { onAddress, whichTab } from "../../ui/navigation/navigation.js";
import { request } from "../../ui/session/session.js";
import { lineChart } from "../../ui/plots/chart.js";

const COLOURS = ["#3f90da", "#e76300", "#832db6", "#bd1f01", "#a96b59", "#717581", "#b9ac70", "#92dadd"];
const TRAINING = 4000; // milliseconds until the next look while a run trains
const RESTING = 30000; // and otherwise
const FIRST = 6; // charts before "Show more"
const COMMAND = "python -m training clip --data SOURCE --tower tiny";
const NOTE = _("Losses of different methods are not comparable; compare them by figures such as k-NN accuracy.");

// The chart of a curve, and its place among the charts. A loss belongs to its method, and gets a chart for each.
function chartOf(name, run) {
  const shared = name.startsWith("evaluation") || name === "images_per_second" || name.startsWith("learning");
  const title = shared ? name.replace(/^evaluation\//, "") : `${name}, ${run.method || run.name}`;
  if (name.startsWith("evaluation")) return { title, place: 0 };
  if (name === "loss") return { title, place: 1 };
  return { title, place: shared ? 3 : 2 };
}

// The charts of all runs in their order: { title, lines } of each.
export function chartsOf(runs, colourOf) {
  const charts = new Map();
  for (const run of runs)
    for (const [name, points] of Object.entries(run.curves)) {
      const { title, place } = chartOf(name, run);
      if (!charts.has(title)) charts.set(title, { title, place, lines: [] });
      charts.get(title).lines.push({ name: run.name, points, colour: colourOf(run) });
    }
  return [...charts.values()].sort((a, b) => a.place - b.place);
}

function progressText({ going, step, steps }) {
  if (going) return _("training, step {step} of {steps}", { step: count(step), steps: count(steps) });
  return steps > step
    ? _("stopped at step {step} of {steps}", { step: count(step), steps: count(steps) })
    : _("{step} steps", { step: count(step) });
}

function noRuns(folder) {
  const copyButton = button("copy", _("Copy"), () => copy(COMMAND, copyButton), {
    class: "g-button g-small",
    "aria-label": _("Copy the command"),
  });
  const text = _(
    "There are none yet. A run appears here as soon as it has logged two steps into {folder}/, and its curves grow while it trains:",
    { folder },
  );
  return [node("p", { class: "g-aside", text }), node("p", {}, node("code", { text: COMMAND }), " ", copyButton)];
}

function runButton(run, colour, shown, onclick) {
  const settings = {
    type: "button",
    class: `g-compare-run ${run.going ? "g-compare-training" : ""}`,
    "aria-pressed": String(shown),
    onclick,
  };
  return node(
    "button",
    settings,
    node("i", { style: { background: colour } }),
    node("b", { text: run.name }),
    node("span", { text: [run.method, progressText(run)].filter(Boolean).join(" · ") }),
  );
}

export class Runs {
  element = node("section", { class: "g-compare-part", id: "compare-runs" });
  #hidden = new Set(); // names of runs that are switched off
  #all = false; // whether every chart is shown
  #answer = null; // { runs, folder }
  #timer = 0;

  constructor(server) {
    this.server = server;
  }

  start() {
    onAddress((tab) => tab === "compare" && this.#look());
    this.#look();
  }

  async #look() {
    clearTimeout(this.#timer);
    let wait = TRAINING;
    if (whichTab() === "compare") {
      const answer = await request(this.server.runs, {});
      const read = this.element.querySelector("svg:hover"); // someone reads values there
      if (!answer.error && !read && JSON.stringify(answer) !== JSON.stringify(this.#answer)) {
        this.#answer = answer;
        this.#draw();
      }
      if (!answer.error && !answer.runs.some((run) => run.going)) wait = RESTING;
    }
    this.#timer = setTimeout(() => this.#look(), wait);
  }

  #draw() {
    const { runs, folder } = this.#answer;
    const title = node("h2", { text: _("Training runs") });
    if (!runs.length) return this.element.replaceChildren(title, ...noRuns(folder));
    const colourOf = (run) => COLOURS[runs.indexOf(run) % COLOURS.length];
    const toggle = ({ name }) => {
      if (!this.#hidden.delete(name)) this.#hidden.add(name);
      this.#draw();
    };
    const buttons = runs.map((run) => runButton(run, colourOf(run), !this.#hidden.has(run.name), () => toggle(run)));
    const charts = chartsOf(
      runs.filter((run) => !this.#hidden.has(run.name)),
      colourOf,
    );
    const shown = this.#all ? charts : charts.slice(0, FIRST);
    this.element.replaceChildren(
      title,
      node("div", { class: "g-compare-runs", role: "group", "aria-label": _("Runs shown") }, ...buttons),
      node(
        "div",
        { class: "g-compare-charts" },
        ...shown.map((chart) => lineChart(chart.title.replaceAll("_", " "), chart.lines)),
      ),
      ...(charts.length > FIRST ? [this.#moreButton(charts.length - FIRST)] : []),
      node("p", { class: "g-aside", text: NOTE }),
    );
  }

  #moreButton(more) {
    const toggle = () => {
      this.#all = !this.#all;
      this.#draw();
    };
    return button(null, this.#all ? _("Show fewer") : _("Show {more} more", { more }), toggle, {
      class: "g-button g-small",
    });
  }
}
