// The card of a collection: cover, facts, files that gave no image, and what can be done with it.
import { button, node, notice } from "../../ui/elements/elements.js";
import { count } from "../../ui/format/format.js";
import { media, request } from "../../ui/session/session.js";
import { encoderText, facts } from "./texts.js";

const SURE = 4000; // milliseconds within which a second click counts

// A button that acts on the second click; after the first, its label is the question, until Escape or another click.
export const confirmedButton = (label, question, act) => {
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
  if (more > 0) into.append(node("p", { text: `and ${count(more)} more in failures.csv` }));
};

const passedOver = (card, server) => {
  const list = node("div");
  const ontoggle = ({ target }) => target.open && problemList(card.key, server, list);
  const summary = node("summary", { text: card.account });
  return node("details", { ontoggle }, summary, list);
};

const cover = (card, open) =>
  node(
    "button",
    {
      type: "button",
      class: "g-collections-cover",
      "aria-label": `Search ${card.name}`,
      title: "Search it",
      disabled: !card.images,
      onclick: open,
    },
    ...(card.cover || []).map((id) => node("img", { src: media(card.key, id), alt: "", loading: "lazy" })),
  );

// The switch that keeps a collection in step with its folders while the page's server runs.
const watchSwitch = (card, on) =>
  button(null, card.watching ? "Watching" : "Watch", on(card.watching ? "unwatch" : "watch"), {
    "aria-pressed": String(Boolean(card.watching)),
    title: card.watching ? "Stop updating it after changes" : "Update it whenever its folders change",
  });

const tools = (card, local, { act, open, another }) => {
  const disabled = card.job?.state === "running";
  const on = (action) => () => act({ action, key: card.key });
  const made = [
    button("search", "Search", open, { disabled: !card.images }),
    local && button(null, "Update", on("update"), { disabled }),
    local && card.images > 0 && watchSwitch(card, on),
    card.images > 0 && button(null, "Verify", on("verify"), { disabled }),
    local && card.sources?.length > 0 && button(null, "With another encoder", () => another(card)),
    local && button(null, "Close", on("close"), { title: "Take it off the page; it stays on disk", disabled }),
    card.deletable && !disabled && confirmedButton("Delete", "Really delete? The images stay", on("delete")),
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
