// The review: one image at a time, smallest margins first; each answer is stored as a correction.
import { button, node, notice } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { media, request } from "../../ui/session/session.js";
import { LearningPanel } from "./learning.js";
import { nameOf, way, ways } from "./parts.js";
import { KEYS, giveKeysTo } from "./review_keys.js";

const AHEAD = 8; // images that are shown in small, after the one that is judged

// The classes to choose from, in the order of the keys: with more classes than keys, the two likeliest come first.
export const choicesOf = (item, classes) => {
  const all = classes.toSorted((a, b) => a.answer - b.answer);
  if (all.length <= KEYS) return all;
  const first = [item.answer, item.second].filter((k) => k >= 0).map((k) => all[k]);
  return [...first, ...all.filter((one) => !first.includes(one))];
};

const keyButton = (key, text, id, onclick, settings = {}) =>
  node(
    "button",
    { type: "button", class: "g-button", id, onclick, ...settings },
    node("kbd", { text: key }),
    node("span", { text }),
  );

class Review {
  // labelling() gives the labelling as it is now; renew(news) takes over what changed.
  constructor(body, server, labelling, renew) {
    Object.assign(this, { server, labelling, renew });
    this.queue = [];
    this.state = {};
    this.order = "close";
    this.skipped = new Set();
    this.sending = Promise.resolve(); // answers are sent one after the other, behind what is shown
    this.stage = node("div", { class: "g-classify-stage" });
    this.strip = node("div", { class: "g-classify-strip", "aria-hidden": "true" });
    this.message = node("p", { class: "g-aside", role: "status", id: "review-said" });
    this.learning = new LearningPanel(this);
    const lane = node("div", { class: "g-classify-lane" }, this.orders(), this.stage, this.message, this.strip);
    const settings = { class: "g-classify-review", id: "review", tabindex: "-1", "aria-label": _("Review") };
    this.root = node("section", settings, lane, this.learning.root);
    body.replaceChildren(this.root);
    giveKeysTo(this);
    this.load().then(() => this.focus());
  }

  focus() {
    this.root.focus({ preventScroll: true });
  }

  fail(error) {
    this.message.replaceChildren(notice(error));
  }

  orders() {
    const choose = (order) => (event) => {
      this.order = order;
      for (const one of event.target.parentElement.children) one.setAttribute("aria-pressed", one === event.target);
      this.skipped = new Set();
      this.load();
    };
    return ways(
      _("Which first"),
      way(_("Smallest margin"), true, choose("close")),
      way(_("At random"), false, choose("any")),
    );
  }

  async load() {
    this.root.setAttribute("aria-busy", "true");
    const state = await request(this.server.review, { job: this.labelling().job, order: this.order });
    this.root.removeAttribute("aria-busy");
    if (state.error) {
      this.stage.replaceChildren(notice(state.error));
      return;
    }
    this.state = state;
    this.queue = state.queue.filter((item) => !this.skipped.has(item.id));
    this.show();
  }

  show() {
    this.learning.draw();
    const [item, ...next] = this.queue;
    this.stage.replaceChildren(...(item ? this.question(item) : [this.finished()]));
    const small = (one) => node("img", { src: media(this.state.collection, one.id), alt: "" });
    this.strip.replaceChildren(...next.slice(0, AHEAD).map(small));
  }

  finished() {
    const text = this.state.left ? _("You skipped the rest") : _("Every image is reviewed");
    const again = () => {
      this.skipped = new Set();
      this.load();
    };
    const back = this.state.left > 0 && button(null, _("Look at the skipped ones"), again);
    return node("div", { class: "g-empty" }, node("b", { text }), back);
  }

  name(answer) {
    return nameOf(this.labelling().classes.find((one) => one.answer === answer));
  }

