"use strict";
// The control room: looks at one studio while it is seen, and sends what is pressed.

const WAIT_SECONDS = 25;
const LATE_SECONDS = 5; // after the longest wait
const STOP_MILLISECONDS = 2000; // then going offline can be pressed again
const LONE_MILLISECONDS = 3000; // after this long without an answer, a card has no contact
const SETTLE_MILLISECONDS = 700; // after a card has moved, a click may be meant for another one
const SILENT_MILLISECONDS = 35000; // longer than any look takes
const OLD_MILLISECONDS = 10000; // after this long, what was shown is old
const PAUSE_MILLISECONDS = 300;
const UNSEEN_PAUSE_MILLISECONDS = 2000;
const LONGEST_PAUSE_MILLISECONDS = 30000;
const OUTCOME_MILLISECONDS = 8000;
const QUESTIONS = "live.traxstreaming/questions";
const NOT_ANSWERED = "trax-mcp didn't answer. Check whether it was done before you press again.";

const cards = new Map(); // questions, by ticket
const asked = new Map(); // the same, by what was pressed
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
let wasAway = false; // for long, and nothing was read since
let hiddenSince = null;
let isSeen = true;
let retry = null;
let movedAt = -Infinity; // when something else came under the pointer

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function call(name, args, seconds) {
  return host.call(name, { studioId, ...args }, seconds);
}

// Presses and questions

// Whether it was done, as far as that is known at once.
async function press(key, pressed, args, button) {
  const isStop = pressed === "go_offline"; // nothing holds it up for long
  const open = asked.get(key);
  if (open && !(isStop && isStuck(open))) return open.title.focus();
  if (performance.now() - pressing.get(key) < (isStop ? STOP_MILLISECONDS : Infinity)) return false;
  const sentAt = performance.now();
  pressing.set(key, sentAt);
  markBusy(button, key);
  say("");
  try {
    const result = await call("press_in_control_room", { press: pressed, arguments: args }, SEND_SECONDS);
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
  return performance.now() - card.heardAt > LONE_MILLISECONDS;
}

function outcomeOf({ structuredContent, content }) {
  return structuredContent?.outcome ?? structuredContent?.error?.message ?? content?.[0]?.text ?? NOT_ANSWERED;
}

// `button`: what was pressed. A question of the assistant has none, and doesn't take the focus.
function question(ticket, { key, button, known } = {}) {
  if (!cards.has(ticket)) {
    const card = ask(ticket, (shown, wasDrawn) => {
      if (isOver(shown)) finish(ticket, shown);
      else if (!wasDrawn && card.button) card.title.focus();
      else if (!wasDrawn) movedAt = performance.now();
    }, known);
    cards.set(ticket, card);
    byId("questions").prepend(card.root);
  }
  const card = cards.get(ticket);
  if (!button) return;
  asked.set(key, card);
  card.button = button;
  button.classList.add("asked");
  card.title.focus(); // does nothing before it's drawn
}

function finish(ticket, shown) {
  const card = cards.get(ticket);
  if (!card || !card.root.isConnected) return;
  const hadFocus = card.root.contains(document.activeElement) || document.activeElement === document.body;
  card.root.remove();
  if (byId("questions").firstChild) movedAt = performance.now();
  card.button?.classList.remove("asked");
  if (hadFocus) card.button?.focus();
  for (const [key, open] of asked) if (open === card) asked.delete(key);
  const isStop = card.root.matches(".stop");
  const isAskedAgain = isStop && !card.isSent && byId("questions").querySelector(".stop");
  const words = [card.title, card.outcome].map((it) => it.textContent).filter(Boolean);
  if (!isAskedAgain) say(words.join(". "), { stays: isStop || shown.phase === "gone" });
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
  if (!result.structuredContent?.version) throw Object.assign(new Error(outcomeOf(result)), { isRefusal: true });
  show(result.structuredContent, number, after);
  for (const ticket of result._meta?.[QUESTIONS] ?? []) question(ticket);
}

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
  if (state.stale || !seenAt || now - seenAt < OLD_MILLISECONDS) wasAway = false;
  isLost = state.stale || state.ended || wasAway;
  if (!state.ended) retry?.();
  contact(state.trouble && !state.ended ? `${state.trouble} Trying again…` : state.trouble ?? "", { canRetry: state.ended });
  tick();
}

async function watch() {
  let failures = 0;
  let wait = 0;
  for (;;) {
    await visible();
    try {
      await look(failures || wasAway ? 0 : wait, { again: retry !== null || wasAway });
      wait = WAIT_SECONDS;
      failures = 0;
      retry = null;
      if (state.ended) await new Promise((done) => { retry = done; });
      await sleep(wasAway ? UNSEEN_PAUSE_MILLISECONDS : PAUSE_MILLISECONDS);
    } catch (error) {
      if (error.name === "AbortError") { // something else was more urgent
        wait = 0; // nothing ends the next one
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
  if (error.isFinal || (error.isRefusal && !lastContact)) contact(error.message);
  else if (!lastContact && !host.can.serverTools) contact("Your app doesn't let the control room reach trax-mcp, so it can't be used here.");
  else if (!lastContact) contact("trax-mcp isn't answering. Trying again…");
  else contact(`trax-mcp hasn't answered since ${moment(lastContact)}. What you see is from then. Trying again…`);
  tick();
}

function noteVisibility() {
  if (document.visibilityState !== "visible") hiddenSince = performance.now();
  else if (state && performance.now() - hiddenSince > OLD_MILLISECONDS) comeBack();
}

// What was so before a long time isn't shown as if it were so now.
function comeBack() {
  newest = looks; // no look that was begun before counts
  isLost = wasAway = true;
  tick();
  look(0, { again: true }).catch(() => {});
}

function contact(text, { canRetry = false } = {}) {
  const [words, button] = byId("contact").children;
  byId("contact").hidden = !text;
  if (words.textContent !== text) words.textContent = text;
  button.hidden = !canRetry;
}

function tick() {
  const isSilent = !isLost && Date.now() - lastContact > SILENT_MILLISECONDS; // the computer has slept
  if (state && isSilent && document.visibilityState === "visible") comeBack();
  else if (state) drawLight(state, clockAhead, isLost, seenAt);
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

byId("questions").addEventListener("click", (event) => {
  if (performance.now() - movedAt < SETTLE_MILLISECONDS) event.stopPropagation();
}, { capture: true });
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
