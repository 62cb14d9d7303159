"use strict";
// A page of this computer: its session, and what it posts to the server.

const page = {
  // The fragment has a secret that one tab can exchange for a session. A reload keeps the session.
  // `elsewhere`: what a tab without one says.
  async open(name, elsewhere) {
    this.name = name;
    this.elsewhere = elsewhere;
    const secret = location.hash.slice(1);
    history.replaceState(null, "", "/");
    if (!secret) return;
    sessionStorage.removeItem(name);
    const response = await this.send("/redeem", { secret });
    const { session } = await response.json();
    if (session) sessionStorage.setItem(name, session);
  },

  async post(path, body, options) {
    const response = await this.send(path, body, options);
    if (response.status === 401) throw Object.assign(new Error(this.elsewhere), { isFinal: true });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.json();
  },

  send(path, body, options) {
    return fetch(path, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Authorization": `Bearer ${sessionStorage.getItem(this.name) || ""}`,
      },
      body: JSON.stringify(body),
      ...options,
    });
  },
};
