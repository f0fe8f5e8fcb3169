// The learn tab: a list of lessons, and one lesson with something to move and what the server computes of it.
import { commandButton } from "../../ui/command/command.js";
import { node, notice } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { goTo, onAddress, readdress, whichTab } from "../../ui/navigation/navigation.js";
import { imageChooser } from "../../ui/samples/chooser.js";
import { collection, onState, request } from "../../ui/session/session.js";
import { droppable, upload } from "../../ui/upload/upload.js";
import { addressParts, commandOf, parseAddress, settingsOf } from "./address.js";
import { contents } from "./contents.js";
import { controlOf } from "./controls.js";
import { drawPart } from "./figures/figures.js";
import { stream } from "./stream.js";
import { afterword, beginning, pager } from "./texts.js";

const CALM = 150; // milliseconds that a control has to rest before the lesson is computed anew

// Entry point of the tab.
export const learn = (element, server) => new LearnTab(element, server).start();

class LearnTab {
  lessons = [];
  facts = { collection: "", samples: [] }; // images of the collection
  image = null; // { id, name } of the collection or { token, name } of an upload
  #run = null; // the controller of the run that is shown
  #timer = 0;
  #waiting = false; // whether the list of lessons is asked for

  constructor(element, server) {
    this.server = server;
    this.root = element.querySelector(".g-learn");
    this.figures = node("div", { class: "g-learn-figures", id: "learn-figures" });
    this.status = node("p", { class: "g-aside g-learn-status", id: "learn-status", role: "status" });
    this.photo = node("div", { class: "g-learn-photo" });
    droppable(element, ([file]) => this.#upload(file));
  }

  start() {
    onAddress((tab) => tab === "learn" && this.#show());
    onState((state) => {
      if (whichTab() !== "learn") return;
      if (!this.lessons.length) this.#show();
      else if (state.collection !== this.facts.collection) this.#load();
    });
  }

  get lesson() {
    return this.lessons.find(({ name }) => name === this.name) ?? this.lessons[0];
  }

  // Shows what the address names.
  async #show() {
    const { lesson, settings, image } = parseAddress(location.search);
    if (!this.lessons.length && !(await this.#list(lesson))) return;
    this.name = lesson;
    this.settings = settingsOf(this.lesson, settings);
    if (image && image !== this.image?.id) this.image = { id: image, name: _("the chosen image") };
    if (this.facts.collection !== collection()) await this.#describe();
    this.#draw();
  }

  // Asks for the lessons, once; whether they are there.
  async #list(name) {
    if (this.#waiting) return false;
    this.#waiting = true;
    this.root.replaceChildren(node("p", { class: "g-aside", text: _("Loading the lessons") }));
    const take = ({ lessons }) => (this.lessons = lessons);
    const error = await stream({ list: true, lesson: name }, take);
    this.#waiting = false;
    if (error) this.root.replaceChildren(notice(error));
    return !error;
  }

  async #describe() {
    const facts = await request(this.server.describe, { collection: collection() });
    if (facts.error) return;
    if (this.facts.collection && this.image?.id) this.image = null;
    this.facts = facts;
  }

  async #load() {
    await this.#describe();
    if (this.lesson.photos) this.#draw();
  }

  #open(name) {
    goTo("learn", { lesson: name, set: null });
    this.root.querySelector("h2")?.focus({ preventScroll: true });
  }

  #draw() {
    const { lesson } = this;
    const control = (one) => controlOf(one, this.settings[one.name], (value) => this.#set(one.name, value));
    this.figures.replaceChildren();
    this.#drawPhoto();
    const main = node(
      "div",
      { class: "g-learn-main" },
      ...beginning(lesson),
      node("div", { class: "g-learn-controls" }, ...lesson.controls.map(control), this.photo),
      this.status,
      this.figures,
      ...afterword(lesson, this.#command()),
      pager(this.lessons, lesson, (name) => this.#open(name)),
    );
    const list = contents(this.lessons, lesson.name, (name) => this.#open(name));
    this.root.replaceChildren(list, main);
    list.scrollTop = (list.querySelector("[aria-current]")?.offsetTop ?? 0) - list.clientHeight / 2; // seen in the list
    this.#compute();
  }

  #command() {
    return commandButton("learn-command", () => commandOf(this.lesson, this.settings));
  }

  #drawPhoto() {
    const { lesson, facts } = this;
    this.photo.replaceChildren();
    if (!lesson.photos || !facts.samples.length) return;
    const choose = (image) => {
      this.image = image;
      this.#drawPhoto();
      this.#compute();
    };
    const act = { choose, upload: (file) => this.#upload(file) };
    this.photo.append(imageChooser(facts, this.image ?? facts.samples[0], _("Your photo"), act));
  }

  async #upload(file) {
    if (!this.lesson?.photos) return;
    const answer = await upload(file);
    if (answer.error) return this.status.replaceChildren(notice(answer.error));
    this.image = { token: answer.image, name: file.name || _("your photo") };
    this.#drawPhoto();
    this.#compute();
  }

  #set(name, value) {
    this.settings[name] = value;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#compute(), CALM);
  }

  async #compute() {
    const { lesson, settings, image } = this;
    readdress("learn", addressParts(lesson, settings, image));
    this.#run?.abort();
    const run = (this.#run = new AbortController());
    this.figures.setAttribute("aria-busy", "true");
    this.status.textContent = _("Computing");
    const chosen = image && { id: image.id, image: image.token };
    const body = { lesson: lesson.name, settings, photos: lesson.photos, image: chosen, collection: collection() };
    const error = await stream(body, (part) => this.#run === run && drawPart(this.figures, part), run.signal);
    if (this.#run !== run) return;
    this.figures.removeAttribute("aria-busy");
    this.status.replaceChildren(...(error ? [notice(error)] : []));
  }
}
