// Smooths what plain HTML already does: nothing here is needed to use a page.
(() => {
  "use strict";

  const headingText = () => document.querySelector("h1")?.textContent.trim();
  let heading = headingText();

  const sendWaitingForms = () => {
    for (const form of document.querySelectorAll("form[data-auto-submit]")) {
      form.removeAttribute("data-auto-submit");
      form.requestSubmit();
    }
  };

  // A new h1 is a new page to somebody who cannot see it: the focus goes there.
  document.addEventListener("htmx:after:swap", () => {
    const now = headingText();
    if (now && now !== heading) document.querySelector("h1").focus();
    heading = now;
    const news = document.querySelector("[data-announce]")?.textContent.trim();
    const announcement = document.getElementById("announcement");
    if (news && announcement && announcement.textContent !== news) announcement.textContent = news;
    sendWaitingForms();
  });

  const release = (form) => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  };

  // Cosmetic: the server takes a form only once, this shows that it was taken. Somebody who stopped the page may try again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "true";
    event.submitter?.setAttribute("aria-disabled", "true");
    setTimeout(release, 5000, form);
  });

  // The app opens this link in another browser and stays here: once is enough, the button is there for more.
  const followOnce = () => {
    const link = document.querySelector("a[data-follow-once]");
    const mark = `followed ${location.pathname}`;
    if (!link || sessionStorage.getItem(mark)) return;
    sessionStorage.setItem(mark, "yes");
    location.assign(link.href);
  };

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      document.getElementById("announcement").textContent = button.textContent = button.dataset.copied;
    });
  }

  // A page that comes back from the browser's memory can be used again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release);
  });

  const openMenu = () => document.querySelector("details[data-menu][open]");

  document.addEventListener("click", (event) => {
    const menu = openMenu();
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && openMenu();
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // The page of an attempt loads itself anew when there is news: the heading tells it.
  const [visit] = performance.getEntriesByType("navigation");
  if (visit?.type === "reload" && document.querySelector("[data-state]")) document.querySelector("h1").focus();

  document.querySelector("[data-takes-focus]")?.focus();
  sendWaitingForms();
  followOnce();
})();
