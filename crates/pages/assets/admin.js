// Improves the back office where script runs. Every page works without it.
"use strict";

// Times: the server writes UTC, the reader gets the time of the place they are in.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const format = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
for (const element of document.querySelectorAll("time[data-local]")) {
  const time = new Date(element.dateTime);
  if (!Number.isNaN(time.getTime())) {
    element.title = `${element.textContent} UTC`;
    element.textContent = format.format(time);
  }
}
for (const note of document.querySelectorAll("[data-zone]")) {
  if (zone) note.textContent = `Times are in your time zone, ${zone.replaceAll("_", " ")}.`;
}

// What went wrong is read first.
document.querySelector("[data-errors]")?.focus();

// The menu on phones closes as menus do.
const menu = document.querySelector("[data-menu]");
if (menu) {
  addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A link to a page that asks before acting opens the same question in place.
for (const link of document.querySelectorAll("[data-dialog]")) {
  const dialog = document.getElementById(link.dataset.dialog);
  if (!dialog?.showModal) continue;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dialog.showModal();
  });
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

for (const form of document.querySelectorAll("[data-autosubmit]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) form.requestSubmit();
  });
}

// Changes that are not saved are not lost by a slip.
for (const form of document.querySelectorAll("[data-unsaved]")) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}

// The preview comes without leaving the page. The server sanitises it either way.
for (const button of document.querySelectorAll("[data-preview]")) {
  button.addEventListener("click", async (event) => {
    const preview = document.getElementById("preview");
    event.preventDefault();
    button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(button.form));
      body.set("do", "preview");
      const answer = await fetch(button.form.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("preview");
      if (!fresh) throw new Error("no preview in the answer");
      preview.replaceChildren(...fresh.childNodes);
      preview.open = true;
      button.disabled = false;
    } catch {
      button.disabled = false;
      button.form.requestSubmit(button); // As without script.
    }
  });
}
