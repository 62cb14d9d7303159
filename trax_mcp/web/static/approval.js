"use strict";
// One question with its two buttons. All text is set as text, never as HTML.

async function visible() {
  while (document.visibilityState !== "visible") {
    await new Promise((done) => {
      document.addEventListener("visibilitychange", done, { once: true });
    });
  }
}

class ApprovalCard {
  // `report(question)` tells the server that a question is shown, `press(question, choice)` a choice.
  constructor(report, press) {
    this.report = report;
    this.press = press;
    this.question = null;
    this.root = document.createElement("section");
    this.root.className = "approval";
    this.title = this.add(this.root, "h2");
    this.blocks = {
      changes: this.addBlock("changes", "Changed since you were asked"),
      warnings: this.addBlock("warnings", "Warning"),
      effects: this.addBlock("effects", ""),
      unknown: this.addBlock("unknown", "Not known"),
    };
    this.outcome = this.add(this.root, "p", "outcome");
    this.outcome.setAttribute("role", "status");
    this.buttons = this.add(this.root, "div", "buttons");
    this.no = this.add(this.buttons, "button", "no");
    this.yes = this.add(this.buttons, "button", "yes");
    this.no.type = this.yes.type = "button";
    this.no.onclick = (event) => this.choose(event, this.no.textContent);
    this.yes.onclick = (event) => this.choose(event, this.yes.textContent);
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

  addBlock(name, title) {
    const block = this.add(this.root, "div", name);
    this.add(block, "h3").textContent = title;
    this.add(block, "ul");
    return block;
  }

  draw(state) {
    this.state = state;
    const isOpen = state.phase === "open";
    this.title.replaceChildren(...this.pieces(isOpen ? state.headline : [state.yes ?? ""]));
    const effects = [
      ...(state.lead ?? []),
      ...(state.rows ?? []).map(({ label, items }) => [
        `${label}: `, ...items.flatMap((it, at) => (at ? [", ", ...it] : it)),
      ]),
      ...(state.lasts ?? []),
    ];
    for (const [name, block] of Object.entries(this.blocks)) {
      const sentences = name === "effects" ? effects : state[name] ?? [];
      block.hidden = !isOpen || sentences.length === 0;
      block.querySelector("ul").replaceChildren(...sentences.map((it) => {
        const item = document.createElement("li");
        item.append(...this.pieces(it));
        return item;
      }));
    }
    this.outcome.textContent = state.phase === "running" ? "Being sent …" : state.outcome;
    this.outcome.hidden = !this.outcome.textContent;
    this.buttons.hidden = !isOpen;
    if (isOpen && this.question !== state.question) this.ask(state);
  }

  // It can be answered a moment after the question was seen, as the server demands too.
  async ask(state) {
    this.question = state.question;
    this.yes.textContent = state.yes;
    this.no.textContent = state.no;
    this.yes.disabled = this.no.disabled = true;
    await visible();
    await this.report(state.question);
    await new Promise((done) => setTimeout(done, state.readingSeconds * 1000 + 50));
    if (this.question === state.question) this.yes.disabled = this.no.disabled = false;
  }

  async choose(event, choice) {
    if (!event.isTrusted) return;
    const question = this.question;
    this.yes.disabled = this.no.disabled = true;
    await this.press(question, choice);
    if (this.question !== question) return; // `ask` says when the new one can be pressed
    this.yes.disabled = this.no.disabled = this.state.phase !== "open";
  }

  end() {
    this.yes.disabled = this.no.disabled = true;
  }
}
