"use strict";
// Makes a passkey in this browser, and hands its public half to trax-mcp.

const secret = location.hash.slice(1);
history.replaceState(null, "", "/");

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret, ...body }),
  });
  if (!response.ok) throw new Error("refused");
  return response.json();
}

async function make() {
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(await post("/begin", {}));
  const credential = await navigator.credentials.create({ publicKey: options });
  await post("/finish", { response: JSON.stringify(credential.toJSON()) });
}

const button = document.getElementById("make");
button.onclick = async () => {
  button.disabled = true;
  const outcome = document.getElementById("outcome");
  try {
    await make();
    outcome.textContent = "Done. You can close this page.";
  } catch {
    outcome.textContent = "No passkey was made. You can try again.";
    button.disabled = false;
  }
};
