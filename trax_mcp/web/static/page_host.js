"use strict";
// What host.js is for an app, on a page of this computer: the server calls the tools for a session.

const host = {
  can: { serverTools: {} },
  context: { displayMode: "page" },
  waiting: new AbortController(), // of the look that waits for news

  // A tool's result. The session stands for the studio.
  call(name, { studioId, ...args }, seconds) {
    const signals = [AbortSignal.timeout(seconds * 1000)];
    // A browser opens few connections to one server, and all rooms share them. So a look that
    // waits makes room for what is pressed.
    this.stopWaiting();
    if (args.waitSeconds) signals.push(this.waiting.signal);
    return page.post("/call", { name, arguments: args }, { signal: AbortSignal.any(signals) });
  },

  stopWaiting() {
    this.waiting.abort();
    this.waiting = new AbortController();
  },

  tellModel() {}, // nobody listens here

  async connect(on) {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") this.stopWaiting();
    });
    window.addEventListener("pagehide", () => page.send("/leave", {}, { keepalive: true }).catch(() => {}));
    await page.open("trax-room-session", "This control room is open in another tab. Use it there.");
    on.opened({ structuredContent: { studioId: "" } });
  },
};
