"use strict";
// The panel: the one question of the tool result that the client shows it with.

let card = null;
let wasTold = false;

function onShow(state) {
  drawBar(state, !isOver(state));
  document.getElementById("bar").hidden = false;
  if (!isOver(state) || wasTold) return;
  wasTold = true;
  // The server's words: there names stand in quotes, which the panel draws in bold instead.
  host.tellModel(`The approval panel now says: ${state.outcome ?? state.ended.headline}`);
}

host.connect({
  opened(result) {
    const ticket = result?._meta?.[TICKET];
    if (!ticket || card) return;
    card = ask(ticket, onShow);
    document.getElementById("approvals").append(card.root);
  },
});
