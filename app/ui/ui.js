// Everything that tabs share, for modules that have not named their imports yet.
export * from "./elements/elements.js";
export * from "./format/format.js";
export * from "./grid/grid.js";
export * from "./heat_map/heat_map.js";
export * from "./menu/menu.js";
export * from "./navigation/navigation.js";
export * from "./session/session.js";
export * from "./upload/upload.js";
