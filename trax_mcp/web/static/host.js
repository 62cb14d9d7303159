"use strict";
// The client around an app: JSON-RPC over messages, as MCP Apps (2026-01-26) says.

const host = {
  can: {}, // the client's capabilities
  context: {}, // theme, locale, how it is displayed
  waiting: new Map(), // requests without an answer, by id
  lastId: 0,

  // A tool's result. An answer that is lost is an error after some seconds.
  call(name, args, seconds) {
    return this.request("tools/call", { name, arguments: args }, seconds);
  },

  tellModel(text) {
    if (!this.can.updateModelContext) return;
    this.request("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
  },

  askAssistant(text) {
    const content = [{ type: "text", text }];
    return this.request("ui/message", { role: "user", content }).then((result) => !result?.isError);
  },

  async display(wanted) {
    const { mode } = await this.request("ui/request-display-mode", { mode: wanted });
    this.use({ displayMode: mode });
  },

  // `on.opened` gets the result of the tool that the app is shown with.
  async connect(on, appCapabilities = {}) {
    window.addEventListener("message", ({ source, data }) => {
      if (source === window.parent && data?.jsonrpc === "2.0") this.receive(data, on);
    });
    const { hostContext, hostCapabilities } = await this.request("ui/initialize", {
      appInfo: { name: "trax-mcp", version: "1" },
      appCapabilities,
      protocolVersion: "2026-01-26",
    });
    this.can = hostCapabilities ?? {};
    this.use(hostContext);
    this.send({ method: "ui/notifications/initialized", params: {} });
    new ResizeObserver(() => this.resize()).observe(document.body);
  },

  send(message) {
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  },

  request(method, params, seconds) {
    const id = ++this.lastId;
    this.send({ id, method, params });
    if (seconds) setTimeout(() => this.receive({ id, error: { message: "late" } }), seconds * 1000);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  },

  receive({ id, method, params, result, error }, on) {
    if (method === undefined) {
      const { resolve, reject } = this.waiting.get(id) ?? {};
      this.waiting.delete(id);
      if (error) reject?.(new Error(error.message));
      else resolve?.(result);
      return;
    }
    if (method === "ui/notifications/tool-result") on.opened(params);
    if (method === "ui/notifications/host-context-changed") {
      this.use(params);
      on.contextChanged?.();
    }
    if (id !== undefined) this.send({ id, result: {} });
  },

  use(context) {
    Object.assign(this.context, context);
    if (context?.theme) document.documentElement.style.colorScheme = context.theme;
  },

  resize() {
    const { width, height } = document.body.getBoundingClientRect(); // the document fills its frame
    this.send({
      method: "ui/notifications/size-changed",
      params: { width: Math.ceil(width), height: Math.ceil(height) },
    });
  },
};
