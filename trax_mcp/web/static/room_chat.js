"use strict";
// The merged chat: what viewers write, as text that reaches eyes only.

const MOST_MESSAGES = 200;

const chat = {
  cursor: undefined,
  isAtEnd: true,

  draw(state) {
    byId("chat").hidden = !state.hasChat;
    document.querySelector("main").classList.toggle("silent", !state.hasChat);
    byId("chat").querySelector(".write").hidden = !state.can.send_chat_message;
    byId("chat-trouble").hidden = !state.chatTrouble;
    byId("chat-trouble").textContent = state.chatTrouble ?? "";
    this.dim(state);
  },

  // `after`: where the chat was when this was asked. Of two looks at once, the first one adds it.
  add({ messages, cursor, missed }, after, state) {
    if (after !== this.cursor) return;
    this.cursor = cursor;
    const log = byId("log").querySelector("ol");
    if (missed) log.append(make("li", "Some messages are missing here.", { class: "rule" }));
    for (const message of messages) this.addOne(log, message);
    while (log.childElementCount > MOST_MESSAGES) log.firstElementChild.remove();
    byId("quiet").hidden = log.childElementCount > 0;
    this.dim(state);
    if (this.isAtEnd) this.scrollToEnd();
    else if (messages.length) byId("newer").hidden = false;
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
    for (const shown of byId("log").querySelectorAll("time[datetime]")) {
      shown.parentElement.classList.toggle("old", new Date(shown.dateTime) < began);
    }
  },

  scrollToEnd() {
    byId("log").scrollTop = byId("log").scrollHeight;
  },
};

// A frame of a client may not submit forms.
async function write(event) {
  const [input, button] = byId("chat").querySelector(".write").children;
  if (!event.isTrusted || !input.value.trim() || button.disabled) return;
  button.disabled = true;
  if (await press("chat", "send_chat_message", { text: input.value }, button)) {
    input.value = "";
    say("");
  }
  button.disabled = false;
}

byId("chat").querySelector(".write button").onclick = write;
byId("chat").querySelector("input").onkeydown = (event) => {
  if (event.key === "Enter" && !event.isComposing) write(event);
};
byId("newer").onclick = () => chat.scrollToEnd();
byId("log").onscroll = ({ target }) => {
  chat.isAtEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 40;
  if (chat.isAtEnd) byId("newer").hidden = true;
};
new ResizeObserver(() => chat.isAtEnd && chat.scrollToEnd()).observe(byId("log"));
