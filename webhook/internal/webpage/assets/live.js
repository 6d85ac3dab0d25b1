// Keeps what carries data-live up to date, and a form from being sent twice. Without this script
// the page is as it was when it was loaded, and the server takes a form once.
//
// The page is fetched again every data-refresh milliseconds of the body, and its parts are taken
// over; the body's data-tag names what is shown, so that the server answers 304 while nothing has
// changed. data-live-controls holds the button with its words (data-pause, data-resume), what to say when
// updates have stopped (data-broken), and where to say it.
"use strict";
(() => {
  // The button is disabled after the form has been put together, which needs its value.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target.method !== "post" || !button) return;
    setTimeout(() => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
    });
  });
  // A page that comes back from the browser's memory has forms that were used.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  const controls = document.querySelector("[data-live-controls]");
  const parts = document.querySelectorAll("[data-live]");
  const every = Number(document.body.dataset.refresh);
  if (!controls || !parts.length || !every) return;
  const button = controls.querySelector("button");
  const status = controls.querySelector("span");
  let tag = document.body.dataset.tag ? `"${document.body.dataset.tag}"` : "";
  let running = true;
  let failures = 0;
  controls.hidden = false;

  button.addEventListener("click", () => {
    running = !running;
    button.textContent = running ? button.dataset.pause : button.dataset.resume;
    status.textContent = "";
    failures = 0;
  });

  // Nobody loses the place: a part with the focus, a selection or a form under way waits.
  const inUse = (part) => {
    const selection = getSelection();
    return part.contains(document.activeElement) || part.querySelector("[aria-busy]") ||
      (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
  };

  const refresh = async () => {
    if (!running || document.hidden) return;
    try {
      const headers = { "X-Postrider-Live": "1" };
      if (tag) headers["If-None-Match"] = tag;
      const answer = await fetch(location.href, { headers, redirect: "error" });
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        let all = true;
        for (const part of document.querySelectorAll("[data-live]")) {
          const fresh = next.querySelector(`[data-live="${part.dataset.live}"]`);
          if (!fresh || fresh.innerHTML === part.innerHTML) continue;
          if (inUse(part)) all = false;
          else part.replaceWith(document.adoptNode(fresh));
        }
        tag = (all && answer.headers.get("ETag")) || "";
      }
      failures = 0;
      status.textContent = "";
    } catch {
      if (++failures < 3) return;
      running = false;
      button.textContent = button.dataset.resume;
      status.textContent = controls.dataset.broken;
    }
  };
  const loop = async () => {
    await refresh();
    setTimeout(loop, every);
  };
  setTimeout(loop, every);
})();
