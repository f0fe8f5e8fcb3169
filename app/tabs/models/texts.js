// A model in words: for whom it is, what it scores, how large it is and how long it takes.
import { count, decimal, fileSize, images, minutes } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

const USES = {
  small: _("small and fast"),
  balanced: _("balanced"),
  best: _("best quality"),
  multilingual: _("many languages"),
};
const STARTER = _("the embedded default: small, offline, for everyday words");

export const useText = ({ name, model, zoo }) => {
  if (name === "starter") return STARTER;
  if (zoo) return `${zoo.idea} (${zoo.paper}) · ${zoo.readsText ? _("images and text") : _("images only")}`;
  return model ? USES[model.use] : _("an encoder of your own");
};

const one = (value) => (value === null || value === undefined ? null : `${decimal(value, 1)}\u00a0%`);

// Figures that are known: as published, or of the zoo, on held-out images.
export const figureText = ({ model, zoo }) => {
  if (zoo) {
    const share = (name) => `${decimal(100 * zoo.figures[name].value, 0)}\u00a0%`;
    return _("k-NN: shapes {shapes}, colours {colours}", { shapes: share("knn/shape"), colours: share("knn/colour") });
  }
  if (!model) return "";
  const { imagenet, flickr, coco } = model;
  const known = [
    one(imagenet) && _("ImageNet {accuracy}", { accuracy: one(imagenet) }),
    one(flickr?.[0]) && `Flickr30k ${one(flickr?.[0])}`,
    one(coco?.[0]) && `COCO ${one(coco?.[0])}`,
  ];
  return known.filter(Boolean).join(" · ");
};

export const sizeText = ({ name, model, total, zoo }) => {
  if (zoo) return _("comes with Gelato, {bytes}", { bytes: fileSize(zoo.bytes) });
  if (name === "starter") return _("comes with Gelato");
  const bytes = total ?? model?.download_bytes;
  return bytes ? fileSize(bytes) : "";
};

// How long the open collection takes: measured here, or estimated.
export const timeText = ({ duration }, amount) => {
  if (!amount) return "";
  if (!duration) return _("time not known yet");
  const about = duration.measured ? "" : _(", estimated");
  return _("{seconds} for {amount}{about}", { seconds: minutes(duration.seconds), amount: images(amount), about });
};

export const parameterText = ({ model }) =>
  model
    ? _("{parameters} million parameters, {dim} dimensions, {image_size} px", {
        parameters: count(Math.round(model.parameters / 1e6)),
        dim: model.dim,
        image_size: model.image_size,
      })
    : "";

// How far a download is.
export const downloadText = (job) => {
  if (job.stopping) return _("pausing; what came is kept");
  if (!job.total) return job.note || _("asking the hub");
  if (job.note)
    return _("{done} of {total}; {note}", { done: fileSize(job.done), total: fileSize(job.total), note: job.note });
  const rate = job.rate ? `, ${fileSize(job.rate)}/s` : "";
  const left = job.left ? _(", {left} left", { left: minutes(job.left) }) : "";
  return _("{done} of {total}{rate}{left}", { done: fileSize(job.done), total: fileSize(job.total), rate, left });
};

// How far embedding is.
export const embeddingText = (job) => {
  if (job.stopping) return _("stopping; what was embedded is kept");
  if (job.note) return job.note;
  if (!job.total) return _("looking for images");
  const left = job.left ? _(", {left} left", { left: minutes(job.left) }) : "";
  return _("embedding {done} of {total}{left}", { done: count(job.done), total: images(job.total), left });
};

// Where a model stands, in a few words.
export const stateText = (entry, online) => {
  const { serving, generation, state, job, here, total } = entry;
  if (job?.state === "running") return _("being fetched");
  if (serving) return entry.outdated ? _("in use, made with earlier weights") : _("in use");
  if (generation?.state === "ready") return _("ready to switch to");
  if (generation) return _("{missing} to embed", { missing: images(generation.missing) });
  if (state === "ready") return _("on this machine");
  if (state === "partial")
    return total ? _("paused at {share} %", { share: Math.floor((100 * here) / total) }) : _("paused");
  return online === false ? _("not available here") : "";
};
