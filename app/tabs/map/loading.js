// What the map asks the server for.
import { request } from "../../ui/session/session.js";
import { NO_COLOURS } from "./colours.js";

const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// x and y of every image in row order, or null where they cannot be had now.
export async function fetchPoints({ collection, revision, method }) {
  try {
    const address = `map/${encodeURIComponent(collection)}.bin?revision=${revision}&method=${method}`;
    const response = await fetch(address);
    return response.ok ? new Float32Array(await response.arrayBuffer()) : null;
  } catch {
    return null; // the header's banner tells of a lost connection
  }
}

// The colouring by a text, by images or by a column; { error } where there is none.
export async function fetchColouring(server, snapshot, { column, q, like }) {
  if (!q && !like.length && !column) return NO_COLOURS;
  const answer = await request(server.colour, { ...snapshot, by: column, q, like });
  return answer.error ? answer : { ...answer, codes: fromBase64(answer.codes) };
}

// { regions, regionCodes } of the map, or null where they cannot be had.
export async function fetchRegions(server, snapshot, method) {
  const answer = await request(server.regions, { ...snapshot, method });
  if (answer.error) return null;
  const regions = answer.regions.map((region, code) => ({ ...region, code })).filter((region) => region.images);
  return { regions, regionCodes: fromBase64(answer.codes) };
}

export async function fetchName(server, snapshot, row) {
  const answer = await request(server.images, { ...snapshot, rows: [row] });
  return answer.error ? null : answer.hits[0].name;
}
