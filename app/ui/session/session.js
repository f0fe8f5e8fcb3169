// What the page knows about the open collection, and how it asks the server.
import { _ } from "../language/language.js";

const listeners = new Set();

export const session = {
  state: null, // the last answer of the header's state function
};

// The key of the open collection.
export const collection = () =>
  session.state?.collection || new URLSearchParams(location.search).get("collection") || "";

// Calls listener(state) for each new state; also now, if one is known. state.changed: another collection was opened.
export const onState = (listener) => {
  listeners.add(listener);
  if (session.state) listener({ ...session.state, changed: false });
};

export const setState = (state, changed) => {
  session.state = state;
  listeners.forEach((listener) => listener({ ...state, changed }));
};

// Calls listener() when the state has to be asked for at once, because a tab has changed it: the header does that.
const refreshers = new Set();
export const onRefresh = (listener) => refreshers.add(listener);
export const refreshState = () => refreshers.forEach((listener) => listener());

// The answer of a server function, or { error }. A lost connection is an answer too; the header shows a banner then.
export const request = async (serverFunction, body) => {
  const lost = { error: _("The connection to Gelato is lost; trying again."), lost: true };
  try {
    return (await serverFunction(body)) ?? lost;
  } catch {
    return lost;
  }
};

// The address of an image's thumbnail. It changes whenever thumbnails of the open collection do, so that the browser shows
// no old one; those of other collections are asked for again each time.
export const media = (collectionKey, id) => {
  const { collection: open, thumbnails } = session.state || {};
  const version = collectionKey === open && thumbnails !== undefined ? `?v=${thumbnails}` : "";
  return `media/${encodeURIComponent(collectionKey)}/${encodeURIComponent(id)}.webp${version}`;
};

// Why the first request takes a while.
export const gettingReady = () =>
  session.state?.encoder?.first
    ? _("The encoder is being fitted to this computer: ten seconds or more, this once.")
    : _("The encoder is being loaded.");
