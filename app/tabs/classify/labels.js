// The labels of a whole collection: progress, how many images each class got, review, accuracy, prompt templates.
import { commandButton } from "../../ui/command/command.js";
import { button, node, notice } from "../../ui/elements/elements.js";
import { count, decimal, images } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { menu } from "../../ui/menu/menu.js";
import { readdress } from "../../ui/navigation/navigation.js";
import { collection, onState, session } from "../../ui/session/session.js";
import { showAccuracy } from "./accuracy.js";
import { labelsDrawn } from "./busy.js";
import { ClassList, stackedBar } from "./class_list.js";
import { writeClasses } from "./default_classes.js";
import { badge, empty, way, ways } from "./parts.js";
import { review } from "./review.js";
import { showTemplates } from "./templates.js";

// Seconds as a duration.
export const duration = (seconds) =>
  seconds < 1
    ? _("{milliseconds} ms", { milliseconds: Math.max(1, Math.round(1000 * seconds)) })
    : `${decimal(seconds, 1)} s`;

const nothing = () => {
  const made = empty(
    _("Label a whole collection"),
    _(
      "Every image gets the class whose text embedding is most similar. You see how many images each class got, review those with the smallest margins, and export the labels.",
    ),
  );
  made.classList.add("g-classify-labels-empty");
  return made;
};

const progress = ({ done, total }) => {
  const text = done
    ? _("Labelled {done} of {total}", { done: count(done), total: images(total) })
    : _("Embedding the classes");
  const bar = node("i", { style: { width: `${Math.max(3, total ? (100 * done) / total : 0)}%` } });
  return node(
    "div",
    { class: "g-classify-job", role: "status" },
    node("p", { text }),
    node("div", { class: "g-progress" }, bar),
  );
};

class Labels {
  constructor(element, props, server, watch) {
    this.root = element.querySelector(".g-classify-labels");
    this.props = props;
    this.server = server;
    this.answer = null; // of the labelling that is shown
    this.drawn = ""; // its job
    this.view = "images";
    this.top = node("div", { class: "g-classify-labels-top" });
    this.body = node("div", { class: "g-classify-labels-body" });
    this.classes = new ClassList(
      server,
      () => this.answer,
      (news) => this.renew(news),
    );
    watch("value", () => this.draw());
    onState(() => {
      const finished = this.answer && this.root.contains(this.top) && props.value?.state === "done";
      if (finished && !this.top.contains(document.activeElement)) this.drawTop();
    });
    this.draw();
  }

  draw() {
    document.getElementById("labels")?.removeAttribute("aria-busy");
    const { value } = this.props;
    if (!value || value.error) {
      this.root.replaceChildren(value ? notice(value.error) : nothing());
      return;
    }
    readdress("classify", { job: value.job });
    if (value.state === "running") {
      this.drawn = "";
      this.root.replaceChildren(progress(value));
    } else if (this.drawn !== value.job) {
      this.drawn = value.job;
      this.answer = value;
      this.drawAll();
      labelsDrawn();
    }
  }

  // Takes over what a correction or learning changed.
  renew(news) {
    if (news.classText) writeClasses(news.classText);
    this.answer = { ...this.answer, ...news };
    if (news.classes && this.view !== "review") this.drawAll();
    else this.drawTop();
  }

  drawAll() {
    this.drawTop();
    if (this.view === "review") {
      review(
        this.body,
        this.server,
        () => this.answer,
        (news) => this.renew(news),
      );
    } else if (this.view === "accuracy") {
      showAccuracy(this.body, this.server, this.answer, (news) => this.renew(news));
    } else if (this.view === "templates") {
      showTemplates(this.body, this.server, this.answer);
    } else {
      this.body.replaceChildren(this.classes.draw(this.answer));
    }
    if (!this.root.contains(this.top)) this.root.replaceChildren(this.top, this.body);
  }

  open(view) {
    this.view = view;
    this.drawAll();
    document.getElementById(`view-${view}`)?.focus();
  }

  drawTop() {
    const { answer } = this;
    const classes = answer.classes.filter((one) => !one.none);
    const open = (one) => {
      this.classes.chosen = one.name;
      this.open("images");
    };
    const parts = [
      this.head(),
      this.grown(),
      answer.understood && node("p", { class: "g-aside", text: answer.understood }),
      stackedBar(answer.classes, open),
      node("div", { class: "g-classify-views" }, this.views(), badge(answer.calibration, classes.length, answer.known)),
    ];
    this.top.replaceChildren(...parts.filter(Boolean));
  }

  head() {
    const { answer } = this;
    const elsewhere =
      collection() && answer.collection !== collection()
        ? _(" of “{collection}”", { collection: answer.collection })
        : "";
    const file = (text, kind) => [text, `labels/${encodeURIComponent(answer.job)}.${kind}`, `labels-${kind}`];
    const files = [file("CSV", "csv"), file("JSON", "json"), file(_("Folder script"), "py")];
    if (session.state?.local) files.push(file(_("Folders, zip"), "zip"));
    return node(
      "div",
      { class: "g-results-head g-classify-labels-head" },
      node(
        "p",
        { class: "g-status", id: "labels-status", role: "status" },
        node("b", { text: images(answer.images) }),
        _(" labelled in {seconds}{elsewhere}", { seconds: duration(answer.seconds), elsewhere }),
      ),
      node(
        "div",
        { class: "g-tools", role: "group", "aria-label": _("Export the labels") },
        menu("download", _("Export"), files, { id: "labels-export" }),
        answer.command && commandButton("copy-label-command", () => this.answer.command),
      ),
    );
  }

  // Says so when the collection has other images than those that are labelled.
  grown() {
    const { state } = session;
    const { answer } = this;
    if (!state || state.collection !== answer.collection || state.searchable === answer.images) return null;
    const again = button(null, _("Label again"), () => document.getElementById("classify-all").click());
    return notice(
      _("The collection now has {images}; {labelled} are labelled. ", {
        images: images(state.searchable),
        labelled: count(answer.images),
      }),
      again,
    );
  }

  views() {
    const { corrections } = this.answer;
    const names = [
      ["images", _("Images")],
      ["review", corrections ? _("Review · {corrections} done", { corrections: count(corrections) }) : _("Review")],
      ["accuracy", _("Accuracy")],
      ["templates", _("Prompt templates")],
    ];
    const buttons = names.map(([name, text]) =>
      way(text, this.view === name, () => this.open(name), { id: `view-${name}` }),
    );
    return ways(_("View"), ...buttons);
  }
}

export const labels = (element, props, server, watch) => new Labels(element, props, server, watch);
