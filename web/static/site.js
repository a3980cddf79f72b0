// Enhancements: every page is complete without them. Text is only ever set as text, never as markup.
"use strict";
(() => {
  const root = document.documentElement;
  // Where the site begins, below whatever path: this file is at static/ of it.
  const base = new URL("..", document.currentScript.src).pathname;
  const THEMES = ["auto", "light", "dark"];
  const stored = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("theme");
      if (value === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", value);
    } catch { /* no storage: the choice lasts as long as the page */ }
    return value;
  };
  const paint = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  // Before the body exists, so that there is no flash of the other theme when this file is cached.
  let theme = THEMES.includes(stored()) ? stored() : "auto";
  paint(theme);

  let texts = {};
  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
  const counted = ([single, several], n) =>
    fill(new Intl.PluralRules(root.lang || "en").select(n) === "one" ? single : several, { n });
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  const switchTheme = () => {
    const button = one("[data-theme-switch]");
    if (!button) return;
    const say = () => { button.textContent = fill(texts.theme, { theme: texts[theme] }); };
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      stored(theme);
      paint(theme);
      say();
    });
    say();
    button.hidden = false;
  };

  // Ages as web/i18n/wording.py words them; the server's moment counts, so a wrong clock here shows no wrong age.
  const ago = (seconds) => {
    if (seconds < 60) return texts.just_now;
    if (seconds < 3600) return fill(texts.min_ago, { n: Math.floor(seconds / 60) });
    if (seconds < 86400) return fill(texts.h_ago, { n: Math.floor(seconds / 3600) });
    return seconds < 14 * 86400 ? fill(texts.d_ago, { n: Math.floor(seconds / 86400) }) : null;
  };
  const tick = () => {
    const served = Date.parse(document.body.dataset.now);
    const speed = Number(document.body.dataset.speed || 1);
    if (!served) return;
    const began = performance.now();
    setInterval(() => {
      const now = served + (performance.now() - began) * speed;
      for (const time of all("main time[title]")) {
        const words = ago((now - Date.parse(time.dateTime)) / 1000);
        if (words && words !== time.textContent) time.textContent = words;
      }
    }, 20000);
  };

  const share = () => {
    const item = one("[data-web-share]");
    if (item && navigator.share) {
      item.hidden = false;
      item.firstElementChild.addEventListener("click", () => {
        navigator.share({ title: one("h1").textContent, url: location.href }).catch(() => {});
      });
    }
    const link = one("[data-copy]");
    if (link && navigator.clipboard) {
      link.textContent = texts.copy_link;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        navigator.clipboard.writeText(link.href).then(() => { link.textContent = texts.copied; }, () => { location = link.href; });
      });
    }
  };

  // A picture that cannot be loaded leaves no gap.
  const pictures = () => {
    const drop = (img) => (img.closest("figure") || img.closest(".shot") || img).remove();
    document.addEventListener("error", (event) => {
      if (event.target instanceof HTMLImageElement) drop(event.target);
    }, true);
    all("main img").filter((img) => img.complete && !img.naturalWidth).forEach(drop);
  };

  const notice = () => {
    const newest = document.body.dataset.newest;
    if (!newest) return;
    // Screen readers announce changes only in a region that already existed.
    const region = document.createElement("div");
    region.className = "fresh";
    region.setAttribute("role", "status");
    one("main").prepend(region);
    const ask = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(`${base}fresh?since=${newest}`);
        if (!answer.ok) return;
        const { new: count } = await answer.json();
        if (!count) return;
        const words = counted(texts.new_stories, count);
        if (region.textContent === words) return;
        const link = document.createElement("a");
        link.href = location.pathname + location.search;
        link.textContent = words;
        region.replaceChildren(link);
      } catch { /* offline: try again next time */ }
    };
    setInterval(ask, 30000);
  };

  const keys = () => {
    const help = one("#keys");
    const stories = () => all("main article .hed a").filter((a) => a.offsetParent);
    let at = -1;
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.ctrlKey || event.metaKey || event.altKey || typing || event.defaultPrevented) return;
      const links = stories();
      if (event.key === "j" || event.key === "k") {
        if (!links.length) return;
        const here = links.indexOf(document.activeElement);
        at = Math.min(Math.max((here < 0 ? at : here) + (event.key === "j" ? 1 : -1), 0), links.length - 1);
        links[at].focus();
        links[at].scrollIntoView({ block: "center" });
      } else if (event.key === "o" && links[at]) {
        links[at].click();
      } else if (event.key === "/") {
        one("#find").focus();
      } else if (event.key === "?" && help) {
        if (help.open) help.close();
        else help.showModal();
      } else return;
      event.preventDefault();
    });
  };

  // The section that is open is in view, where not all fit.
  const sections = () => {
    const open = one(".sections [aria-current]");
    const list = one(".sections ul");
    if (open) list.scrollLeft = open.offsetLeft - list.offsetLeft - (list.clientWidth - open.offsetWidth) / 2;
  };

  const start = () => { texts = JSON.parse(one("#texts").textContent); sections(); switchTheme(); tick(); share(); pictures(); notice(); keys(); };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
