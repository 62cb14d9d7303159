"use strict";
// The page: opens its session with the secret in the fragment, then follows the questions.

const cards = new Map(); // by ticket
let shownVersion = 0;
let isAsking = true;

function notice(text) {
  const shown = document.getElementById("notice");
  shown.textContent = text;
  shown.hidden = !text;
}

// An approval is signed with the person's passkey, if one is enrolled.
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
    notice("Your passkey wasn't used, so nothing was sent. You can try again.");
    return null;
  }
}

function cardOf(ticket) {
  if (!cards.has(ticket)) {
    const card = new ApprovalCard(
      () => page.post("/report", { ticket }),
      async (choice) => {
        const { state } = card;
        const signature = await sign(choice, state);
        if (signature === null) return;
        if (choice === state.yes) card.showSending();
        show(await page.post("/answer", { ticket, choice, signature }));
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
  notice(state.openedTwice ? "Something else tried to open this page. It can't answer." : "");
  const tickets = state.approvals.map((it) => it.ticket);
  for (const [ticket, card] of cards) {
    if (tickets.includes(ticket)) continue;
    card.root.remove();
    cards.delete(ticket);
  }
  const open = state.approvals.filter((it) => it.phase === "open").length;
  isAsking = state.approvals.some((it) => it.phase === "open" || it.phase === "running");
  const farewell = isAsking ? "" : `You can close this tab and go back to ${askerOf(state)}.`;
  const newest = state.approvals.at(-1);
  for (const it of state.approvals) cardOf(it.ticket).draw(it, it === newest ? farewell : "");
  drawBar(state, isAsking);
  const title = document.getElementById("asker").textContent;
  document.title = open > 1 ? `(${open}) ${title}` : title;
}

async function run() {
  await page.open("trax-session", "This question is open in another tab. Answer it there.");
  show(await page.post("/state", {}));
  for (;;) show(await page.post("/state", { version: String(shownVersion) }));
}

run().catch((error) => {
  cards.forEach((card) => card.stop());
  if (error.isFinal) notice(error.message);
  else if (isAsking) notice("trax-mcp has stopped, so nothing can be answered here. You can close this tab.");
});
