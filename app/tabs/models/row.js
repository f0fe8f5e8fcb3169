// The row of a model: what it is, where it stands, and what can be done with it.
import { button, node } from "../../ui/elements/elements.js";
import { progressBar } from "../../ui/elements/progress.js";
import { _ } from "../../ui/language/language.js";
import {
  downloadText,
  embeddingText,
  figureText,
  parameterText,
  sizeText,
  stateText,
  timeText,
  useText,
} from "./texts.js";

const running = (job) => job?.state === "running";

// The licence, which is shown before restricted weights are fetched.
const licenceLine = (model) =>
  node(
    "span",
    { class: model.commercial ? "" : "g-models-restricted" },
    node("a", { href: model.licence_url, target: "_blank", rel: "noreferrer", text: model.licence }),
    model.commercial ? "" : _(" · no commercial use"),
  );

const describe = (entry, amount) => {
  const { model } = entry;
  const facts = [sizeText(entry), timeText(entry, amount), figureText(entry)].filter(Boolean).join(" · ");
  return node(
    "div",
    { class: "g-models-what" },
    node(
      "h3",
      { title: parameterText(entry) },
      node("span", { text: entry.name }),
      entry.recommended && node("em", { text: _("recommended for this machine") }),
    ),
    node("p", { class: "g-aside", text: [useText(entry), model?.languages].filter(Boolean).join(" · ") }),
    node("p", { class: "g-aside", text: facts, title: entry.duration?.how || "" }),
    model && node("p", { class: "g-aside" }, licenceLine(model)),
  );
};

// The buttons of a model that is being fetched or could be.
const fetching = (entry, { online, act }) => {
  const { name, model, job, state } = entry;
  const on = (action, more) => () => act({ action, name, ...more });
  if (running(job)) {
    return [
      button(null, _("Pause"), on("pause"), { class: "g-button g-small", disabled: job.stopping }),
      button(null, _("Cancel"), on("cancel"), { class: "g-button g-small" }),
    ];
  }
  const text =
    state === "partial" ? _("Resume") : model && !model.commercial ? _("Accept the licence and get") : _("Get");
  const licence = Boolean(model && !model.commercial);
  return [
    online !== false &&
      button("download", text, on("get", { licence }), {
        title: sizeText(entry),
        class: entry.recommended ? "g-button g-models-main" : "g-button",
      }),
    state === "partial" && button(null, _("Discard"), on("cancel"), { class: "g-button g-small" }),
  ];
};

// The buttons of a model that is here.
const using = (entry, { act, busy }) => {
  const { name, serving, generation, model } = entry;
  const target = generation?.fingerprint ?? name;
  const on =
    (action, more = name) =>
    () =>
      act({ action, name: more });
  if (serving)
    return [entry.outdated && button(null, _("Embed with its new weights"), on("reencode"), { disabled: busy })];
  const ready = generation?.state === "ready";
  return [
    ready &&
      button("check", _("Switch"), on("switch", target), { class: entry.zoo ? "g-button" : "g-button g-models-main" }),
    generation && generation.images > 0 && button(null, _("Compare both"), on("compare", target)),
    !ready && button(null, generation ? _("Go on") : _("Use it here"), on("reencode"), { disabled: busy }),
    generation && button(null, _("Delete its embeddings"), on("delete", target), { disabled: busy }),
    !generation && model && button(null, _("Remove"), on("remove"), { title: _("Delete it from this machine") }),
  ];
};

// What to bring from another machine, and where it is taken from: a field, or the folder that it names.
const copying = (entry, { act, drop }) => {
  if (!entry.copy.length) return null;
  const hint = _("Bring it from another machine");
  const input = node("input", {
    type: "file",
    multiple: true,
    hidden: true,
    onchange: () => drop(entry, [...input.files]),
  });
  const field = node(
    "div",
    {
      class: "g-models-drop",
      ondragover: (event) => event.preventDefault(),
      ondrop: (event) => {
        event.preventDefault();
        drop(entry, [...event.dataTransfer.files]);
      },
    },
    _("Drop the files here, or "),
    button(null, _("choose them"), () => input.click(), { class: "g-clear" }),
    _(" · they are in that folder: "),
    button(null, _("take them"), () => act({ action: "get", name: entry.name, licence: true }), { class: "g-clear" }),
    input,
  );
  return node(
    "details",
    { class: "g-models-copy" },
    node("summary", { text: hint }),
    node("pre", { text: entry.copy.join("\n") }),
    field,
  );
};

// context: { local, online, images, job, act(body), drop(entry, files) }; job: embeds the collection now, or did last.
export const modelRow = (entry, context) => {
  const { local, online, images, job, act } = context;
  const embedding = running(job) && job.encoder === entry.name;
  const stop = button(null, _("Stop"), () => act({ action: "stop" }), {
    class: "g-button g-small",
    title: _("Safe: what was embedded is kept"),
  });
  let tools = [];
  if (embedding) tools = [stop];
  else if (local && (running(entry.job) || entry.state !== "ready")) tools = fetching(entry, context);
  else if (local) tools = using(entry, { act, busy: running(job) });
  const shown = embedding ? job : running(entry.job) ? entry.job : null;
  const text = embedding ? embeddingText(job) : shown ? downloadText(shown) : stateText(entry, online);
  const failed = (!embedding && job?.encoder === entry.name && job.error) || (!shown && entry.job?.error);
  return node(
    "article",
    { class: `g-models-row ${entry.serving ? "g-models-serving" : ""}`, "data-model": entry.name },
    describe(entry, images),
    node("div", { class: "g-models-state", role: "status" }, node("span", { text }), shown && progressBar(shown)),
    node("div", { class: "g-models-tools" }, ...tools),
    failed && node("p", { class: "g-models-failed", role: "status", text: failed }),
    local && copying(entry, context),
  );
};
