// Keeps what carries data-live up to date: it fetches the page again and takes those parts
// over. Without this script the page is as it was when it was loaded. The body's
// data-refresh says how often, in milliseconds; data-live-controls holds the button with
// its words (data-on, data-off), what to say when updates have stopped (data-broken), and
// where to say it.
"use strict";
(() => {
  const controls = document.querySelector("[data-live-controls]");
  const parts = document.querySelectorAll("[data-live]");
  const every = Number(document.body.dataset.refresh);
  if (!controls || !parts.length || !every) return;
  const button = controls.querySelector("button");
  const status = controls.querySelector("span");
  let running = true;
  let failures = 0;
  controls.hidden = false;

  button.addEventListener("click", () => {
    running = !running;
    button.textContent = running ? button.dataset.on : button.dataset.off;
    status.textContent = "";
    failures = 0;
  });

  // Nobody loses the place: a part with the focus or a selection waits.
  const inUse = (part) => {
    const selection = getSelection();
    return part.contains(document.activeElement) ||
      (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
  };

  const refresh = async () => {
    if (!running || document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { "X-Postrider-Live": "1" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = next.querySelector(`[data-live="${part.dataset.live}"]`);
        if (fresh && fresh.innerHTML !== part.innerHTML && !inUse(part)) part.replaceWith(document.adoptNode(fresh));
      }
      failures = 0;
      status.textContent = "";
    } catch {
      if (++failures < 3) return;
      running = false;
      button.textContent = button.dataset.off;
      status.textContent = controls.dataset.broken;
    }
  };
  const loop = async () => {
    await refresh();
    setTimeout(loop, every);
  };
  setTimeout(loop, every);
})();
