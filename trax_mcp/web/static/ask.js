"use strict";
// One question of the server: a card that follows its ticket until it is over.

const TICKET = "live.traxstreaming/ticket";
const GONE = { phase: "gone", ended: { headline: "This question isn't open here any more", text: "" } };
const ANSWER_SECONDS = 10;
const SEND_SECONDS = 30; // TRaX may let an approval wait
const POLL_MILLISECONDS = 2000;
const HIDDEN_POLL_MILLISECONDS = 150; // while the card can't be drawn yet
const LONGEST_POLL_MILLISECONDS = 30000;
const MOST_FAILURES = 8; // then it is only followed until its time is over

function isOver(state) {
  return state.phase !== "open" && state.phase !== "running";
}

// `onShow` gets each state that the card has shown, and whether it was drawn before. `known` is the
// first one, if it is known.
function ask(ticket, onShow, known) {
  async function answer(args, seconds = ANSWER_SECONDS) {
    const result = await host.call("answer_approval", { ticket, ...args }, seconds);
    if (result.isError) throw new Error();
    if (!card.isSent) card.heardAt = performance.now(); // a look doesn't tell what came of an approval
    return result.structuredContent ?? GONE;
  }
  function show(state) {
    const wasDrawn = !card.root.hidden;
    card.draw(state);
    onShow(state, wasDrawn);
    return state;
  }
  const card = new ApprovalCard(
    () => answer({}).catch(() => {}),
    async (choice) => {
      if (choice === card.state.yes) card.showSending();
      await answer({ choice }, SEND_SECONDS).then(show, () => {}); // the next look tells whether it counted
    },
  );
  card.heardAt = performance.now();
  if (known) card.draw(known);
  const isInTime = () => card.state?.phase === "open" && performance.now() < card.endsAt;
  async function follow() {
    for (let failures = 0; failures < MOST_FAILURES || isInTime();) {
      await visible(); // the first call reports that the question is shown
      try {
        if (isOver(show(await answer({})))) return;
        failures = 0;
      } catch {
        failures += 1;
      }
      const pause = (card.root.hidden ? HIDDEN_POLL_MILLISECONDS : POLL_MILLISECONDS) * 2 ** failures;
      await new Promise((done) => setTimeout(done, Math.min(pause, LONGEST_POLL_MILLISECONDS)));
    }
    show(GONE);
  }
  follow();
  return card;
}
