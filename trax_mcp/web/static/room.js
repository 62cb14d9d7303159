"use strict";
// The control room: looks at one studio while it is seen, and sends what is pressed.

const WAIT_SECONDS = 25;
const LATE_SECONDS = 5; // after the longest wait
const PRESS_SECONDS = 30;
const PAUSE_MILLISECONDS = 300;
const LONGEST_PAUSE_MILLISECONDS = 30000;
const OUTCOME_MILLISECONDS = 8000;
const QUESTIONS = "live.traxstreaming/questions";
const NOT_ANSWERED = "trax-mcp didn't answer. Check whether it was done before you press again.";

const cards = new Map(); // questions, by ticket
const asked = new Map(); // tickets, by what was pressed
let studioId = null;
let state = null;
let version;
let summary = null;
let clockAhead = 0; // of the server, in milliseconds
let newest = 0; // the server's time of what is shown
let lastContact = null;
let isLost = false; // what is shown was so at `seenAt`, and nothing is known of now
let seenAt = null;
let isSeen = true;
let isStopped = false;
let retry = null;

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function call(name, args, seconds) {
  const late = sleep(seconds * 1000).then(() => { throw new Error(); });
  return Promise.race([host.call(name, { studioId, ...args }), late]);
}

// Presses and questions

// Whether it was done, as far as that is known at once.
async function press(key, pressed, args, button) {
  const open = cards.get(asked.get(key));
  if (open) return open.title.focus();
  if (button.getAttribute("aria-busy")) return false;
  button.setAttribute("aria-busy", "true");
  say("");
  try {
    const result = await call("press_in_control_room", { press: pressed, arguments: args }, PRESS_SECONDS);
    const ticket = result._meta?.[TICKET];
    if (ticket) {
      question(ticket, { key, button });
      return true;
    }
    say(outcomeOf(result), { stays: result.isError });
    look(0, { again: true }).catch(() => {});
    return !result.isError;
  } catch (error) {
    say(error.isFinal ? error.message : NOT_ANSWERED, { stays: true });
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function outcomeOf({ structuredContent, content }) {
  return structuredContent?.outcome ?? structuredContent?.error?.message ?? content?.[0]?.text ?? NOT_ANSWERED;
}

// `button`: what was pressed. A question of the assistant has none, and doesn't take the focus.
function question(ticket, { key, button } = {}) {
  if (!cards.has(ticket)) {
    const card = ask(ticket, (shown) => isOver(shown) && finish(ticket, shown));
    cards.set(ticket, card);
    it("questions").prepend(card.root);
  }
  const card = cards.get(ticket);
  if (!button) return;
  asked.set(key, ticket);
  card.button = button;
  button.classList.add("asked");
  focusOnceShown(card);
}

function focusOnceShown(card) {
  if (!card.root.hidden) return card.title.focus();
  const shown = new MutationObserver(() => {
    shown.disconnect();
    card.title.focus();
  });
  shown.observe(card.root, { attributeFilter: ["hidden"] });
}

function finish(ticket, shown) {
  const card = cards.get(ticket);
  if (!card || !card.root.isConnected) return;
  const hadFocus = card.root.contains(document.activeElement) || document.activeElement === document.body;
  card.root.remove();
  card.button?.classList.remove("asked");
  if (hadFocus) card.button?.focus();
  for (const [key, it] of asked) if (it === ticket) asked.delete(key);
  const text = card.outcome.textContent;
  say(text ? `${card.title.textContent}. ${text}` : card.title.textContent, { stays: shown.phase === "gone" });
  look(0, { again: true }).catch(() => {});
}

function say(text, { stays = false } = {}) {
  it("said").textContent = text;
  clearTimeout(say.timer);
  if (text && !stays) say.timer = setTimeout(() => say(""), OUTCOME_MILLISECONDS);
}

function askAssistant(text) {
  const refused = "Your client didn't take the message. Ask your assistant in the conversation.";
  host.askAssistant(text).then((isTaken) => isTaken || say(refused), () => say(refused));
}

// Looking

async function look(waitSeconds, { again = false } = {}) {
  const after = chat.cursor;
  const result = await call("watch_control_room", {
    chat: isSeen, waitSeconds, ...(version && { version }), ...(after && { after }), ...(again && { again }),
  }, waitSeconds + LATE_SECONDS);
  if (!result.structuredContent?.version) throw new Refused(outcomeOf(result));
  show(result.structuredContent, after);
  for (const ticket of result._meta?.[QUESTIONS] ?? []) question(ticket);
}

class Refused extends Error {}

function show(answer, after) {
  const now = Date.parse(answer.now);
  lastContact = new Date();
  clockAhead = now - Date.now();
  if (now >= newest) { // two looks at once may be answered in another order
    newest = now;
    version = answer.version;
    if (answer.state) {
      state = answer.state;
      drawState(state);
      chat.draw(state);
    }
    if (answer.summary !== undefined && answer.summary !== summary) {
      if (summary !== null) host.tellModel(`The control room now says: ${answer.summary}`);
      summary = answer.summary;
    }
  }
  if (answer.chat) chat.add(answer.chat, after, state);
  tellTrouble(answer.seenAt);
}

function tellTrouble(answerSeenAt) {
  isLost = state.stale || state.ended;
  seenAt = answerSeenAt ? new Date(answerSeenAt) : null;
  contact(state.trouble ?? "", { canRetry: state.ended });
  tick();
}

async function watch() {
  let failures = 0;
  for (let wait = 0; !isStopped; wait = WAIT_SECONDS) {
    await visible();
    try {
      await look(failures ? 0 : wait, { again: retry !== null });
      failures = 0;
      retry = null;
      if (state.ended) await new Promise((done) => { retry = done; });
      await sleep(PAUSE_MILLISECONDS);
    } catch (error) {
      failures += 1;
      lose(error);
      if (error.isFinal) return;
      await sleep(Math.min(1000 * 2 ** failures, LONGEST_PAUSE_MILLISECONDS));
    }
  }
}

// There is no contact: what the room shows is from earlier.
function lose(error) {
  if (!isLost) seenAt = lastContact;
  isLost = true;
  const silence = lastContact ? `hasn't answered since ${moment(lastContact)}. What you see is from then` : "doesn't answer";
  if (error.isFinal || (error instanceof Refused && !lastContact)) contact(error.message);
  else if (!lastContact && !host.can.serverTools) contact("Your client doesn't let the control room ask trax-mcp, so it can't be used here.");
  else contact(`trax-mcp ${silence}. Trying again…`);
  tick();
}

function contact(text, { canRetry = false } = {}) {
  const [words, button] = it("contact").children;
  it("contact").hidden = !text;
  if (words.textContent !== text) words.textContent = text;
  button.hidden = !canRetry;
}

function tick() {
  if (state) drawLight(state, clockAhead, isLost, seenAt);
}

function useMode() {
  const { displayMode = "inline", availableDisplayModes = [] } = host.context;
  document.documentElement.dataset.mode = displayMode;
  const wanted = ["pip", "fullscreen"].find((mode) => availableDisplayModes.includes(mode));
  const words = { pip: "Keep in sight", fullscreen: "Enlarge" };
  it("mode").hidden = !wanted;
  it("mode").dataset.wanted = displayMode === "inline" ? wanted : "inline";
  it("mode").textContent = displayMode === "inline" ? words[wanted] : "Back";
}

it("contact").querySelector("button").onclick = () => retry?.();
it("air").onclick = (event) => {
  const { press: pressed } = it("air").dataset;
  if (event.isTrusted) press(pressed, pressed, {}, it("air"));
};
it("mode").onclick = () => host.display(it("mode").dataset.wanted).then(useMode, () => {});
new IntersectionObserver(([entry]) => {
  const isBack = entry.isIntersecting && !isSeen;
  isSeen = entry.isIntersecting;
  if (isBack && state && !isLost) look(0).catch(() => {}); // the look under way leaves the chat out
}).observe(document.body);
setInterval(tick, 1000);
useMode();
host.connect({
  opened(result) {
    if (studioId !== null) return;
    studioId = result?.structuredContent?.studioId ?? null;
    if (studioId !== null) watch();
    else contact(result?.content?.[0]?.text ?? "This control room couldn't be opened.");
  },
  contextChanged: useMode,
  closed() { isStopped = true; },
}, { availableDisplayModes: ["inline", "fullscreen", "pip"] }).then(useMode, lose);
