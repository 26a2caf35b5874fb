// MLflow's clients print addresses of its own pages, "/#/experiments/1/runs/ID"; they lead to the pages here.
"use strict";

const known = location.hash.match(/^#\/(?:experiments\/[^/]+\/(runs\/[0-9a-f]{32})|(experiments\/\d+)|(models\/[^/]+))/);
if (known) location.replace("/" + (known[1] || known[2] || known[3]));
