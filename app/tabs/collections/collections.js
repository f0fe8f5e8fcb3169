// The collections tab: a card for each collection, what is under way, and a form for a new one.
import * as g from "../../ui/ui.js";

const BUSY = 1000,
  CALM = 6000; // milliseconds until the next look
const KINDS = { index: "Indexing", update: "Updating", verify: "Verifying", label: "Labelling" };
const size = (bytes) =>
  bytes > 1e9
    ? `${(bytes / 1e9).toFixed(1)} GB`
    : bytes > 1e6
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
const day = (seconds) => new Date(1000 * seconds).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

export const collections = (element, server) => {
  const notice = g.node("div", { id: "collections-notice", role: "status" });
  const cards = g.node("div", { class: "g-shelves", id: "shelves" });
  const jobs = g.node("div", { class: "g-jobs", id: "jobs" });
  const field = (name, label, placeholder) =>
    g.node(
      "label",
      { class: "g-labelled" },
      g.node("span", { text: label }),
      g.node("input", {
        type: "text",
        class: "g-input g-wide",
        name,
        placeholder,
        autocomplete: "off",
        spellcheck: "false",
      }),
    );
  const form = g.node(
    "form",
    {
      class: "g-new",
      id: "new-collection",
      hidden: true,
      onsubmit: async (event) => {
        event.preventDefault();
        const given = Object.fromEntries(new FormData(form));
        if (await act({ action: "index", ...given })) form.reset();
      },
    },
    g.node("h2", { text: "Index a folder" }),
    field("source", "Folder, table or tar shards on this computer", "/home/ana/Images"),
    field("name", "Name (may be left out)", "holidays"),
    field("encoder", "Encoder", "starter"),
    g.node("button", { type: "submit", class: "g-go", text: "Index" }),
  );
  const elsewhere = g.node("p", {
    class: "g-aside",
    id: "elsewhere",
    hidden: true,
    text: "Others can reach this page, so collections are changed from the command line: python -m index build FOLDER --into DIR",
  });
  element.querySelector(".g-collections").append(notice, jobs, cards, form, elsewhere);

  let timer = 0;
  let drawn = "";
  const act = async (ask) => {
    const answer = await g.request(server.act, ask);
    notice.replaceChildren(...(answer.error ? [g.notice(answer.error)] : []));
    look();
    return !answer.error;
  };
  // Deleting is asked twice: the button becomes the question.
  const sure = (label, question, doing) => {
    const button = g.button(null, label, () => {
      if (button.dataset.sure) return doing();
      button.dataset.sure = "1";
      button.querySelector("span").textContent = question;
      setTimeout(() => {
        delete button.dataset.sure;
        button.querySelector("span").textContent = label;
      }, 4000);
    });
    return button;
  };
  const progress = (job) =>
    g.node(
      "div",
      { class: "g-progress" },
      g.node("i", { style: { width: `${job.total ? Math.max(2, (100 * job.done) / job.total) : 3}%` } }),
    );
  const pace = (job) => {
    if (!job.total) return "looking for images";
    const left = job.left ? `, about ${g.minutes(job.left)} left` : "";
    const failed = job.failed ? `, ${g.count(job.failed)} unreadable` : "";
    return `${g.count(job.done)} of ${g.count(job.total)}${job.rate ? `, ${Math.round(job.rate)} a second` : ""}${left}${failed}`;
  };
  const drawJobs = (heard) => {
    const shown = heard.jobs.filter((job) => job.state === "running" || job.kind !== "label").slice(0, 6);
    jobs.replaceChildren(
      ...shown.map((job) => {
        const running = job.state === "running";
        const what = `${KINDS[job.kind] || job.kind} ${heard.names[job.about] || job.about || ""}`;
        const told = running
          ? job.stopping
            ? "stopping; what is done is kept"
            : pace(job)
          : job.error || `${job.note || "done"}, ${job.seconds.toFixed(1)} s`;
        return g.node(
          "div",
          { class: `g-job-row ${job.error ? "g-failed" : ""}`, "data-job": job.id },
          g.node("b", { text: what }),
          g.node("span", { text: told }),
          running ? progress(job) : g.node("span"),
          running && !job.stopping
            ? g.button(null, "Stop", () => act({ action: "stop", job: job.id }), {
                class: "g-button g-small",
                title: "Safe: what is done is kept",
              })
            : g.node("span"),
        );
      }),
    );
  };
  const problems = async (card, into) => {
    const answer = await g.request(server.problems, { key: card.key });
    if (answer.error) return into.replaceChildren(g.notice(answer.error));
    into.replaceChildren(
      g.node(
        "ul",
        {},
        ...answer.problems.map((one) => g.node("li", {}, g.node("b", { text: one.path }), ` ${one.reason}`)),
      ),
      ...(answer.total > answer.problems.length
        ? [g.node("p", { text: `and ${g.count(answer.total - answer.problems.length)} more in failures.csv` })]
        : []),
    );
  };
  const open = (card) => {
    g.openCollection(card.key);
    g.goTo("search", { collection: card.key, q: null, like: null, filters: null });
  };
  const drawCard = (card, local) => {
    const busy = card.job?.state === "running";
    const list = g.node("div");
    const facts = [
      card.images ? g.images(card.images) : card.problem ? "cannot be shown" : "nothing indexed yet",
      card.bytes && size(card.bytes),
      card.search && `search: ${card.search}`,
      card.updated && `updated ${day(card.updated)}`,
    ].filter(Boolean);
    return g.node(
      "article",
      { class: "g-shelf", "data-key": card.key },
      g.node(
        "button",
        {
          type: "button",
          class: "g-cover",
          "aria-label": `Search ${card.name}`,
          title: "Search it",
          disabled: !card.images,
          onclick: () => open(card),
        },
        ...(card.cover || []).map((id) => g.node("img", { src: g.media(card.key, id), alt: "", loading: "lazy" })),
      ),
      g.node("h2", { text: card.name }),
      g.node("p", {
        class: "g-aside",
        text: `${card.encoder}${card.dim ? `, ${card.dim} numbers an image in ${card.precision}` : ""}`,
      }),
      g.node("p", { class: "g-aside", text: facts.join(" · ") }),
      local &&
        g.node("p", { class: "g-aside g-path", text: (card.sources || [card.path]).join(", "), title: card.path }),
      card.problem && g.notice(card.problem),
      card.failed
        ? g.node(
            "details",
            { ontoggle: ({ target }) => target.open && problems(card, list) },
            g.node("summary", { text: `${g.images(card.failed)} could not be read` }),
            list,
          )
        : null,
      g.node(
        "div",
        { class: "g-shelf-tools" },
        g.button("search", "Search", () => open(card), { disabled: !card.images }),
        local && g.button(null, "Update", () => act({ action: "update", key: card.key }), { disabled: busy }),
        card.images
          ? g.button(null, "Verify", () => act({ action: "verify", key: card.key }), { disabled: busy })
          : null,
        local &&
          card.sources?.length &&
          g.button(null, "With another encoder", () => {
            form.elements.source.value = card.sources[0];
            form.elements.encoder.value = "";
            form.elements.encoder.focus();
          }),
        local &&
          g.button(null, "Close", () => act({ action: "close", key: card.key }), {
            title: "Take it off the page; it stays on disk",
            disabled: busy,
          }),
        card.deletable &&
          !busy &&
          sure("Delete", "Really delete? The images stay", () => act({ action: "delete", key: card.key })),
      ),
    );
  };
  const draw = (heard) => {
    if (heard.error) return notice.replaceChildren(g.notice(heard.error));
    drawJobs(heard);
    form.hidden = !heard.local;
    elsewhere.hidden = heard.local;
    // Cards are drawn anew only when something on them changed, so that nothing moves under a pointer.
    const now = JSON.stringify([heard.local, heard.cards.map(({ job, ...card }) => ({ ...card, busy: job?.state }))]);
    if (now === drawn) return;
    drawn = now;
    cards.replaceChildren(...heard.cards.map((card) => drawCard(card, heard.local)));
  };
  const look = async () => {
    clearTimeout(timer);
    if (g.whichTab() !== "collections") return (timer = setTimeout(look, BUSY));
    const heard = await g.request(server.overview, {});
    draw(heard);
    timer = setTimeout(look, heard.jobs?.some((job) => job.state === "running") ? BUSY : CALM);
  };
  g.onAddress((tab) => tab === "collections" && look());
  look();
};
