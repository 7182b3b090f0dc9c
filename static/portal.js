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
    if (news) announce(news);
    sendWaitingForms();
  });

  const announce = (words) => {
    const announcement = document.getElementById("announcement");
    if (announcement && announcement.textContent !== words) announcement.textContent = words;
  };

  const sayOffline = (isOffline) => {
    const place = document.getElementById("offline");
    const words = isOffline ? place?.dataset.words : "";
    if (!place || place.textContent === words) return;
    place.textContent = words;
    if (isOffline) announce(words);
  };

  // A page that waits looks again whatever became of its last look. The pauses grow, so that a server that comes back
  // is not asked by everybody in the same second.
  const PAUSES = [2, 4, 8, 15, 30];
  let failures = 0;
  let next;
  let lookedAt = performance.now();

  const look = () => {
    clearTimeout(next);
    next = undefined;
    document.querySelector("[data-polls]")?.dispatchEvent(new Event("look"));
  };

  const lookLater = () => {
    if (next !== undefined) return;
    const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
    failures += 1;
    next = setTimeout(look, pause * 1000 * (0.75 + Math.random() / 2));
  };

  const isLook = (event) => event.target instanceof Element && event.target.matches("[data-polls]");

  document.addEventListener("htmx:before:request", (event) => {
    if (isLook(event)) lookedAt = performance.now();
  });
  document.addEventListener("htmx:error", (event) => {
    sayOffline(true);
    if (isLook(event)) lookLater();
  });
  document.addEventListener("htmx:response:error", (event) => {
    sayOffline(false);
    if (isLook(event)) lookLater();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // It is told of answers as well that are not shown.
    if (event.detail?.ctx?.response?.status >= 400) return;
    sayOffline(false);
    failures = 0;
    clearTimeout(next);
    next = undefined;
  });

  // Back from a tunnel, another app or the browser's memory: nobody waits for the next pause.
  const lookAtOnce = () => {
    if (document.visibilityState === "visible" && performance.now() - lookedAt > 1500) look();
  };
  window.addEventListener("online", () => {
    sayOffline(false);
    failures = 0;
    look();
  });
  window.addEventListener("offline", () => sayOffline(true));
  document.addEventListener("visibilitychange", lookAtOnce);
  window.addEventListener("pageshow", (event) => event.persisted && lookAtOnce());
  if (!navigator.onLine) sayOffline(true);

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
