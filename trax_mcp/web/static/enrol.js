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

const element = (id) => document.getElementById(id);

function end(title, text) {
  element("title").textContent = document.title = title;
  element("text").textContent = text;
  element("buttons").hidden = true;
  element("outcome").textContent = "You can close this tab.";
  element("title").focus();
}

async function run() {
  const redeemed = await post("/redeem", { secret });
  session = redeemed.session;
  const button = element("make");
  button.disabled = false;
  button.onclick = async () => {
    button.disabled = true;
    try {
      await make(redeemed.options);
      end("Your passkey is ready", "Restart your MCP client: from then on trax-mcp asks for it.");
    } catch {
      element("outcome").textContent = "No passkey was made. You can try again.";
      button.disabled = false;
    }
  };
}

run().catch(() => end("This page was opened before", "Run trax-mcp passkey again to get a new one."));
