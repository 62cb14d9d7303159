"use strict";
// The merged chat: what viewers write, as text that reaches eyes only.

const MOST_MESSAGES = 200;

const chat = {
  cursor: undefined,
  isAtEnd: true,

  draw(state) {
    it("chat").hidden = !state.hasChat;
    document.querySelector("main").classList.toggle("silent", !state.hasChat);
    it("chat").querySelector(".write").hidden = !state.can.send_chat_message;
    it("chat-trouble").hidden = !state.chatTrouble;
    it("chat-trouble").textContent = state.chatTrouble ?? "";
    this.dim(state);
  },

  // `after`: where the chat was when this was asked. Of two looks at once, the first one adds it.
  add({ messages, cursor, missed }, after, state) {
    if (after !== this.cursor) return;
    this.cursor = cursor;
    const log = it("log").querySelector("ol");
    if (missed) log.append(make("li", "Some messages are missing here.", { class: "rule" }));
    for (const message of messages) this.addOne(log, message);
    while (log.childElementCount > MOST_MESSAGES) log.firstElementChild.remove();
    it("quiet").hidden = log.childElementCount > 0;
    this.dim(state);
    if (this.isAtEnd) this.scrollToEnd();
    else if (messages.length) it("newer").hidden = false;
  },

  addOne(log, message) {
    const at = new Date(message.at);
    const isDated = !Number.isNaN(at.valueOf());
    if (isDated) this.rule(log, at);
    const author = make("b");
    author.append(make("bdi", message.author));
    const words = make("p");
    words.append(author, ...(message.own ? [make("small", "(you)")] : []), " ", make("bdi", message.text));
    const item = make("li", "", { class: message.own ? "own" : "" });
    const when = isDated ? make("time", clock(at), { datetime: message.at }) : make("time", "–");
    item.append(when, mark(message.platform ?? ""), words);
    log.append(item);
  },

  // A line before the messages of another day.
  rule(log, at) {
    const day = dayOf(at);
    if (day === log.dataset.day) return;
    const isNeeded = log.childElementCount > 0 || day !== dayOf(new Date());
    log.dataset.day = day;
    if (isNeeded) log.append(make("li", day, { class: "rule" }));
  },

  // What was written before the show is less important.
  dim(state) {
    const began = new Date(state?.live ? state.since ?? NaN : NaN);
    for (const shown of it("log").querySelectorAll("time[datetime]")) {
      shown.parentElement.classList.toggle("old", new Date(shown.dateTime) < began);
    }
  },

  scrollToEnd() {
    it("log").scrollTop = it("log").scrollHeight;
  },
};

// A frame of a client may not submit forms.
async function write(event) {
  const [input, button] = it("chat").querySelector(".write").children;
  if (!event.isTrusted || !input.value.trim() || button.disabled) return;
  button.disabled = true;
  if (await press("chat", "send_chat_message", { text: input.value }, button)) {
    input.value = "";
    say("");
  }
  button.disabled = false;
}

it("chat").querySelector(".write button").onclick = write;
it("chat").querySelector("input").onkeydown = (event) => {
  if (event.key === "Enter" && !event.isComposing) write(event);
};
it("newer").onclick = () => chat.scrollToEnd();
it("log").onscroll = ({ target }) => {
  chat.isAtEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 40;
  if (chat.isAtEnd) it("newer").hidden = true;
};
new ResizeObserver(() => chat.isAtEnd && chat.scrollToEnd()).observe(it("log"));
