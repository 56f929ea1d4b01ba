// Keeps an open page as the server would show it now, without loading it anew: what differs is replaced, everything else
// stays, with focus, scroll position, and whatever is typed or unfolded. Without this script a page is as true as on
// the moment it was loaded, and says which moment that was.
"use strict";
(() => {
  const PARTS = ["header.top", "main", "footer"];
  const GAP = 1000; // least time between two looks, in ms
  const REST = 30000; // a look without being told: ages in words go on
  const light = document.getElementById("live");
  const stream = light?.dataset.stream;
  if (!stream || !window.EventSource) return;

  let [due, timer, last, looking] = [false, 0, 0, false];
  let [told, read] = [true, true]; // whether the stream is open, and whether the last look got an answer

  const say = () => {
    const state = told && read ? "on" : "lost";
    if (light.className === state) return;
    light.className = state;
    light.hidden = false;
    light.textContent = light.dataset[state];
  };

  const wanted = () => {
    due = true;
    if (timer || looking || document.hidden) return;
    timer = setTimeout(look, Math.max(0, last + GAP - Date.now()));
  };

  async function look() {
    [timer, due, looking, last] = [0, false, true, Date.now()];
    try {
      const answer = await fetch(location.href, {
        headers: { accept: "text/html" }, credentials: "same-origin", cache: "no-store", redirect: "manual",
        signal: AbortSignal.timeout(15000),
      });
      // Signed out meanwhile: what is shown may not be shown any longer.
      if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
      const type = answer.headers.get("content-type") ?? "";
      read = type.startsWith("text/html");
      if (read) renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      read = false;
    }
    looking = false;
    say();
    if (due) wanted();
  }

  function renew(page) {
    for (const part of PARTS) {
      const [old, now] = [document.querySelector(part), page.querySelector(part)];
      if (old && now) morph(old, now);
    }
    if (document.title !== page.title) document.title = page.title;
    // What a new version of the program brings cannot be mended piece by piece.
    const assets = (of) => [...of.querySelectorAll("head [href], head [src]")].map((e) => e.href || e.src).join();
    if (assets(page) !== assets(document)) location.reload();
  }

  // What a reader did to an element is theirs.
  const theirs = (element, name) =>
    (name === "open" && element.localName === "details") ||
    (element === light) ||
    (name === "value" && element.matches("input:not([type=hidden])"));

  function morph(old, now) {
    if (old === light || old.isEqualNode(now)) return;
    for (const { name } of [...old.attributes])
      if (!now.hasAttribute(name) && !theirs(old, name)) old.removeAttribute(name);
    for (const { name, value } of now.attributes)
      if (old.getAttribute(name) !== value && !theirs(old, name)) old.setAttribute(name, value);
    const keyed = new Map([...old.children].filter((e) => key(e)).map((e) => [key(e), e]));
    let at = old.firstChild;
    for (const wish of [...now.childNodes]) {
      let fit = keyed.get(key(wish));
      if (!fit && !key(wish) && at && !key(at) && at.nodeType === wish.nodeType && at.nodeName === wish.nodeName) fit = at;
      keyed.delete(key(wish));
      if (fit && fit.nodeName === wish.nodeName) {
        if (fit === at) at = at.nextSibling;
        else move(old, fit, at);
        if (fit.nodeType === Node.ELEMENT_NODE) morph(fit, wish);
        else if (fit.nodeValue !== wish.nodeValue) fit.nodeValue = wish.nodeValue;
      } else {
        const fresh = document.importNode(wish, true);
        if (key(fresh)) fresh.classList.add("fresh");
        old.insertBefore(fresh, at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  const key = (node) => node.id || node.dataset?.key || "";

  // An element that has the focus loses it when it is moved; where the browser can move it as it is, it keeps it.
  const move = (parent, node, before) =>
    parent.moveBefore ? parent.moveBefore(node, before) : parent.insertBefore(node, before);

  const source = new EventSource(stream);
  for (const kind of ["event", "state", "gap"]) source.addEventListener(kind, wanted);
  source.addEventListener("open", () => { if (!told) wanted(); told = true; say(); });
  source.addEventListener("error", () => { told = false; say(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && (due || Date.now() > last + REST)) wanted(); });
  setInterval(wanted, REST);
  // A page that comes back from the browser's own memory is old.
  window.addEventListener("pageshow", (event) => { if (event.persisted) wanted(); });
})();
