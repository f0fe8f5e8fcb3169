// The models tab: the catalogue, what this machine and the open collection have of it, and a form for other models.
import { button, node, notice } from "../../ui/elements/elements.js";
import { images } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { goTo, onAddress, whichTab } from "../../ui/navigation/navigation.js";
import { collection, onState, refreshState, request } from "../../ui/session/session.js";
import { modelRow } from "./row.js";

const BUSY = 700; // milliseconds until the next request, while something is fetched or embedded
const CALM = 5000;

const REMOTE = _(
  "Others can reach this page, so models are fetched from the command line: python -m index models get NAME, then python -m index reencode DIR --encoder NAME",
);

// Why the hub cannot be asked, and what to do instead.
const offline = (why) =>
  node(
    "p",
    { class: "g-aside", id: "models-offline" },
    why
      ? _("Models come from another machine, since the Hugging Face hub cannot be reached from here: {why}.", { why })
      : _("The Hugging Face hub cannot be reached from here: models come from another machine."),
  );

const isOpen = () => whichTab() === "models";

// A form for a model that is not in the list. submit(name) answers whether it was accepted.
const otherForm = (submit, pick) => {
  const runs = node("datalist", { id: "models-runs" });
  const name = node("input", {
    class: "g-input g-wide",
    name: "name",
    list: "models-runs",
    placeholder: "hf-hub:timm/ViT-B-16-SigLIP2, ViT-B-32//path/weights.safetensors, runs/my-run",
    "aria-label": _("Another model"),
    autocomplete: "off",
    spellcheck: "false",
  });
  const file = node("input", { type: "file", accept: ".safetensors,.pt,.pth,.bin,.ckpt", hidden: true });
  file.addEventListener("change", () => {
    pick(file.files[0], name);
    file.value = "";
  });
  const onsubmit = async (event) => {
    event.preventDefault();
    if (await submit(name.value.trim())) name.value = "";
  };
  const ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) pick(event.dataTransfer.files[0], name);
  };
  const form = node(
    "form",
    { class: "g-models-other", id: "models-other", onsubmit, ondrop, ondragover: (event) => event.preventDefault() },
    node("h2", { text: _("Another model") }),
    node("p", {
      class: "g-aside",
      text: _(
        "A repository of the hub, a run of python -m training, or a file of weights (.safetensors, or a pickle, which is read without running its code): ARCHITECTURE/FILE.",
      ),
    }),
    node(
      "div",
      { class: "g-models-field" },
      name,
      button(null, _("File"), () => file.click(), { title: _("Or drop it here") }),
      file,
    ),
    node("button", { type: "submit", class: "g-go", text: _("Use it") }),
    runs,
  );
  return { form, runs };
};

// What stands above the small encoders that differ in nothing but their method.
const zooHead = (entries, { local, job, act }) => {
  const missing = entries.filter(({ generation }) => generation?.state !== "ready").length;
  const embed = button(null, _("Embed with all"), () => act({ action: "reencode-zoo" }), {
    class: "g-button g-models-main",
    disabled: job?.state === "running",
    title: _("One after the other; the collection is searched as before"),
  });
  const compare = button(null, _("Compare them"), () => act({ action: "compare-zoo" }), {
    class: missing ? "g-button" : "g-button g-models-main",
  });
  return [
    node("h2", { text: _("The zoo: one tower, several methods") }),
    node("p", {
      class: "g-aside",
      text: _(
        "Small encoders of the same tower, images and training steps. They show what a method learns, in Compare and Probe; search photos with a larger model.",
      ),
    }),
    local && node("div", { class: "g-models-tools" }, missing > 0 && embed, missing < entries.length && compare),
  ].filter(Boolean);
};

// Sends a file to the server; { error } or { name }.
const sendFile = async (address, file) => {
  try {
    const response = await fetch(address, { method: "PUT", body: file });
    const answer = await response.json().catch(() => ({ error: _("The file could not be sent.") }));
    return response.ok ? answer : { error: answer.error || _("The file could not be sent.") };
  } catch {
    return { error: _("The connection to Gelato is lost; the file was not sent.") };
  }
};

