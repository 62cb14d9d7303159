"use strict";
// The control room: looks at one studio while it is seen, and sends what is pressed.

const WAIT_SECONDS = 25;
const LATE_SECONDS = 5; // after the longest wait
const PRESS_SECONDS = 30;
const STOP_MILLISECONDS = 2000; // then going offline can be pressed again
const LONE_MILLISECONDS = 3000; // after this long without an answer, a card has no contact
const SETTLE_MILLISECONDS = 700;
const OLD_MILLISECONDS = 10000; // after this long, what was shown is old
const PAUSE_MILLISECONDS = 300;
const UNSEEN_PAUSE_MILLISECONDS = 2000;
const LONGEST_PAUSE_MILLISECONDS = 30000;
const OUTCOME_MILLISECONDS = 8000;
const QUESTIONS = "live.traxstreaming/questions";
const NOT_ANSWERED = "trax-mcp didn't answer. Check whether it was done before you press again.";

const cards = new Map(); // questions, by ticket
const asked = new Map(); // tickets, by what was pressed
const pressing = new Map(); // when it was sent, by what was pressed
let studioId = null;
let state = null;
let version;
let summary = null;
let clockAhead = 0; // of the server, in milliseconds
let looks = 0; // that were begun
let newest = 0; // the look whose answer is shown
let lastContact = null;
let isLost = false; // what is shown was so at `seenAt`, and nothing is known of now
let seenAt = null;
let wasHidden = false; // for long, and nothing was read since
let hiddenSince = null;
let isSeen = true;
let retry = null;

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function call(name, args, seconds) {
  return host.call(name, { studioId, ...args }, seconds);
}

// Presses and questions

// Whether it was done, as far as that is known at once.
async function press(key, pressed, args, button) {
  const isStop = pressed === "go_offline"; // nothing holds it up for long
  const earlier = asked.get(key);
  const open = cards.get(earlier);
  if (open && !(isStop && isStuck(open))) return open.title.focus();
  if (performance.now() - pressing.get(key) < (isStop ? STOP_MILLISECONDS : Infinity)) return false;
  const sentAt = performance.now();
  pressing.set(key, sentAt);
  markBusy(button, key);
  say("");
  try {
    const result = await call("press_in_control_room", { press: pressed, arguments: args }, PRESS_SECONDS);
    const ticket = result._meta?.[TICKET];
    if (ticket) {
      open?.root.remove();
      question(ticket, { key, button, known: result.structuredContent?.question });
      return true;
    }
    say(outcomeOf(result), { stays: result.isError });
    look(0, { again: true }).catch(() => {});
    return !result.isError;
  } catch (error) {
    say(error.isFinal ? error.message : NOT_ANSWERED, { stays: true });
    return false;
  } finally {
    if (pressing.get(key) === sentAt) pressing.delete(key);
    markBusy(button, key);
  }
}

