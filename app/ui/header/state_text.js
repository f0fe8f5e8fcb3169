// The collection's state in words: how much of it can be searched, and what is under way.
import { count, images, minutes } from "../format/format.js";
import { _, plural } from "../language/language.js";

const running = (job) => job?.state === "running";

// { kind, text } of the state pill. kind: good, busy or bad.
export const stateText = ({ error, job, encoder, searchable = 0, passedOver = 0, offline = 0 }) => {
  const amount = images(searchable);
  if (error) return { kind: "bad", text: _("needs attention") };
  if (running(job) && job.total > 0 && job.total > searchable) {
    return {
      kind: "busy",
      text: _("{searchable} of {total} searchable", { searchable: count(searchable), total: count(job.total) }),
    };
  }
  if (running(job) && encoder?.state === "ready" && !searchable) return { kind: "busy", text: _("looking for images") };
  if (encoder?.state === "loading") return { kind: "busy", text: _("{amount} · loading the encoder", { amount }) };
  const parts = [_("{amount}, up to date", { amount })];
  if (offline) parts.push(_("{offline} offline", { offline: count(offline) }));
  if (passedOver) parts.push(plural("{n} file passed over", "{n} files passed over", passedOver));
  return { kind: "good", text: parts.join(" · ") };
};

// What the state pill says when the pointer is on it.
export const stateTitle = ({ job, passedOver, account }) => {
  if (running(job) && job.left)
    return _("about {left} left, {rate} images a second", { left: minutes(job.left), rate: Math.round(job.rate) });
  return passedOver ? _("{account}; Collections lists them", { account }) : "";
};

// How much of a job is done, in percent.
export const progress = ({ job, searchable }) => (job?.total ? Math.min(100, (100 * searchable) / job.total) : 0);
