// Shows whether the session of this page is alive, as its WebSocket tells.
const panel = document.querySelector(".live");
const state = document.querySelector("#live");
const more = document.querySelector("#live-more");

function show(name, text, explanation) {
  panel.dataset.state = name;
  state.textContent = text;
  more.textContent = explanation;
}

let ended = false;
const url = new URL("/live/socket", location.href);
url.protocol = url.protocol.replace("http", "ws");
const socket = new WebSocket(url);

socket.addEventListener("open", () => {
  show("connected", "Connected", "The session is alive. This page will notice its end by itself.");
});
socket.addEventListener("message", (event) => {
  ended = event.data === "ended";
});
socket.addEventListener("close", () => {
  if (ended) {
    show("ended", "This session has ended", "It was logged out, or its time is over.");
    const link = document.createElement("a");
    link.href = "/login?next=/live";
    link.className = "button";
    link.textContent = "Log in again";
    panel.append(link);
  } else {
    show("lost", "The connection is lost", "Reload the page to connect again.");
  }
});
