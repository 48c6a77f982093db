"use strict";
(() => {
  const state = document.getElementById("live");
  const live = () => document.querySelectorAll("[data-live]");
  if (!live().length || !window.EventSource) return;
  let source, beat = document.getElementById("main").dataset.beat;
  // What has the focus is found again by its id, or by where its link leads.
  const mark = (one) => one.id || one.getAttribute("href") || one.getAttribute("aria-label");
  const renew = (part, next) => {
    if (!next || part.innerHTML === next.innerHTML) return;
    const focused = part.contains(document.activeElement) ? mark(document.activeElement) : null;
    const open = [...part.querySelectorAll("details[open]")].map(mark);
    const scrolls = [...part.querySelectorAll(".wide, figure")].map((one) => one.scrollLeft);
    part.replaceChildren(...next.childNodes);
    part.querySelectorAll("details").forEach((one) => (one.open ||= open.includes(mark(one))));
    part.querySelectorAll(".wide, figure").forEach((one, place) => (one.scrollLeft = scrolls[place] || 0));
    const again = focused && [...part.querySelectorAll("[id], a, [tabindex]")].find((one) => mark(one) === focused);
    if (again) again.focus({ preventScroll: true });
  };
  const refresh = async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of live()) renew(part, page.getElementById(part.id));
    state.textContent = `Live, as of ${new Date().toLocaleTimeString()}`;
  };
  const listen = () => {
    source = new EventSource(`/events?since=${beat}`);
    source.addEventListener("change", (event) => {
      beat = event.data;
      refresh();
    });
    source.addEventListener("error", () => (state.textContent = "Not connected"));
    source.addEventListener("open", () => (state.textContent = "Live"));
  };
  // Browsers keep few connections to one server: a page that nobody sees needs none.
  document.addEventListener("visibilitychange", () => {
    source.close();
    if (!document.hidden) {
      refresh();
      listen();
    }
  });
  listen();
})();
