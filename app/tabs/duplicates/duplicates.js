// The duplicates tab: groups of copies, a page at a time; which images stay; the others are moved to a folder.
import { choiceGroup } from "../../ui/elements/choices.js";
import { commandButton } from "../../ui/command/command.js";
import { button, node, notice } from "../../ui/elements/elements.js";
import { count, images } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { goTo, onAddress, whichTab } from "../../ui/navigation/navigation.js";
import { collection, onState, refreshState, request } from "../../ui/session/session.js";
import { groupSection } from "./group.js";
import { Kept } from "./kept.js";
import { MovePanel } from "./move_panel.js";
import { TIERS, WHAT, summaryText } from "./texts.js";

const PAGE = 24; // groups
const REMOTE = _(
  "Others can reach this page, so duplicates are looked for and moved from the command line: python -m index duplicates DIR --move FOLDER",
);

const isOpen = () => whichTab() === "duplicates";

class Duplicates {
  constructor(element, server) {
    this.server = server;
    this.kept = new Kept();
    this.overview = null; // the last answer: counts of the tier, and what can be done
    this.turn = 0; // answers that were overtaken are dropped
    this.seen = ""; // the collection, tier and revision that choices are of
    this.heard = ""; // what the state said last
    this.tiers = node("div");
    this.what = node("p", { class: "g-aside" });
    this.status = node("p", { class: "g-status", id: "duplicates-status", role: "status" });
    this.notice = node("div", { id: "duplicates-notice" });
    this.groups = node("div", { class: "g-duplicates-groups", id: "duplicate-groups" });
    this.pager = node("div", { class: "g-duplicates-pager" });
    this.panel = new MovePanel(
      server,
      () => this.choice(),
      () => this.look(),
    );
    this.makeTools();
    const head = node("div", { class: "g-results-head" }, this.status, this.tools);
    element
      .querySelector(".g-duplicates")
      .append(this.tiers, this.what, head, this.notice, this.groups, this.pager, this.panel.root);
    onAddress((tab) => tab === "duplicates" && this.look());
    onState((state) => this.hear(state));
    this.look();
  }

  makeTools() {
    const find = () => this.act(this.server.find);
    const undo = () => this.act(this.server.undo);
    this.find = button("search", _("Look for duplicates"), find, { id: "find-duplicates", class: "g-go" });
    this.move = button("folder", _("Move to a folder…"), () => this.panel.open(), { id: "move", class: "g-go" });
    this.undo = button(null, _("Undo the last move"), undo, { id: "undo-move" });
    this.command = commandButton("copy-duplicates-command", () => this.overview.command);
    this.tools = node("div", { class: "g-tools" }, this.command, this.undo, this.find, this.move);
  }

  get tier() {
    const tier = new URLSearchParams(location.search).get("tier");
    return tier in TIERS ? tier : "same";
  }

  get page() {
    return Math.max(1, parseInt(new URLSearchParams(location.search).get("page"), 10) || 1);
  }

  // The collection, its jobs or its images may have changed.
  hear(state) {
    const jobs = (state.jobs || []).map((job) => [job.id, job.state]);
    const now = JSON.stringify([state.collection, state.revision, jobs]);
    if (now === this.heard) return;
    this.heard = now;
    if (isOpen()) this.look();
  }

  async look() {
    if (!isOpen()) return;
    const turn = ++this.turn;
    const fields = { collection: collection(), tier: this.tier };
    const overview = await request(this.server.overview, fields);
    if (turn !== this.turn) return;
    if (overview.error) return this.fail(overview.error);
    const seen = `${overview.collection} ${this.tier} ${overview.revision}`;
    if (seen !== this.seen) this.kept.clear();
    this.seen = seen;
    this.overview = overview;
    this.drawHead();
    if (!overview.groups) return this.drawGroups([]);
    this.groups.setAttribute("aria-busy", "true");
    const start = (this.page - 1) * PAGE;
    const answer = await request(this.server.groups, { ...fields, start, count: PAGE });
    if (turn !== this.turn) return;
    this.groups.removeAttribute("aria-busy");
    if (answer.error) this.fail(answer.error);
    else if (!answer.groups.length && start) goTo("duplicates", { page: null });
    else this.drawGroups(answer.groups);
  }

  fail(error) {
    this.overview = null;
    this.notice.replaceChildren(notice(error));
    this.status.textContent = "";
    this.tools.hidden = true;
    this.drawGroups([]);
  }

  async act(serverFunction) {
    const { error } = await request(serverFunction, { collection: collection(), tier: this.tier });
    this.notice.replaceChildren(...(error ? [notice(error)] : []));
    refreshState();
    if (!error) this.look();
  }

  // The fields of what goes.
  choice() {
    const { revision } = this.overview;
    return { collection: collection(), tier: this.tier, revision, kept: this.kept.request() };
  }

  drawHead() {
    const { local, groups, finding, moving, undo } = this.overview;
    const choose = (tier) => goTo("duplicates", { tier: tier === "same" ? null : tier, page: null });
    this.tiers.replaceChildren(choiceGroup(_("Which duplicates"), Object.entries(TIERS), this.tier, choose));
    this.what.textContent = WHAT[this.tier];
    this.notice.replaceChildren(...(local ? [] : [notice(REMOTE)]));
    this.tools.hidden = !local;
    this.command.hidden = !this.overview.command;
    this.find.hidden = groups !== null || finding;
    this.move.hidden = !groups;
    this.move.disabled = moving;
    this.undo.hidden = !undo;
    this.undo.disabled = moving;
    this.drawStatus();
  }

  drawStatus() {
    const { groups, finding, images: all } = this.overview;
    if (groups === null) {
      this.status.textContent = finding
        ? _("Comparing {amount}; the bar above says how far.", { amount: images(all) })
        : _("Not looked for yet in {amount}.", { amount: images(all) });
      return;
    }
    const { lead, rest } = summaryText(this.overview, this.kept.difference());
    this.status.replaceChildren(node("b", { text: lead }), rest);
  }

  drawGroups(groups) {
    const actions = {
      local: this.overview?.local,
      changed: () => this.drawStatus(),
      look: (id) => goTo("search", { q: null, like: null, filters: null, open: id }),
    };
    this.groups.replaceChildren(...groups.map((group) => groupSection(group, collection(), this.kept, actions)));
    const total = this.overview?.groups || 0;
    this.pager.hidden = total <= PAGE;
    if (this.pager.hidden) return;
    const start = (this.page - 1) * PAGE;
    const turn = (by) => goTo("duplicates", { page: this.page + by > 1 ? this.page + by : null });
    const values = { from: count(start + 1), to: count(Math.min(total, start + PAGE)), total: count(total) };
    this.pager.replaceChildren(
      button("left", _("Previous"), () => turn(-1), { disabled: start === 0 }),
      node("span", { text: _("{from}–{to} of {total}", values) }),
      button("right", _("Next"), () => turn(1), {
        disabled: start + PAGE >= total,
        class: "g-button g-duplicates-next",
      }),
    );
  }
}

export const duplicates = (element, server) => new Duplicates(element, server);
