"use strict";
// One question of the server: a card that follows its ticket until it is over.

const TICKET = "live.traxstreaming/ticket";
const GONE = { phase: "gone", ended: { headline: "This question isn't open here any more", text: "" } };
const POLL_MILLISECONDS = 2000;
const LONGEST_POLL_MILLISECONDS = 30000;
const MOST_FAILURES = 5; // then it is only followed until its time is over

function isOver(state) {
  return state.phase !== "open" && state.phase !== "running";
}

// `onShow` gets each state that the card has shown. `known` is the first one, if it is known.
function ask(ticket, onShow, known = null) {
  async function answer(args) {
    const result = await host.call("answer_approval", { ticket, ...args });
    if (result.isError) throw new Error();
    return result.structuredContent ?? GONE;
  }
  function show(state) {
    card.draw(state);
    onShow(state);
    return state;
  }
  const card = new ApprovalCard(
    () => answer({}).catch(() => {}),
    async (choice) => {
      if (choice === card.state.yes) card.showSending();
      await answer({ choice }).then(show, () => {}); // the next look tells whether it counted
    },
  );
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
      const pause = Math.min(POLL_MILLISECONDS * 2 ** failures, LONGEST_POLL_MILLISECONDS);
      await new Promise((done) => setTimeout(done, pause));
    }
    show(GONE);
  }
  follow();
  return card;
}
