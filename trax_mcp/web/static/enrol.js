"use strict";
// Makes a passkey in this browser, and hands its public half to trax-mcp.

const secret = location.hash.slice(1);
history.replaceState(null, "", "/");
let session = "";

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Authorization": `Bearer ${session}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error("refused");
  return response.json();
}

async function make(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
  const credential = await navigator.credentials.create({ publicKey });
  await post("/finish", { response: JSON.stringify(credential.toJSON()) });
}

const button = document.getElementById("make");
const outcome = document.getElementById("outcome");

async function run() {
  const redeemed = await post("/redeem", { secret });
  session = redeemed.session;
  button.disabled = false;
  button.onclick = async () => {
    button.disabled = true;
    try {
      await make(redeemed.options);
      outcome.textContent = "Done. You can close this page.";
    } catch {
      outcome.textContent = "No passkey was made. You can try again.";
      button.disabled = false;
    }
  };
}

run().catch(() => {
  outcome.textContent = "This page was opened before. Run `trax-mcp passkey` once more.";
});
