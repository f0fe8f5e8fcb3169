// Learning from corrections, beside the review: the button, and whether it made the labels better.
import { button, node } from "../../ui/elements/elements.js";
import { count, images, interval, percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";
import { LEAST_LABELS } from "./parts.js";

const right = (figure) =>
  _("{right} of {n} ({interval})", {
    right: Math.round(figure.value * figure.n),
    n: figure.n,
    interval: interval(figure),
  });

// What learning did, in sentences. order: of the queue that was reviewed.
const learningNotes = (learned, column, order) => {
  if (!learned) return [];
  const { before, after, gained, lost, helps, elsewhere } = learned;
  const notes = [
    _(
      "Of {n} corrections, each judged without itself, {right} were right before and {rightAfter} after: {gained} gained, {lost} lost.",
      { n: after.n, right: right(before), rightAfter: right(after), gained, lost },
    ),
    helps
      ? _("The labels above now use them.")
      : _("That does not help, so the labels stay as they were. More corrections may change it."),
  ];
  if (elsewhere) {
    const [was, is] = [elsewhere.before, elsewhere.after].map((amount) => percent(amount / elsewhere.n));
    notes.push(
      _("Of {n} outside the corrections with a label in “{column}”, {was} were right before and {is} after.", {
        n: images(elsewhere.n),
        column,
        was,
        is,
      }),
    );
  } else if (order !== "random") {
    notes.push(
      _(
        "The images that come first are harder than the rest, so this says nothing of the whole collection; review some images at random for that.",
      ),
    );
  }
  return notes;
};

export class LearningPanel {
  constructor(review) {
    this.review = review;
    this.root = node("div", { class: "g-classify-teach", id: "teach" });
  }

  draw() {
    const { review } = this;
    const labelling = review.labelling();
    const { learned, corrections, independent } = labelling;
    const enough = corrections >= review.state.needed;
    const notes = learningNotes(learned, labelling.column, review.order.order);
    const parts = [
      node("h3", { text: _("{corrections} reviewed", { corrections: images(corrections) }) }),
      independent ? this.onlyForOne() : this.buttons(corrections, learned, enough),
      !enough &&
        !independent &&
        this.aside(_("It takes {needed}, of two classes at least.", { needed: review.state.needed })),
      ...notes.map((text) => node("p", { class: "g-classify-learned", text })),
      this.calibrateButton(labelling),
    ];
    this.root.replaceChildren(...parts.filter(Boolean));
  }

  aside(text) {
    return node("p", { class: "g-aside", text });
  }

  onlyForOne() {
    return this.aside(
      _("Learning is for “one of these”: an answer here says which class it is, not all that it shows."),
    );
  }

  buttons(corrections, learned, enough) {
    const { learn } = this.review.server;
    const settings = { id: "learn", class: "g-button g-accept", disabled: !enough };
    return node(
      "div",
      { class: "g-actions" },
      button(
        null,
        _("Learn from {corrections}", { corrections: count(corrections) }),
        () => this.work({ on: true }, learn),
        settings,
      ),
      learned && button(null, _("Forget"), () => this.work({ on: false }, learn), { id: "forget" }),
    );
  }

  // Offered once other labels are known than those that probabilities were calibrated on.
  calibrateButton({ known: inLabelling, calibration }) {
    const { known } = this.review.state;
    if (inLabelling === undefined || known < LEAST_LABELS || known === calibration.known) return null;
    const onclick = () => this.work({}, this.review.server.calibrate);
    return button(null, _("Calibrate on {known} labels", { known: count(known) }), onclick, { id: "recalibrate" });
  }

  async work(body, serverFunction) {
    this.root.setAttribute("aria-busy", "true");
    const news = await request(serverFunction, { job: this.review.labelling().job, ...body });
    this.root.removeAttribute("aria-busy");
    if (news.error) {
      this.review.fail(news.error);
      return;
    }
    this.review.renew(news);
    await this.review.load();
  }
}
