"use strict";
// The panel: talks JSON-RPC with the client around it, as MCP Apps (2026-01-26) says.

const POLL_MILLISECONDS = 2000;
const TICKET = "live.traxstreaming/ticket";
const GONE = { phase: "gone", ended: { headline: "This question isn't open here any more", text: "" } };
const waiting = new Map(); // requests without an answer, by id
let lastId = 0;
let ticket = null;
let wasTold = false;

function send(message) {
  window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

function request(method, params) {
  const id = ++lastId;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

async function callTool(args) {
  const result = await request("tools/call", {
    name: "answer_approval", arguments: { ticket, ...args },
  });
  return result.structuredContent ?? GONE;
}

const card = new ApprovalCard(
  () => callTool({}),
  async (choice) => {
    if (choice === card.state.yes) card.showSending();
    show(await callTool({ choice }));
  },
);

function show(state) {
  card.draw(state);
  drawBar(state, !isOver(state));
  document.getElementById("bar").hidden = false;
  if (isOver(state) && !wasTold) {
    wasTold = true;
    // The server's words: there names stand in quotes, which the panel draws in bold instead.
    const text = `The approval panel now says: ${state.outcome ?? state.ended.headline}`;
    request("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
  }
  return state;
}

function isOver(state) {
  return state.phase !== "open" && state.phase !== "running";
}

function resize() {
  const { width, height } = document.body.getBoundingClientRect(); // the document fills its frame
  send({
    method: "ui/notifications/size-changed",
    params: { width: Math.ceil(width), height: Math.ceil(height) },
  });
}

function useTheme(context) {
  if (context?.theme) document.documentElement.style.colorScheme = context.theme;
}

async function follow() {
  await visible(); // the first call reports that the question is shown
  while (!isOver(show(await callTool({})))) {
    await new Promise((done) => setTimeout(done, POLL_MILLISECONDS));
  }
}

function receive(message) {
  if (message.method === undefined) {
    const { resolve, reject } = waiting.get(message.id) ?? {};
    waiting.delete(message.id);
    if (message.error) reject?.(new Error(message.error.message));
    else resolve?.(message.result);
    return;
  }
  const { method, params } = message;
  if (method === "ui/notifications/tool-result" && ticket === null) {
    ticket = params?._meta?.[TICKET] ?? null;
    if (ticket !== null) follow().catch(() => card.stop());
  }
  if (method === "ui/notifications/host-context-changed") useTheme(params);
  if (message.id !== undefined) send({ id: message.id, result: {} });
}

window.addEventListener("message", (event) => {
  if (event.source === window.parent && event.data?.jsonrpc === "2.0") receive(event.data);
});
document.getElementById("approvals").append(card.root);
request("ui/initialize", {
  appInfo: { name: "trax-mcp", version: "1" },
  appCapabilities: {},
  protocolVersion: "2026-01-26",
}).then((result) => {
  useTheme(result.hostContext);
  send({ method: "ui/notifications/initialized", params: {} });
  new ResizeObserver(resize).observe(document.body);
});