function markBusy(button, key) {
  if (button === byId("air") && key !== button.dataset.press) return; // it's another button now
  if (pressing.has(key)) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

// Whether a card can't be answered, for all that is known.
function isStuck(card) {
  const silence = performance.now() - card.heardAt;
  return silence > (card.root.hidden || card.isSent ? LONE_MILLISECONDS / 3 : LONE_MILLISECONDS);
}

function outcomeOf({ structuredContent, content }) {
  return structuredContent?.outcome ?? structuredContent?.error?.message ?? content?.[0]?.text ?? NOT_ANSWERED;
}

// `button`: what was pressed. A question of the assistant has none, and doesn't take the focus.
function question(ticket, { key, button, known } = {}) {
  if (!cards.has(ticket)) {
    const settleMilliseconds = button ? 0 : SETTLE_MILLISECONDS;
    const onShow = (shown) => isOver(shown) && finish(ticket, shown);
    const card = ask(ticket, onShow, { known, settleMilliseconds });
    cards.set(ticket, card);
    byId("questions").prepend(card.root);
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
  for (const [key, open] of asked) if (open === ticket) asked.delete(key);
  const text = card.outcome.textContent;
  say(text ? `${card.title.textContent}. ${text}` : card.title.textContent, { stays: shown.phase === "gone" });
  look(0, { again: true }).catch(() => {});
}

function say(text, { stays = false } = {}) {
  byId("said").textContent = text;
  clearTimeout(say.timer);
  if (text && !stays) say.timer = setTimeout(() => say(""), OUTCOME_MILLISECONDS);
}

function askAssistant(text) {
  const refused = "Your app didn't take the message. Ask in the conversation.";
  host.askAssistant(text).then((isTaken) => isTaken || say(refused), () => say(refused));
}

// Looking

async function look(waitSeconds, { again = false } = {}) {
  const number = ++looks;
  const after = chat.cursor;
  const result = await call("watch_control_room", {
    chat: isSeen, waitSeconds, ...(version && { version }), ...(after && { after }), ...(again && { again }),
  }, waitSeconds + LATE_SECONDS);
  if (!result.structuredContent?.version) throw new Refused(outcomeOf(result));
  show(result.structuredContent, number, after);
  for (const ticket of result._meta?.[QUESTIONS] ?? []) question(ticket);
}

class Refused extends Error {}

function show(answer, number, after) {
  lastContact = new Date();
  if (number > newest) { // two looks at once may be answered in another order
    newest = number;
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
    tellTrouble(answer);
  }
  if (answer.chat) chat.add(answer.chat, after, state);
}

function tellTrouble(answer) {
  const now = Date.parse(answer.now);
  clockAhead = now - Date.now();
  seenAt = answer.seenAt ? new Date(answer.seenAt) : null;
  if (state.stale || now - seenAt < OLD_MILLISECONDS) wasHidden = false;
  isLost = state.stale || wasHidden;
  contact(state.trouble ?? "", { canRetry: state.ended });
  tick();
}

async function watch() {
  let failures = 0;
  for (let wait = 0; ; wait = WAIT_SECONDS) {
    await visible();
    try {
      await look(failures || wasHidden ? 0 : wait, { again: retry !== null || wasHidden });
      failures = 0;
      retry = null;
      if (state.ended) await new Promise((done) => { retry = done; });
      await sleep(wasHidden ? UNSEEN_PAUSE_MILLISECONDS : PAUSE_MILLISECONDS);
    } catch (error) {
      if (error.name === "AbortError") { // something else was more urgent
        await sleep(PAUSE_MILLISECONDS);
        continue;
      }
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
  if (error.isFinal || (error instanceof Refused && !lastContact)) contact(error.message);
  else if (!lastContact && !host.can.serverTools) contact("Your app doesn't let the control room reach trax-mcp, so it can't be used here.");
  else if (!lastContact) contact("trax-mcp isn't answering. Trying again…");
  else contact(`trax-mcp hasn't answered since ${moment(lastContact)}. What you see is from then. Trying again…`);
  tick();
}

// What was so before a long time out of sight isn't shown as if it were so now.
function noteVisibility() {
  if (document.visibilityState !== "visible") hiddenSince = performance.now();
  else if (state && performance.now() - hiddenSince > OLD_MILLISECONDS) {
    newest = looks; // no look that was begun before counts
    isLost = wasHidden = true;
    tick();
    look(0, { again: true }).catch(() => {});
  }
}

function contact(text, { canRetry = false } = {}) {
  const [words, button] = byId("contact").children;
  byId("contact").hidden = !text;
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
  byId("mode").hidden = !wanted;
  byId("mode").dataset.wanted = displayMode === "inline" ? wanted : "inline";
  byId("mode").textContent = displayMode === "inline" ? words[wanted] : "Back";
}

byId("contact").querySelector("button").onclick = () => retry?.();
byId("air").onclick = (event) => {
  const { press: pressed } = byId("air").dataset;
  if (event.isTrusted) press(pressed, pressed, {}, byId("air"));
};
byId("mode").onclick = () => host.display(byId("mode").dataset.wanted).then(useMode, () => {});
new IntersectionObserver(([entry]) => {
  const isBack = entry.isIntersecting && !isSeen;
  isSeen = entry.isIntersecting;
  if (isBack && state && !isLost) look(0).catch(() => {}); // the look under way leaves the chat out
}).observe(document.body);
document.addEventListener("visibilitychange", noteVisibility);
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
}, { availableDisplayModes: ["inline", "fullscreen", "pip"] }).then(useMode, lose);
