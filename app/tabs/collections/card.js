// The card of a collection: cover, facts, files that gave no image, and what can be done with it.
import { button, node, notice } from "../../ui/elements/elements.js";
import { count } from "../../ui/format/format.js";
import { _, plural } from "../../ui/language/language.js";
import { media, request } from "../../ui/session/session.js";
import { encoderText, facts } from "./texts.js";

const SURE = 4000; // milliseconds within which a second click counts

// A button that acts on the second click; after the first, its label is the question, until Escape or another click.
const confirmedButton = (label, question, act) => {
  const text = () => made.querySelector("span");
  const made = button(null, label, () => {
    if (made.dataset.sure) {
      act();
      return;
    }
    made.dataset.sure = "1";
    text().textContent = question;
    timer = setTimeout(disarm, SURE);
  });
  let timer = 0;
  const disarm = () => {
    clearTimeout(timer);
    delete made.dataset.sure;
    text().textContent = label;
  };
  made.addEventListener("keydown", (event) => event.key === "Escape" && disarm());
  made.addEventListener("blur", disarm);
  return made;
};

const problemList = async (key, server, into) => {
  const answer = await request(server.problems, { key });
  if (answer.error) {
    into.replaceChildren(notice(answer.error));
    return;
  }
  const line = ({ path, kind, reason }) => node("li", {}, node("b", { text: path }), ` ${kind}: ${reason}`);
  into.replaceChildren(node("ul", {}, ...answer.problems.map(line)));
  const more = answer.total - answer.problems.length;
  if (more > 0) into.append(node("p", { text: _("and {more} more in failures.csv", { more: count(more) }) }));
};

const passedOver = (card, server) => {
  const list = node("div");
  const ontoggle = ({ target }) => target.open && problemList(card.key, server, list);
  const summary = node("summary", {
    text: _("{files}: {account}", { files: plural("{n} file", "{n} files", card.files), account: card.account }),
  });
  return node("details", { ontoggle }, summary, list);
};

const cover = (card, open) =>
  node(
    "button",
    {
      type: "button",
      class: "g-collections-cover",
      "aria-label": _("Search {name}", { name: card.name }),
      title: _("Search it"),
      disabled: !card.images,
      onclick: open,
    },
    ...(card.cover || []).map((id) => node("img", { src: media(card.key, id), alt: "", loading: "lazy" })),
  );

// The switch that keeps a collection in step with its folders while the page's server runs.
const watchSwitch = (card, on) =>
  button(null, card.watching ? _("Watching") : _("Watch"), on(card.watching ? "unwatch" : "watch"), {
    "aria-pressed": String(Boolean(card.watching)),
    title: card.watching ? _("Stop updating it after changes") : _("Update it whenever its folders change"),
  });

const tools = (card, local, { act, open, another }) => {
  const disabled = card.job?.state === "running";
  const on = (action) => () => act({ action, key: card.key });
  const made = [
    button("search", _("Search"), open, { disabled: !card.images }),
    local && button(null, _("Update"), on("update"), { disabled }),
    local && card.images > 0 && watchSwitch(card, on),
    card.images > 0 && button(null, _("Verify"), on("verify"), { disabled }),
    local && card.sources?.length > 0 && button(null, _("With another encoder"), () => another(card)),
    local && button(null, _("Close"), on("close"), { title: _("Take it off the page; it stays on disk"), disabled }),
    card.deletable && !disabled && confirmedButton(_("Delete"), _("Really delete? The images stay"), on("delete")),
  ];
  return node("div", { class: "g-collections-tools" }, ...made);
};

// local: the page is only for this computer. actions: { act(body), open(card), another(card) }.
export const collectionCard = (card, local, server, actions) => {
  const open = () => actions.open(card);
  const path = (card.sources || [card.path]).join(", ");
  return node(
    "article",
    { class: "g-collections-card", "data-key": card.key },
    cover(card, open),
    node("h2", { text: card.name }),
    node("p", { class: "g-aside", text: encoderText(card) }),
    node("p", { class: "g-aside", text: facts(card) }),
    local && node("p", { class: "g-aside g-collections-path", text: path, title: card.path }),
    card.problem && notice(card.problem),
    card.passedOver > 0 && passedOver(card, server),
    tools(card, local, { ...actions, open }),
  );
};
