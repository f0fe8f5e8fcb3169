// One labelled image in a dialog: larger, with its label, which can be corrected without leaving its place in the grid.
import { button, icon, node, notice } from "../../ui/elements/elements.js";
import { percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { classifyImage } from "../../ui/navigation/navigation.js";
import { media, request } from "../../ui/session/session.js";
import { nameOf } from "./parts.js";

// The label of an image in words.
const labelText = (hit) => {
  if (hit.corrected) return _("{corrected}, as you said", { corrected: hit.corrected });
  return `${hit.label}, ${percent(hit.probability)}${hit.runnerUp ? _(", then {runnerUp}", { runnerUp: hit.runnerUp }) : ""}`;
};

const closeButton = (dialog) =>
  node(
    "button",
    {
      type: "button",
      class: "g-icon-button",
      "aria-label": _("Close"),
      title: _("Close (Esc)"),
      onclick: () => dialog.close(),
    },
    icon("close"),
  );

// The field that gives the image another class; correct(answer) stores it.
const classField = (hit, classes, correct) => {
  const options = classes
    .toSorted((a, b) => a.answer - b.answer)
    .map((one) => node("option", { value: one.answer, text: nameOf(one), selected: one.answer === hit.answer }));
  const onchange = (event) => correct(Number(event.target.value));
  const select = node("select", { class: "g-button", id: "labelled-class", onchange }, ...options);
  return node("label", { class: "g-classify-correct" }, node("span", { text: _("The right class") }), select);
};

// Opens the dialog. labelling: { job, classes }; corrected(news) hears what a correction changed.
export const openLabelledImage = (hit, collection, server, labelling, corrected) => {
  const problem = node("div");
  const dialog = node("dialog", { class: "g-classify-dialog", id: "labelled-image", "aria-label": hit.name });
  const correct = async (answer) => {
    const news = await request(server.correct, { job: labelling.job, id: hit.id, answer });
    if (news.error) {
      problem.replaceChildren(notice(news.error));
      return;
    }
    dialog.close();
    corrected(news);
  };
  const accept = button("check", _("The label is right"), () => correct(hit.answer), { id: "label-is-right" });
  const classify = button("tag", _("Classify this"), () => {
    dialog.close();
    classifyImage({ id: hit.id, collection, name: hit.name });
  });
  dialog.append(
    closeButton(dialog),
    node("img", { src: media(collection, hit.id), alt: hit.name }),
    node("h2", { text: hit.name }),
    node("p", { class: "g-aside", text: labelText(hit) }),
    classField(hit, labelling.classes, correct),
    node("div", { class: "g-actions" }, accept, classify),
    problem,
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
  dialog.addEventListener("close", () => dialog.remove());
  document.querySelector("#labels").append(dialog);
  dialog.showModal();
};
