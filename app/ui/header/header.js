// The header: name, collection, encoder, state. It asks how things are and tells the other parts of the page.
import * as g from "../ui.js";

const BUSY = 700,
  CALM = 5000,
  LOST = 2000; // milliseconds until the next look

export const header = (element, props, server) => {
  const collections = g.node("span", { class: "g-pill", id: "collection-pill" });
  const encoder = g.node("span", { class: "g-pill", id: "encoder-pill" });
  const state = g.node("span", { class: "g-pill g-state", id: "state-pill", role: "status" }, g.node("i"), g
    .node("span", { text: "opening" }));
  const banner = g.node("div", { class: "g-banner", id: "banner", role: "alert", hidden: true });
  const dark = g.node("button", {
    type: "button",
    class: "g-icon-button",
    id: "theme",
    title: "Light or dark",
    "aria-label": "Light or dark",
    onclick: () => {
      const on = document.body.classList.toggle("dark");
      localStorage.setItem("gelato-theme", on ? "dark" : "light");
    }
  }, g.icon("moon"));
  const lecture = g.node("button", { type: "button", class: "g-icon-button", id: "follow-lecture",
    title: "Follow the lecture", "aria-label": "Follow the lecture",
    onclick: () => g.openLecture() }, g.icon("book"));
  element.querySelector(".g-header").append(
    g.node("div", { class: "g-top" }, g.node("h1", { text: "Gelato" }), g.node("div", { class: "g-pills" },
      collections, encoder, state), lecture, dark),
    banner,
  );
  const chosen = localStorage.getItem("gelato-theme");
  if (chosen && !new URLSearchParams(location.search).has("__theme")) document.body.classList.toggle("dark",
    chosen === "dark");

  let wanted = new URLSearchParams(location.search).get("collection") || "";
  if (wanted) props.value = { collection: wanted }; // before anyone can ask something of the first one
  let timer = 0;
  let known = ""; // the collection that was heard of last
  const choose = (key) => {
    wanted = key;
    props.value = { collection: key };
    look(true);
  };

  const show = (heard) => {
    const { job, encoder: reader } = heard;
    const several = (heard.collections || []).length > 1;
    if (several) {
      const select = collections.querySelector("select") || g.node("select", { "aria-label": "Collection",
        id: "collection", onchange: (event) => choose(event.target.value) });
      const options = heard.collections.map((c) => g.node("option", { value: c.key, text: c.name, selected: c
          .key === heard.collection }));
      if (select.childElementCount !== options.length) select.replaceChildren(...options);
      if (document.activeElement !== select) select.value = heard.collection || wanted || select.value;
      if (!select.isConnected) collections.replaceChildren(select);
    } else {
      collections.textContent = heard.name || "no collection";
    }
    if (reader) {
      encoder.textContent = reader.name;
      encoder.title = reader.state === "ready" ?
        `${reader.dim} numbers an image, by ${reader.runtime} in ${reader.precision}` : "";
    }
    let kind = "good",
      text = g.images(heard.searchable || 0);
    if (heard.error)[kind, text] = ["bad", "needs attention"];
    else if (job && job.state === "running" && job.total > 0 && job.total > heard.searchable) {
      [kind, text] = ["busy", `${g.count(heard.searchable)} of ${g.count(job.total)} searchable`];
    } else if (job && job.state === "running" && reader.state === "ready" && !heard.searchable)[kind,
      text] = ["busy", "looking for images"];
    else if (reader?.state === "loading")[kind, text] = ["busy", `${text} · loading the encoder`];
    else text = `${text}, up to date`;
    state.className = `g-pill g-state g-${kind}`;
    state.lastChild.textContent = text;
    state.style.setProperty("--done", job && job.total ?
      `${Math.min(100, (100 * heard.searchable) / job.total)}%` : "0%");
    state.title = job && job.state === "running" && job.left ?
      `about ${g.minutes(job.left)} left, ${Math.round(job.rate)} images a second` : heard.failed ?
      `${g.images(heard.failed)} could not be read; see failures.csv in the collection` : "";
    banner.hidden = !heard.error;
    banner.textContent = heard.error || "";
  };

  const look = async () => {
    clearTimeout(timer);
    let wait = LOST;
    try {
      const heard = await server.state({ collection: wanted });
      const changed = Boolean(heard.collection) && heard.collection !== known;
      if (changed) {
        known = heard.collection;
        props.value = { collection: known };
      }
      show(heard);
      g.setState(heard, changed);
      wait = heard.job?.state === "running" || heard.encoder?.state === "loading" || heard.chips === null ?
        BUSY : CALM;
    } catch {
      state.className = "g-pill g-state g-bad";
      state.lastChild.textContent = "not connected";
      banner.hidden = false;
      banner.textContent = "Connection lost. Trying again; what is on the page stays.";
    }
    timer = setTimeout(look, wait);
  };
  look();
  g.onCollection((key) => key !== wanted && choose(key));
};
