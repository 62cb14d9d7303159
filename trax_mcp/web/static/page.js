"use strict";
// Draws the open questions. All text is set as text, never as HTML.

const SESSION = "trax-session";
const cards = new Map(); // ticket -> {root, question}

function notice(text) {
  const shown = document.getElementById("notice");
  shown.textContent = text;
  shown.hidden = !text;
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "Authorization": `Bearer ${sessionStorage.getItem(SESSION) || ""}`,
    },
    body: JSON.stringify(body),
  });
  if (response.status === 401) throw new Error("session");
  return response;
}

async function openSession() {
  const secret = location.hash.slice(1);
  history.replaceState(null, "", "/");
  if (!secret) return;
  const response = await post("/redeem", { secret });
  if (response.ok) sessionStorage.setItem(SESSION, (await response.json()).session);
  else sessionStorage.removeItem(SESSION);
}

function fill(root, name, texts) {
  const block = root.querySelector(`.${name}`);
  block.hidden = texts.length === 0;
  block.querySelector("ul").replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

function draw(approval) {
  const isNew = !cards.has(approval.ticket);
  if (isNew) {
    const root = document.getElementById("approval").content.cloneNode(true).firstElementChild;
    document.getElementById("approvals").prepend(root);
    cards.set(approval.ticket, { root, question: null });
  }
  const card = cards.get(approval.ticket);
  const { root } = card;
  root.querySelector("h2").textContent = approval.yes;
  for (const name of ["changes", "warnings", "effects", "unknown"]) fill(root, name, approval[name]);
  const outcome = root.querySelector(".outcome");
  outcome.textContent = {
    open: "", running: "Being sent …", withdrawn: "No longer asked. Nothing was sent.",
  }[approval.phase] ?? approval.outcome;
  outcome.hidden = !outcome.textContent;
  root.querySelector(".buttons").hidden = approval.phase !== "open";
  if (approval.phase === "open" && card.question !== approval.question) ask(card, approval);
}

async function ask(card, approval) {
  card.question = approval.question;
  const yes = card.root.querySelector(".yes");
  const no = card.root.querySelector(".no");
  yes.textContent = approval.yes;
  no.textContent = approval.no;
  yes.disabled = true;
  const press = (choice) => async (event) => {
    if (!event.isTrusted || card.question !== approval.question) return;
    yes.disabled = no.disabled = true;
    const { ticket, question } = approval;
    show(await (await post("/answer", { ticket, question, choice })).json());
  };
  yes.onclick = press(approval.yes);
  no.onclick = press(approval.no);
  no.disabled = false;
  await visible();
  await post("/report", { ticket: approval.ticket, question: approval.question });
  await new Promise((done) => setTimeout(done, approval.readingSeconds * 1000 + 50));
  if (card.question === approval.question) yes.disabled = false;
}

function visible() {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

function show(state) {
  notice(state.openedTwice ? "Somebody else has tried to open this page. They cannot answer." : "");
  state.approvals.forEach(draw);
  const open = state.approvals.filter((it) => it.phase === "open").length;
  document.title = open ? `(${open}) TRaX asks you` : "TRaX";
  return state.version;
}

async function run() {
  await openSession();
  let version = "";
  for (;;) version = show(await (await post("/state", { version })).json());
}

run().catch((error) => {
  document.querySelectorAll("button").forEach((it) => { it.disabled = true; });
  notice(error.message === "session"
    ? "This page cannot answer: it was opened in another tab, or its address was used before."
    : "trax-mcp has ended. Nothing more can be answered here; close this page.");
});
