"use strict";
// One question of the server: a card that follows its ticket until it is over.

const TICKET = "live.traxstreaming/ticket";
const GONE = { phase: "gone", ended: { headline: "This question isn't open here any more", text: "" } };
const POLL_MILLISECONDS = 2000;

function isOver(state) {
  return state.phase !== "open" && state.phase !== "running";
}

// `onShow` gets each state that the card has shown.
function ask(ticket, onShow) {
  async function answer(args) {
    const result = await host.call("answer_approval", { ticket, ...args });
    return result.structuredContent ?? GONE;
  }
  function show(state) {
    card.draw(state);
    onShow(state, card);
    return state;
  }
  const card = new ApprovalCard(
    () => answer({}),
    async (choice) => {
      if (choice === card.state.yes) card.showSending();
      show(await answer({ choice }));
    },
  );
  async function follow() {
    await visible(); // the first call reports that the question is shown
    while (!isOver(show(await answer({})))) {
      await new Promise((done) => setTimeout(done, POLL_MILLISECONDS));
      await visible();
    }
  }
  follow().catch(() => card.stop());
  return card;
}
