"use strict";
// One question with its two buttons. All text is set as text, never as HTML.

async function visible() {
  while (document.visibilityState !== "visible") {
    await new Promise((done) => {
      document.addEventListener("visibilitychange", done, { once: true });
    });
  }
}

function askerOf(state) {
  return state?.asker || "your assistant";
}

// The line above all questions: who asks, and whether anything is real.
function drawBar(state, isAsking) {
  const asks = isAsking ? `${state.asker || "An assistant"} is asking` : "Done";
  const asker = document.getElementById("asker");
  if (asker.textContent !== asks) asker.textContent = asks;
  document.getElementById("practice").hidden = !state?.practice;
}

class ApprovalCard {
  // `report()` tells the server that the question is shown, `press(choice)` a choice.
  constructor(report, press) {
    this.report = report;
    this.press = press;
    this.wasAsked = false;
    this.isSent = false; // the approval is on its way
    this.root = document.createElement("section");
    this.root.className = "approval";
    this.title = this.add(this.root, "h2");
    this.title.id = `question-${ApprovalCard.count = (ApprovalCard.count ?? 0) + 1}`;
    this.title.tabIndex = -1;
    this.root.setAttribute("aria-labelledby", this.title.id);
    this.parts = ["lead", "rows", "lasts", "warnings", "unknown"].map(
      (name) => this.add(this.root, name === "rows" ? "dl" : "div", name),
    );
    this.outcome = this.add(this.root, "p", "outcome");
    this.outcome.setAttribute("role", "status");
    this.buttons = this.add(this.root, "div", "buttons");
    this.no = this.add(this.buttons, "button", "no");
    this.yes = this.add(this.buttons, "button", "yes");
    this.no.type = this.yes.type = "button";
    this.no.onclick = (event) => this.choose(event, this.no.textContent);
    this.yes.onclick = (event) => this.choose(event, this.yes.textContent);
    this.foot = this.add(this.root, "p", "foot");
    this.left = document.createElement("span");
    this.left.setAttribute("role", "timer");
    this.left.setAttribute("aria-live", "off");
    this.root.hidden = true;
  }

  add(parent, tag, name = "") {
    const element = document.createElement(tag);
    element.className = name;
    parent.append(element);
    return element;
  }

  // A sentence is a text, or a list of texts and names. A name is set as text in bold.
  pieces(sentence) {
    return [sentence].flat().flatMap((it) => {
      if (typeof it === "string") return [it];
      const name = document.createElement("b");
      name.textContent = it.name;
      return it.detail ? [name, ` (${it.detail})`] : [name];
    });
  }

  paragraph(sentence) {
    const element = document.createElement("p");
    element.append(...this.pieces(sentence));
    return element;
  }

  row({ label, items, muted }) {
    const [term, facts] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = label;
    facts.className = muted ? "muted" : "";
    // Names stand in one line, and sentences each in its own.
    const areNames = items.every((it) => it.length === 1);
    const separator = () => (areNames ? ", " : document.createElement("br"));
    facts.append(...items.flatMap((it, at) => [...(at ? [separator()] : []), ...this.pieces(it)]));
    return [term, facts];
  }

  draw(state, farewell = "") {
    this.state = state;
    const isAsked = state.phase === "open" || state.phase === "running";
    this.root.hidden = false;
    this.root.classList.toggle("live", Boolean(state.goesLive));
    if (state.isStop) this.root.classList.add("stop");
    this.title.replaceChildren(...this.pieces(isAsked ? state.headline : state.ended.headline));
    for (const part of this.parts) {
      const found = (isAsked && state[part.className]) || [];
      part.hidden = found.length === 0;
      part.replaceChildren(...found.flatMap(
        (it) => (part.className === "rows" ? this.row(it) : [this.paragraph(it)]),
      ));
    }
    // While it waits for TRaX's rate limit, the server says that it is open.
    const isOpen = state.phase === "open" && !this.isSent;
    if (isAsked && !isOpen) this.showSending();
    else this.showOutcome(isAsked ? [] : this.end(state.ended));
    this.buttons.hidden = !isOpen;
    if (isOpen) this.open(state);
    else this.close(isAsked ? "" : farewell);
  }

  // What is so now, with the time as the browser writes it.
  end({ since, text }) {
    const time = since && new Date(since);
    const at = time && time.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
    return [...(at ? [`Since ${at}. `] : []), ...this.pieces(text)];
  }

  showOutcome(pieces) {
    this.outcome.className = "outcome";
    this.outcome.replaceChildren(...pieces);
  }

  showSending() {
    this.buttons.hidden = this.foot.hidden = true;
    this.outcome.className = "outcome sending";
    this.outcome.textContent = this.state.sending;
  }

  open(state) {
    this.endsAt = performance.now() + state.secondsLeft * 1000;
    this.timer ??= setInterval(() => this.count(), 1000);
    const where = state.isStop
      ? "Answer here or in the conversation. One is enough."
      : "Nothing happens until you answer.";
    this.foot.replaceChildren(`${where} This question expires in `, this.left, ".");
    this.foot.hidden = false;
    this.count();
    if (!this.wasAsked) this.ask(state);
  }

  close(farewell) {
    clearInterval(this.timer);
    this.timer = null;
    this.foot.textContent = farewell;
    this.foot.hidden = !farewell;
  }

  count() {
    const left = Math.max(0, Math.ceil((this.endsAt - performance.now()) / 1000));
    this.left.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }

  // It can be answered a moment after the question was seen, as the server demands too. Nothing
  // holds up going offline.
  async ask(state) {
    this.wasAsked = true;
    this.yes.textContent = state.yes;
    this.no.textContent = state.no;
    this.yes.disabled = this.no.disabled = true;
    await visible();
    const reported = this.report();
    if (state.isStop) this.yes.disabled = false;
    await reported;
    await new Promise((done) => setTimeout(done, state.readingSeconds * 1000 + 50));
    this.yes.disabled = this.no.disabled = false;
  }

  async choose(event, choice) {
    if (!event.isTrusted) return;
    this.title.focus(); // the buttons are about to go
    this.yes.disabled = this.no.disabled = true;
    if (choice === this.state.yes) this.isSent = true;
    await this.press(choice);
    this.isSent = false;
    if (this.state.phase === "open") this.draw(this.state); // it didn't count
    this.yes.disabled = this.no.disabled = this.state.phase !== "open";
  }

  // Nothing can be answered here any more.
  stop() {
    this.yes.disabled = this.no.disabled = true;
    if (this.state?.phase === "open") this.close("");
  }
}
