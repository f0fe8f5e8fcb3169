// Exports into a folder of this computer: what would be written is shown first, then it is written, as a job.
import { button, node, notice } from "../elements/elements.js";
import { folderField } from "../index_form/index_form.js";
import { _ } from "../language/language.js";
import { request } from "../session/session.js";
import { reportNodes, writeText } from "./report.js";

const LOOK = 400; // milliseconds from one look at a running job to the next

const select = (name, label, choices) =>
  node(
    "label",
    { class: "g-export-panel-field" },
    node("span", { text: label }),
    node(
      "select",
      { class: "g-input g-wide", name },
      ...choices.map(([value, text]) => node("option", { value, text })),
    ),
  );

export class ExportPanel {
  // server: has exportTo, exportState, stop and folders.
  constructor(server) {
    this.server = server;
    this.choice = null; // the fields of what is exported
    this.job = null; // the id of the job that runs
    this.output = node("div", { class: "g-export-panel-output", role: "status" });
    this.form = node(
      "form",
      { class: "g-export-panel-form", onsubmit: (event) => this.submit(event), onchange: () => this.changed() },
      select("to", _("What"), [
        ["folders", _("Copies of the originals")],
        ["xmp", _("Tags and captions as XMP files")],
      ]),
      select("labels", _("Subfolders"), [
        ["", _("As in the source")],
        ["tags", _("One a tag, the first of each image")],
        ["corrections", _("One a label that you gave")],
      ]),
      folderField(server, "export-folders", _("Folder"), "~/Pictures/gelato"),
    );
    this.folder = this.form.elements.source;
    this.look = button(null, _("Preview"), () => this.start(false), { id: "export-preview" });
    this.write = button(null, "", () => this.start(true), { id: "export-write", class: "g-go", hidden: true });
    this.stop = button(null, _("Stop"), () => request(server.stop, { job: this.job }), { hidden: true });
    const close = button(null, _("Close"), () => this.root.close());
    this.root = node(
      "dialog",
      { class: "g-export-panel", id: "export-panel", "aria-labelledby": "export-panel-title" },
      node("h2", { id: "export-panel-title", text: _("Export into a folder") }),
      this.form,
      this.output,
      node("div", { class: "g-export-panel-buttons" }, close, this.stop, this.look, this.write),
    );
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // keys of the page are not meant
  }

  // choice: the fields of what is chosen, as the server takes them.
  open(choice) {
    this.choice = choice;
    this.changed();
    this.root.showModal();
    this.folder.focus();
  }

  // What was looked at is not what would be written any more.
  changed() {
    const xmp = this.form.elements.to.value === "xmp";
    this.form.elements.labels.closest("label").hidden = xmp;
    this.folder.placeholder = xmp ? _("beside the originals") : "~/Pictures/gelato";
    this.write.hidden = true;
    if (!this.job) this.output.replaceChildren();
  }

  submit(event) {
    event.preventDefault();
    this.start(false);
  }

  async start(write) {
    if (this.job) return;
    const { to, labels } = this.form.elements;
    const fields = { to: to.value, labels: to.value === "xmp" ? "" : labels.value, out: this.folder.value.trim() };
    const answer = await request(this.server.exportTo, { ...this.choice, ...fields, write });
    if (answer.error) this.say(notice(answer.error));
    else await this.follow(answer.id, write);
  }

  async follow(id, write) {
    this.job = id;
    this.running(true);
    const state = await this.finished(id);
    this.job = null;
    this.running(false);
    if (state.error) return this.say(notice(state.error));
    const { report } = state;
    this.say(...reportNodes(report));
    this.write.hidden = write || !(report.written + report.updated);
    this.write.querySelector("span").textContent = writeText(report);
    if (!this.write.hidden) this.write.focus();
  }

  // The state of a job once it runs no more; a bar shows how far it is meanwhile.
  async finished(id) {
    const state = await request(this.server.exportState, { job: id });
    if (state.state !== "running" && !state.lost) return state;
    if (!state.lost) this.say(this.bar(state));
    await new Promise((done) => setTimeout(done, LOOK));
    return this.finished(id);
  }

  running(on) {
    this.look.disabled = on;
    this.stop.hidden = !on;
    if (on) this.write.hidden = true;
  }

  bar({ done, total }) {
    const width = `${total ? Math.max(2, (100 * done) / total) : 3}%`;
    return node("div", { class: "g-progress" }, node("i", { style: { width } }));
  }

  say(...nodes) {
    this.output.replaceChildren(...nodes);
  }
}
