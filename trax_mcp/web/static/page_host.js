"use strict";
// What host.js is for an app, on a page of this computer: the server calls the tools for a session.

const SESSION = "trax-room-session";
const CALLS = {
  watch_control_room: "watch",
  press_in_control_room: "press",
  answer_approval: "answer",
};

const host = {
  can: { serverTools: {} },
  context: { displayMode: "page" },
  canAskAssistant: false,

  // A tool's result. The session stands for the studio.
  async call(name, { studioId, ...args }) {
    return this.post("/call", { name: CALLS[name], arguments: args });
  },

  tellModel() {}, // nobody listens here

  async connect(on) {
    const secret = location.hash.slice(1);
    history.replaceState(null, "", "/");
    if (secret) {
      sessionStorage.removeItem(SESSION);
      const { session } = await this.post("/redeem", { secret });
      if (session) sessionStorage.setItem(SESSION, session);
    }
    on.opened({ structuredContent: { studioId: "" } });
  },

  async post(path, body) {
    const response = await fetch(path, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Authorization": `Bearer ${sessionStorage.getItem(SESSION) || ""}`,
      },
      body: JSON.stringify(body),
    });
    if ([401, 409].includes(response.status)) throw new RoomElsewhere();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.json();
  },
};

class RoomElsewhere extends Error {
  isFinal = true;

  constructor() {
    super("This control room is open in another tab. Use it there.");
  }
}
