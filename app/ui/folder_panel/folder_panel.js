// A window that writes into a folder of this computer: what would be written is shown first, then it is written, as a job.
import { button, node, notice } from "../elements/elements.js";
import { progressBar } from "../elements/progress.js";
import { folderField } from "../index_form/index_form.js";
import { _ } from "../language/language.js";
import { forget, leave, onAddress, visit } from "../navigation/navigation.js";
import { refreshState, request } from "../session/session.js";

const LOOK = 400; // milliseconds from one look at a running job to the next
const PARAMETER = "panel"; // of the address while one is open, so that Back closes it

export class FolderPanel {
  // server: has folders and listing. id: of the window. texts: { title, folder, placeholder }. fields: nodes above the
  // folder. Those that extend this have the methods
  //   begin(folder, write)  asks the server for a job
  //   state(id), halt(id)   ask how far it is, and for its end
  //   nodes(report)         its report, as nodes
  //   label(report)         what the button that writes says; "" if there is nothing to write
  constructor(server, id, texts, fields = []) {
    this.server = server;
    this.id = id;
    this.job = null; // the id of the job that runs
    this.output = node("div", { class: "g-folder-panel-output", role: "status" });
    this.form = node(
      "form",
      { class: "g-folder-panel-form", onsubmit: (event) => this.submit(event), oninput: () => this.changed() },
      ...fields,
      folderField(server, `${id}-folders`, texts.folder, texts.placeholder),
    );
    this.folder = this.form.elements.source;
    this.look = button(null, _("Preview"), () => this.start(false), { id: `${id}-preview` });
    this.write = button(null, "", () => this.start(true), { id: `${id}-write`, class: "g-go", hidden: true });
    this.stop = button(null, _("Stop"), () => this.halt(this.job), { hidden: true });
    const close = button(null, _("Close"), () => leave(PARAMETER));
    this.root = node(
      "dialog",
      { class: "g-folder-panel", id: `${id}-panel`, "aria-labelledby": `${id}-panel-title` },
      node("h2", { id: `${id}-panel-title`, text: texts.title }),
      this.form,
      this.output,
      node("div", { class: "g-folder-panel-buttons" }, close, this.stop, this.look, this.write),
    );
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // keys of the page are not meant
    this.root.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave(PARAMETER);
    });
    forget(PARAMETER); // of an address that was loaded: what was chosen is not known any more
    onAddress(() => new URLSearchParams(location.search).get(PARAMETER) === id || this.root.close());
  }

  open() {
    this.changed();
    visit(PARAMETER, this.id);
    this.root.showModal();
    this.folder.focus();
  }

  // What was looked at is not what would be written any more.
  changed() {
    this.write.hidden = true;
    if (!this.job) this.output.replaceChildren();
  }

  submit(event) {
    event.preventDefault();
    this.start(false);
  }

  async start(write) {
    if (this.job) return;
    const answer = await this.begin(this.folder.value.trim(), write);
    if (answer.error) this.say(notice(answer.error));
    else await this.follow(answer.id, write);
  }

  async follow(id, write) {
    this.job = id;
    this.running(true);
    if (write) refreshState(); // the bar of jobs has it too
    const state = await this.finished(id);
    this.job = null;
    this.running(false);
    if (write) refreshState();
    if (state.error) return this.say(notice(state.error));
    const { report } = state;
    this.say(...this.nodes(report));
    const label = write ? "" : this.label(report);
    this.write.hidden = !label;
    this.write.querySelector("span").textContent = label;
    if (label) this.write.focus();
    if (write) this.written(report);
  }

  // What was written is there.
  written() {}

  // The state of a job once it runs no more; a bar shows how far it is meanwhile.
  async finished(id) {
    const state = await this.state(id);
    if (state.state !== "running" && !state.lost) return state;
    if (!state.lost) this.say(progressBar(state));
    await new Promise((done) => setTimeout(done, LOOK));
    return this.finished(id);
  }

  running(on) {
    this.look.disabled = on;
    this.stop.hidden = !on;
    if (on) this.write.hidden = true;
  }

  say(...nodes) {
    this.output.replaceChildren(...nodes);
  }

  ask(serverFunction, body) {
    return request(serverFunction, body);
  }
}