  question(item) {
    const choices = choicesOf(item, this.labelling().classes);
    const runnerUp = item.second >= 0 ? _(", then {name}", { name: this.name(item.second) }) : "";
    const ahead =
      runnerUp && !this.labelling().independent
        ? _(", {margin} ahead", { margin: percent(item.margin).replace("%", _("points")) })
        : "";
    const detail = `${percent(item.probability)}${runnerUp}${ahead} · ${item.name}`;
    return [
      node("img", { class: "g-classify-big", src: media(this.state.collection, item.id), alt: item.name }),
      node(
        "div",
        { class: "g-classify-judge" },
        node("h3", { id: "review-question", text: `${this.name(item.answer)}?` }),
        node("p", { class: "g-aside", text: detail }),
        this.classButtons(item, choices),
        node(
          "div",
          { class: "g-actions" },
          keyButton("Enter", _("Yes, {name}", { name: this.name(item.answer) }), "accept", () => this.accept(), {
            class: "g-button g-accept",
          }),
          keyButton("S", _("Skip"), "skip", () => this.skip()),
          keyButton("U", _("Undo"), "undo", () => this.undo(), { disabled: !this.state.canUndo }),
        ),
      ),
    ];
  }

  classButtons(item, choices) {
    const made = choices.slice(0, KEYS).map((one, i) =>
      node(
        "button",
        {
          type: "button",
          class: `g-classify-key ${one.answer === item.answer ? "g-classify-guess" : ""}`,
          "data-answer": one.answer,
          onclick: () => this.judge(one.answer),
        },
        node("kbd", { text: i + 1 }),
        node("span", { text: nameOf(one) }),
      ),
    );
    const settings = { class: "g-classify-keys", role: "group", "aria-label": _("The right class") };
    return node("div", settings, ...made, this.otherClasses(choices.slice(KEYS)));
  }

  otherClasses(choices) {
    if (!choices.length) return null;
    const onchange = (event) => this.judge(event.target.value === "" ? -1 : Number(event.target.value));
    const options = choices.map((one) => node("option", { value: one.answer, text: nameOf(one) }));
    const none = node("option", { text: _("another class …"), value: "" });
    return node("select", { "aria-label": _("Another class"), onchange }, none, ...options);
  }

  // ---- answers

  choose(i) {
    const [item] = this.queue;
    const choice = item && choicesOf(item, this.labelling().classes)[i];
    if (choice) this.judge(choice.answer);
  }

  accept() {
    if (this.queue[0]) this.judge(this.queue[0].answer);
  }

  skip() {
    const item = this.queue.shift();
    if (!item) return;
    this.skipped.add(item.id);
    if (this.queue.length) this.show();
    else this.load();
    this.focus();
  }

  // The next image shows at once; the answer is sent behind it.
  judge(answer) {
    const [item] = this.queue;
    if (!item || !(answer >= 0)) return;
    this.queue.shift();
    if (this.queue.length) this.show();
    this.focus();
    this.sending = this.sending.then(() => this.send(item, answer));
  }

  async send(item, answer) {
    const state = await request(this.server.correct, { job: this.labelling().job, id: item.id, answer });
    if (state.error) {
      this.queue.unshift(item);
      this.show();
      this.fail(state.error);
      return;
    }
    const outcome = answer === item.answer ? _("accepted as") : _("corrected to");
    this.message.textContent = `${item.name}: ${outcome} ${this.name(answer)}.`;
    this.update(state);
    document.getElementById("undo")?.removeAttribute("disabled");
    if (this.queue.length) this.learning.draw();
    else await this.load();
  }

  undo() {
    this.sending = this.sending.then(() => this.takeBack());
  }

  async takeBack() {
    if (!this.state.canUndo) return;
    const state = await request(this.server.correct, { job: this.labelling().job, undo: true });
    if (state.error) {
      this.fail(state.error);
      return;
    }
    this.message.textContent = _("The last answer is taken back.");
    this.update(state);
    await this.load();
    const at = this.queue.findIndex((item) => item.id === state.undone);
    if (at > 0) this.queue.unshift(...this.queue.splice(at, 1));
    this.show();
    this.focus();
  }

  update(state) {
    this.state = { ...this.state, ...state };
    const { classes, corrections, canUndo, known } = state;
    this.renew({ classes, corrections, canUndo, known });
  }
}

export const review = (body, server, labelling, renew) => new Review(body, server, labelling, renew);
