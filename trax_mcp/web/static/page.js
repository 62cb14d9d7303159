"use strict";
// The page: opens its session with the secret in the fragment, then follows the questions.

const SESSION = "trax-session";
const cards = new Map(); // by ticket
let shownVersion = 0;

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
  return response.json();
}

async function openSession() {
  const secret = location.hash.slice(1);
  history.replaceState(null, "", "/");
  if (!secret) return;
  sessionStorage.removeItem(SESSION);
  const { session } = await post("/redeem", { secret });
  if (session) sessionStorage.setItem(SESSION, session);
}

// A yes is signed with the person's passkey, if one is enrolled.
async function sign(choice, { yes, passkey }) {
  if (!passkey || choice !== yes) return "";
  try {
    const options = PublicKeyCredential.parseRequestOptionsFromJSON({
      challenge: passkey.challenge,
      rpId: passkey.rpId,
      allowCredentials: [{ type: "public-key", id: passkey.credentialId }],
      userVerification: "required",
    });
    return JSON.stringify((await navigator.credentials.get({ publicKey: options })).toJSON());
  } catch {
    notice("The passkey was not used, so nothing was sent. You can press once more.");
    return null;
  }
}

function cardOf(ticket) {
  if (!cards.has(ticket)) {
    const card = new ApprovalCard(
      (question) => post("/report", { ticket, question }),
      async (question, choice) => {
        const signature = await sign(choice, cards.get(ticket).state);
        if (signature === null) return;
        show(await post("/answer", { ticket, question, choice, signature }));
      },
    );
    document.getElementById("approvals").prepend(card.root);
    cards.set(ticket, card);
  }
  return cards.get(ticket);
}

function show(state) {
  if (Number(state.version) < shownVersion) return; // an older answer that comes later
  shownVersion = Number(state.version);
  notice(state.openedTwice ? "Somebody else has tried to open this page. They cannot answer." : "");
  const tickets = state.approvals.map((it) => it.ticket);
  for (const [ticket, card] of cards) {
    if (tickets.includes(ticket)) continue;
    card.root.remove();
    cards.delete(ticket);
  }
  for (const approval of state.approvals) cardOf(approval.ticket).draw(approval);
  const open = state.approvals.filter((it) => it.phase === "open").length;
  document.getElementById("wish").hidden = !open;
  document.title = open ? `(${open}) TRaX asks you` : "TRaX";
}

async function run() {
  await openSession();
  show(await post("/state", {}));
  for (;;) show(await post("/state", { version: String(shownVersion) }));
}

run().catch((error) => {
  cards.forEach((card) => card.end());
  notice(error.message === "session"
    ? "This page cannot answer: it was opened in another tab, or its address was used before."
    : "trax-mcp has ended. Nothing more can be answered here; close this page.");
});