class Models {
  constructor(element, server) {
    this.server = server;
    this.timer = 0;
    this.drawn = "";
    this.notice = node("div", { id: "models-notice", role: "status" });
    this.head = node("div", { class: "g-models-head" });
    this.rows = node("div", { class: "g-models-rows", id: "models-rows" });
    this.zoo = node("section", { id: "models-zoo" });
    const { form, runs } = otherForm(
      (name) => this.use(name),
      (file, field) => this.pick(file, field),
    );
    this.form = form;
    this.runs = runs;
    this.remote = node("p", { class: "g-aside", id: "models-remote", hidden: true, text: REMOTE });
    element.querySelector(".g-models").append(this.notice, this.head, this.rows, this.zoo, this.form, this.remote);
    onAddress((tab) => tab === "models" && this.look());
    onState(({ changed }) => changed && isOpen() && this.look());
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    let wait = BUSY;
    if (isOpen()) {
      const overview = await request(this.server.overview, { collection: collection() });
      this.draw(overview);
      const busy = overview.job?.state === "running" || overview.models?.some(({ job }) => job?.state === "running");
      const waiting = overview.online === null || overview.models?.some(({ duration }) => !duration);
      wait = busy ? BUSY : waiting ? 2 * BUSY : CALM;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }

  async act(body) {
    const answer = await request(this.server.act, { collection: collection(), ...body });
    this.notice.replaceChildren(...(answer.error ? [notice(answer.error)] : []));
    if (["switch", "back"].includes(body.action)) refreshState();
    if (body.action.startsWith("compare") && !answer.error) goTo("compare", { a: answer.a, b: answer.b });
    await this.look();
    return !answer.error;
  }

  // A model by its name: fetched first, which does nothing where it is here.
  use(name) {
    return this.act({ action: "get", name });
  }

  async pick(file, field) {
    const architecture = field.value.trim().split("/")[0] || "ViT-B-32";
    this.notice.replaceChildren(notice(_("Sending {name}.", { name: file.name })));
    const answer = await sendFile(`models/files/${encodeURIComponent(file.name)}`, file);
    this.notice.replaceChildren(
      notice(
        answer.error ||
          _("{name} is here. Say which architecture its weights have, before the first slash.", { name: file.name }),
      ),
    );
    if (!answer.error) field.value = `${architecture}/${answer.path}`;
  }

  // Files of a model of the list that came from another machine.
  async drop(entry, files) {
    this.notice.replaceChildren(notice(_("Sending {names}.", { names: files.map(({ name }) => name).join(", ") })));
    const send = (file) => {
      const [repository] = entry.folders.find(([, name]) => name === file.name) || entry.folders[0];
      const query = new URLSearchParams({ repository });
      return sendFile(`models/files/${encodeURIComponent(file.name)}?${query}`, file);
    };
    const failed = (await Promise.all(files.map(send))).find(({ error }) => error);
    if (failed) return this.notice.replaceChildren(notice(failed.error));
    await this.act({ action: "get", name: entry.name, licence: true });
  }

  draw(overview) {
    if (overview.error) {
      if (!overview.lost) this.notice.replaceChildren(notice(overview.error));
      return;
    }
    const now = JSON.stringify(overview);
    if (now === this.drawn) return; // nothing moves under a pointer
    this.drawn = now;
    const { local, online, models, runs, name, encoder, previous } = overview;
    this.form.hidden = !local;
    this.remote.hidden = local;
    this.runs.replaceChildren(...runs.map((value) => node("option", { value })));
    const goBack = () => this.act({ action: "back" });
    const parts = [
      node(
        "p",
        { class: "g-status" },
        node("b", { text: name }),
        _(" · {images}, searched by {encoder}", { images: images(overview.images), encoder }),
      ),
      local && previous && button(null, _("Go back to {previous}", { previous }), goBack, { id: "models-back" }),
      online === false && offline(overview.absence),
    ];
    this.head.replaceChildren(...parts.filter(Boolean));
    const open = new Set(
      [...this.rows.querySelectorAll("details[open]")].map((one) => one.closest("[data-model]").dataset.model),
    );
    const context = { ...overview, act: (body) => this.act(body), drop: (entry, files) => this.drop(entry, files) };
    const ofZoo = models.filter((entry) => entry.zoo && !entry.serving);
    const rows = (entries) => entries.map((entry) => modelRow(entry, context));
    this.rows.replaceChildren(...rows(models.filter((entry) => !ofZoo.includes(entry))));
    this.zoo.replaceChildren(...zooHead(ofZoo, context), node("div", { class: "g-models-rows" }, ...rows(ofZoo)));
    for (const details of this.rows.querySelectorAll("details")) {
      details.open = open.has(details.closest("[data-model]").dataset.model);
    }
  }
}

export const models = (element, server) => new Models(element, server);
