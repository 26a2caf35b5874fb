// The table of runs: its form keeps the URL short, as the state of the page is in the URL.
"use strict";

document.getElementById("search").addEventListener("submit", (event) => {
  for (const input of event.target.querySelectorAll("input[name=filter]")) {
    if (input.value.trim() === "") input.disabled = true;
  }
});
