// The review: one image at a time, those first that the labels are least certain of; each answer is stored as a correction.
import { button, node, notice } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { media, request } from "../../ui/session/session.js";
import { choicesOf, classField, namedClasses } from "./class_field.js";
import { LearningPanel } from "./learning.js";
import { nameOf } from "./parts.js";
import { reviewOrder } from "./review_order.js";
import { KEYS, giveKeysTo } from "./review_keys.js";

const AHEAD = 8; // images that are shown in small, after the one that is judged

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
    this.order = { order: "margin" }; // fields of a request
    this.skipped = new Set();
    this.sending = Promise.resolve(); // answers are sent one after the other, behind what is shown
    this.stage = node("div", { class: "g-classify-stage" });
    this.strip = node("div", { class: "g-classify-strip", "aria-hidden": "true" });
    this.message = node("p", { class: "g-aside", role: "status", id: "review-said" });
    this.learning = new LearningPanel(this);
    const order = reviewOrder(server, labelling().job, (chosen) => this.reorder(chosen));
    const lane = node("div", { class: "g-classify-lane" }, order, this.stage, this.message, this.strip);
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

  reorder(order) {
    this.order = order;
    this.skipped = new Set();
    return this.load();
  }

  async load() {
    this.root.setAttribute("aria-busy", "true");
    const state = await request(this.server.review, { job: this.labelling().job, ...this.order });
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
    return nameOf(choicesOf(this.labelling().classes)[answer]);
  }

  question(item) {
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
        this.classButtons(item),
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

  // The first classes of the list have the keys 1 to 9, whatever the image; the label and its runner-up have keys of
  // their own.
  classButtons(item) {
    const classes = namedClasses(this.labelling().classes);
    const choice = (key, answer) =>
      node(
        "button",
        {
          type: "button",
          class: `g-classify-key ${answer === item.answer ? "g-classify-guess" : ""}`,
          "data-answer": answer,
          onclick: () => this.judge(answer),
        },
        node("kbd", { text: key }),
        node("span", { text: this.name(answer) }),
      );
    const made = classes.slice(0, KEYS).map((one, i) => choice(i + 1, one.answer));
    if (item.second >= KEYS && item.second < classes.length) made.push(choice("R", item.second));
    made.push(choice(0, classes.length));
    const { form, field } = classField(
      "review-class",
      () => this.labelling().classes,
      (meaning) => this.take(meaning),
    );
    field.addEventListener("keydown", (event) => event.key === "Escape" && this.focus());
    form.prepend(node("kbd", { text: "C", "aria-hidden": "true" }));
    const settings = { class: "g-classify-keys", role: "group", "aria-label": _("The right class") };
    return node("div", settings, ...made, form);
  }

  // ---- answers

  choose(i) {
    if (i < namedClasses(this.labelling().classes).length) this.judge(i);
  }

  none() {
    this.judge(namedClasses(this.labelling().classes).length);
  }

  runnerUp() {
    this.judge(this.queue[0]?.second ?? -1);
  }

  type() {
    document.getElementById("review-class")?.focus();
  }

  take({ answer, name }) {
    if (name === undefined) this.judge(answer);
    else this.sending = this.sending.then(() => this.addClass(name));
  }

  // The collection is labelled anew by one class more, so the queue is another one afterwards.
  async addClass(name) {
    const [item] = this.queue;
    if (!item) return;
    this.root.setAttribute("aria-busy", "true");
    const state = await request(this.server.correct, { job: this.labelling().job, id: item.id, name });
    this.root.removeAttribute("aria-busy");
    if (state.error) {
      this.fail(state.error);
      return;
    }
    this.message.textContent = _("{image}: the new class {name}; the collection is labelled anew.", {
      image: item.name,
      name,
    });
    this.update(state);
    await this.load();
    this.focus();
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
    this.renew(state);
  }
}

export const review = (body, server, labelling, renew) => new Review(body, server, labelling, renew);
