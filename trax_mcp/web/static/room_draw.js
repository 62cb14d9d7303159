"use strict";
// Draws how a studio stands. All text is set as text, never as HTML.

const PLATFORMS = {
  youtube: ["YT", "YouTube"], twitch: ["TW", "Twitch"], kick: ["KI", "Kick"],
  facebook: ["FB", "Facebook"], trax: ["TX", "TRaX"],
};
const SOURCES = { webcam: ["CAM", "webcam"], media: ["CLIP", "clip"], "webrtc-input": ["RTC", "WebRTC input"] };
const LIGHTS = { live: "ON AIR", starting: "STARTING", off: "OFF AIR", unknown: "NOT KNOWN" };

const byId = (id) => document.getElementById(id);
const rows = new Map(); // of destinations and sources, by kind and id

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// The person's own time, as the client around the room knows it.
function time(date, options) {
  const { locale, timeZone } = host.context;
  return new Intl.DateTimeFormat(locale, { timeZone, ...options }).format(date);
}

const clock = (date) => time(date, { hour: "numeric", minute: "2-digit" });
const dayOf = (date) => time(date, { weekday: "long", day: "numeric", month: "long" });

function moment(date) {
  return dayOf(date) === dayOf(new Date()) ? clock(date) : `${dayOf(date)}, ${clock(date)}`;
}

function mark(word, known = PLATFORMS) {
  const letters = word.replace(/[^\p{L}\p{N}]/gu, "").slice(0, 4).toUpperCase();
  const named = Object.hasOwn(known, word.toLowerCase()) && known[word.toLowerCase()];
  const [short, name] = named || [letters || "?", word || "unknown"];
  const attributes = { class: "mark", "data-platform": word.toLowerCase(), title: name };
  return make("span", short, { ...attributes, role: "img", "aria-label": name });
}

// `isLost`: it was so at `seenAt`, and it isn't known to be so now.
function drawLight(state, clockAhead, isLost, seenAt) {
  const light = state.live ? "live" : state.starting ? "starting" : state.live === false ? "off" : "unknown";
  byId("light").dataset.state = light;
  document.body.classList.toggle("lost", isLost);
  const words = `${LIGHTS[light]}${isLost && light !== "unknown" ? " ?" : ""}`;
  const [, word, length] = byId("light").children;
  if (word.textContent !== words) word.textContent = words;
  const since = state.live ? new Date(state.since ?? NaN) : null;
  const seconds = since ? Math.floor((Date.now() + clockAhead - since) / 1000) : NaN;
  const isCounted = seconds > -5 && !isLost; // clocks differ a little
  length.textContent = isCounted ? counted(Math.max(seconds, 0)) : "";
  byId("standing").textContent = isLost ? seenAt && `as of ${moment(seenAt)}` : standing(state, isCounted && since);
  drawAir(state, isLost);
  document.title = `${words} · ${state.name || "Control room"}`;
}

// Unless it's known to be off air, it can be taken off air.
function drawAir(state, isLost) {
  const air = byId("air");
  const pressed = state.live !== false || state.starting || isLost ? "go_offline" : "go_live";
  air.hidden = !state.can[pressed];
  if (air.dataset.press === pressed) return;
  air.textContent = { go_live: "Go live", go_offline: "Go offline" }[pressed];
  air.dataset.press = pressed;
  markBusy(air, pressed);
}

function counted(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

function standing(state, since) {
  if (since) return `since ${moment(since)}`;
  if (state.live !== false || state.starting) return "";
  return { true: "Ready to go live", false: "Not ready to go live" }[state.ready] ?? "";
}

function drawState(state) {
  document.querySelector("h1").textContent = state.name || "Control room";
  document.querySelector("main").hidden = false;
  byId("practice").hidden = !state.practice;
  drawProblems(state.problems);
  byId("unknown").textContent = state.unknown.length ? `Not known: ${state.unknown.join("; ")}.` : "";
  drawList("destinations", state, PLATFORMS, (row) => ({
    type: row.platform, isOn: row.enabled, press: "update_destination", args: { destId: row.id, enabled: !row.enabled },
  }));
  drawList("sources", state, SOURCES, (row) => ({
    type: row.type, isOn: row.active, press: "update_source", args: { sourceId: row.id, active: !row.active },
  }));
}

function drawProblems(problems) {
  const text = JSON.stringify(problems);
  if (text === byId("problems").dataset.shown) return; // a button may have the focus
  byId("problems").dataset.shown = text;
  byId("problems").hidden = !problems.length;
  byId("problems").querySelector("ul").replaceChildren(...problems.map(({ what, remedy, at }) => {
    const item = make("li");
    const words = make("b", what);
    if (at) words.append(" ", make("time", moment(new Date(at)), { datetime: at }));
    item.append(words, ...(remedy ? [make("span", remedy)] : []));
    if (host.can.message) {
      const button = make("button", "Ask your assistant", { type: "button", class: "small" });
      button.onclick = (event) => event.isTrusted && askAssistant(`${what} What can I do?`);
      item.append(button);
    }
    return item;
  }));
}

// A switch that could not be read is not drawn as off: it has none.
function drawList(kind, state, marks, read) {
  const [, note, list] = byId(kind).children;
  const items = state[kind] ?? [];
  note.textContent = state[kind] ? "" : "Not known";
  if (state[kind] && !items.length) note.textContent = "None yet";
  const keys = new Set();
  for (const [index, item] of items.entries()) {
    const { type, isOn, press: pressed, args } = read(item);
    const key = `${kind}:${item.id}`;
    keys.add(key);
    if (!rows.has(key)) {
      const row = make("li");
      row.append(make("span"), make("span", "", { class: "name" }), make("button", "", { type: "button", role: "switch" }));
      rows.set(key, row);
    }
    const row = rows.get(key);
    const [was, name, button] = row.children;
    was.replaceWith(mark(type ?? "", marks));
    row.dataset.on = isOn ?? "unknown";
    const isKnown = typeof isOn === "boolean";
    name.replaceChildren(make("bdi", item.name), ...(isKnown ? [] : [make("small", "on or off: not known")]));
    button.setAttribute("aria-checked", Boolean(isOn));
    button.setAttribute("aria-label", `${item.name}, ${row.firstChild.title}`);
    button.hidden = !state.can[pressed] || !isKnown;
    button.onclick = (event) => event.isTrusted && press(key, pressed, args, button);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  }
  for (const [key, row] of rows) {
    if (!key.startsWith(`${kind}:`) || keys.has(key)) continue;
    row.remove();
    rows.delete(key);
  }
}
