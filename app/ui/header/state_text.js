// The collection's state in words: how much of it can be searched, and what is under way.
import { count, counted, images, minutes } from "../format/format.js";

const running = (job) => job?.state === "running";

// { kind, text } of the state pill. kind: good, busy or bad.
export const stateText = ({ error, job, encoder, searchable = 0, passedOver = 0 }) => {
  const amount = images(searchable);
  if (error) return { kind: "bad", text: "needs attention" };
  if (running(job) && job.total > 0 && job.total > searchable) {
    return { kind: "busy", text: `${count(searchable)} of ${count(job.total)} searchable` };
  }
  if (running(job) && encoder?.state === "ready" && !searchable) return { kind: "busy", text: "looking for images" };
  if (encoder?.state === "loading") return { kind: "busy", text: `${amount} · loading the encoder` };
  const others = passedOver ? ` · ${counted(passedOver, "file")} passed over or offline` : "";
  return { kind: "good", text: `${amount}, up to date${others}` };
};

// What the state pill says when the pointer is on it.
export const stateTitle = ({ job, passedOver, account }) => {
  if (running(job) && job.left) return `about ${minutes(job.left)} left, ${Math.round(job.rate)} images a second`;
  return passedOver ? `${account}; see failures.csv in the collection` : "";
};

// How much of a job is done, in percent.
export const progress = ({ job, searchable }) => (job?.total ? Math.min(100, (100 * searchable) / job.total) : 0);
