// Follow the lecture: a strip of nine steps; each sets the page to one idea and asks one question.
import { button, copy, icon, node, notice } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { onLecture } from "../../ui/navigation/navigation.js";
import { collection, onState, request, session } from "../../ui/session/session.js";
import { lossFigure } from "./loss.js";
import { recipeFigure } from "./recipe.js";
import { STEPS, firstStep } from "./steps.js";

const KEY = "gelato-lecture"; // of the step in the session's storage, so that a reload keeps it
const DRAWN = 600; // milliseconds until the tabs are drawn

// Entry point of the strip.
export const lecture = (element, server) => new Lecture(element.querySelector(".g-lecture"), server).start();

class Lecture {
  #turn = 0; // of requests, so that only the latest is shown
  #batch = 0; // which images the figures show
  #memory = { face: "cosines" }; // what the matrix shows

  constructor(root, server) {
    this.root = root;
    this.server = server;
    this.parameter = new URLSearchParams(location.search).get("lecture");
    this.at = firstStep(this.parameter, sessionStorage.getItem(KEY));
  }

  start() {
    onLecture(() => this.open(this.at < 0 ? 0 : -1));
    this.#draw();
    if (this.parameter) setTimeout(() => STEPS[this.at]?.open?.(), DRAWN);
    let seen = session.state?.collection ?? "";
    onState((state) => {
      if (state.collection === seen) return;
      const first = !seen;
      seen = state.collection;
      if (!first || STEPS[this.at]?.figure) this.#draw();
    });
  }

  // Opens a step, or closes the strip with -1.
  open(step) {
    this.at = step;
    this.#turn++;
    if (step < 0) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, step);
    this.#draw();
    STEPS[step]?.open?.();
  }

  #draw() {
    const step = STEPS[this.at];
    this.root.hidden = !step;
    if (!step) return this.root.replaceChildren();
    const figure = node("div", { class: "g-lecture-figure", "aria-live": "polite" });
    this.root.replaceChildren(
      this.#head(step.title),
      node("p", { text: step.text }),
      ...(step.command ? [commandLine(step.command)] : []),
      figure,
      this.#foot(step),
    );
    if (step.figure) this.#drawFigure(step.figure, figure);
  }

  #head(title) {
    const stepButton = ({ title: name }, i) =>
      node("button", {
        type: "button",
        text: String(i + 1),
        title: name,
        "aria-label": _("Step {i}: {name}", { i: i + 1, name }),
        "aria-current": i === this.at ? "step" : null,
        onclick: () => this.open(i),
      });
    const close = node(
      "button",
      {
        type: "button",
        class: "g-icon-button",
        id: "lecture-close",
        title: _("Close the lecture"),
        "aria-label": _("Close the lecture"),
        onclick: () => this.open(-1),
      },
      icon("close"),
    );
    const steps = STEPS.map((step, i) => node("li", {}, stepButton(step, i)));
    return node(
      "div",
      { class: "g-lecture-head" },
      node("ol", { class: "g-lecture-steps" }, ...steps),
      node("h2", { text: title }),
      close,
    );
  }

  #foot({ question, answer }) {
    const last = this.at === STEPS.length - 1;
    const settings = { class: "g-button g-lecture-button", id: "lecture-next" };
    return node(
      "div",
      { class: "g-lecture-foot" },
      node("details", { id: "lecture-question" }, node("summary", { text: question }), node("p", { text: answer })),
      !last && button(null, _("Next"), () => this.open(this.at + 1), settings),
    );
  }

  async #drawFigure(name, figure) {
    const turn = ++this.#turn;
    figure.setAttribute("aria-busy", "true");
    if (!figure.childElementCount)
      figure.replaceChildren(node("p", { class: "g-aside", text: _("Computing the figure") }));
    const answer = await request(this.server[name], { collection: collection(), turn: this.#batch });
    if (turn !== this.#turn) return;
    figure.removeAttribute("aria-busy");
    if (answer.error) return figure.replaceChildren(notice(answer.error));
    const next = (label) =>
      button(
        null,
        label,
        () => {
          this.#batch++;
          this.#drawFigure(name, figure);
        },
        { class: "g-button g-small g-lecture-button" },
      );
    if (name === "recipe") figure.replaceChildren(recipeFigure(answer), next(_("Another image")));
    else figure.replaceChildren(lossFigure(answer, next(_("Another batch")), this.#memory));
  }
}

function commandLine(text) {
  const copyButton = button("copy", _("Copy"), () => copy(text, copyButton), {
    class: "g-button g-small",
    "aria-label": _("Copy the command"),
  });
  return node("p", {}, node("code", { text }), " ", copyButton);
}
