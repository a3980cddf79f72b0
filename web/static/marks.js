// What this reader has read and saved, kept by story in this browser and nowhere else. Pages are complete without it.
"use strict";
(() => {
  const base = new URL("..", document.currentScript.src).pathname;
  const KEY = `groundswell:${base}`;
  const MAX_READ = 5000;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const texts = JSON.parse(document.getElementById("texts").textContent);
  const plurals = new Intl.PluralRules(document.documentElement.lang || "en");
  const counted = ([single, several], n) => (plurals.select(n) === "one" ? single : several).replace("%(n)s", n);
  const seconds = () => Math.floor(Date.now() / 1000);

  // {read: {story ID: [reports when read, time]}, saved: {story ID: {url, headline, source, lang, at}}}
  const EMPTY = { read: {}, saved: {}, unread_only: false };
  const object = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
  const load = () => {
    try {
      const kept = object(JSON.parse(localStorage.getItem(KEY)));
      return { ...EMPTY, ...kept, read: object(kept.read), saved: object(kept.saved) };
    } catch { return { ...EMPTY, read: {}, saved: {} }; }
  };
  const store = (marks) => {
    const ids = Object.keys(marks.read);
    if (ids.length > MAX_READ) {
      ids.sort((a, b) => marks.read[a][1] - marks.read[b][1]);
      for (const id of ids.slice(0, ids.length - MAX_READ)) delete marks.read[id];
    }
    try {
      localStorage.setItem(KEY, JSON.stringify(marks));
      return true;
    } catch { say(texts.full); return false; }
  };
  // Read again before each change: another tab may have written meanwhile.
  const change = (edit) => {
    const marks = load();
    edit(marks);
    const stored = store(marks);
    show();
    return stored;
  };

  let region = null;
  const say = (message) => {
    if (region) region.textContent = message;
  };

  const make = (tag, attributes = {}, text = "") => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  };
  const button = (text, pressed) => make("button", { type: "button", class: "mark", "aria-pressed": pressed }, text);

  const stories = () => all("[data-story]");
  const idOf = (story) => story.dataset.story;
  const reportsOf = (story) => Number(story.dataset.reports) || 1;
  const grown = (story, marks) => {
    const read = marks.read[idOf(story)];
    return read ? Math.max(0, reportsOf(story) - read[0]) : 0;
  };
  const isRead = (story, marks) => idOf(story) in marks.read && !grown(story, marks);

  const toggleRead = (story) => change((marks) => {
    if (isRead(story, marks)) delete marks.read[idOf(story)];
    else marks.read[idOf(story)] = [reportsOf(story), seconds()];
  });
  const toggleSaved = (story) => change((marks) => {
    const id = idOf(story);
    if (id in marks.saved) {
      delete marks.saved[id];
      say(texts.removed);
      return;
    }
    const heading = story.querySelector(".hed, h1");
    const link = heading.querySelector("a");
    marks.saved[id] = {
      url: link ? link.getAttribute("href") : location.pathname,
      headline: heading.textContent.trim(),
      lang: heading.lang,
      source: story.dataset.source || "",
      at: seconds(),
    };
    say(texts.saved);
  });
  const markAll = (some) => {
    const unread = some.filter((story) => !isRead(story, load()));
    change((marks) => {
      for (const story of unread) marks.read[idOf(story)] = [reportsOf(story), seconds()];
    });
    say(counted(texts.marked, new Set(unread.map(idOf)).size));
  };

  // A story's own two buttons, in its line of facts; short forms of a story have the keys only.
  const equip = (story) => {
    const facts = story.matches(".card, .piece") && story.querySelector(".meta");
    if (!facts) return;
    const name = story.querySelector(".hed, h1").textContent.trim();
    const item = make("li");
    for (const [kind, act] of [["read", toggleRead], ["save", toggleSaved]]) {
      const control = button(texts[kind], "false");
      control.dataset.mark = kind;
      control.setAttribute("aria-label", `${texts[kind]}: ${name}`);
      control.addEventListener("click", () => act(story));
      item.append(control);
    }
    facts.append(item);
  };

  const show = () => {
    const marks = load();
    for (const story of stories()) {
      const id = idOf(story);
      story.toggleAttribute("data-read", isRead(story, marks));
      story.toggleAttribute("data-saved", id in marks.saved);
      const states = { read: isRead(story, marks), save: id in marks.saved };
      for (const control of all("[data-mark]", story)) control.setAttribute("aria-pressed", states[control.dataset.mark]);
      const more = grown(story, marks);
      let note = story.querySelector(".grew:not(.since)");
      if (more && !note) {
        note = make("p", { class: "grew" });
        story.querySelector(".hed, h1").after(note);
      }
      if (note) {
        note.textContent = counted(texts.grew, more);
        note.hidden = !more;
      }
    }
    for (const bar of all("[data-marks]")) {
      const [only, saved] = bar.children;
      only.setAttribute("aria-pressed", Boolean(marks.unread_only));
      saved.textContent = texts.saved_stories.replace("%(n)s", Object.keys(marks.saved).length);
    }
    document.dispatchEvent(new Event("marks"));
  };

  // Which stories are hidden changes with the switch and with a page, not under the reader's hands.
  const filter = () => {
    const marks = load();
    for (const list of all("main ol, .lead, .desks section")) {
      const listed = all("[data-story]", list);
      if (!listed.length || list.closest("[data-saved-list]")) continue;
      for (const story of listed) {
        const whole = story.closest("li") || story;
        whole.hidden = marks.unread_only && isRead(story, marks);
      }
    }
    const hidden = new Set(stories().filter((story) => story.closest("[hidden]")).map(idOf)).size;
    say(marks.unread_only ? counted(texts.hidden, hidden) : "");
  };

  const equipPage = () => {
    for (const bar of all("[data-marks]")) {
      const only = button(texts.unread_only, "false");
      only.addEventListener("click", () => {
        change((marks) => { marks.unread_only = !marks.unread_only; });
        filter();
      });
      bar.append(only, make("a", { href: `${base}saved` }));
      region = make("span", { role: "status" });
      bar.append(region);
      bar.hidden = false;
    }
    for (const list of all("ol.river")) {
      if (!list.querySelector("[data-story]")) continue;
      const done = make("button", { type: "button", class: "mark above" }, texts.mark_above);
      done.addEventListener("click", () => markAll(above(list.lastElementChild)));
      list.after(done);
    }
    stories().forEach(equip);
    const piece = document.querySelector(".piece[data-story]");
    if (piece && !isRead(piece, load())) {
      // How it grew is said once more on the story itself before it counts as read.
      const more = grown(piece, load());
      change((marks) => { marks.read[idOf(piece)] = [reportsOf(piece), seconds()]; });
      if (more) piece.querySelector("h1").after(make("p", { class: "grew since" }, counted(texts.grew, more)));
    }
  };

  // Every story that the page shows up to an element, that one too.
  const above = (last) => stories().filter(
    (story) => last.contains(story) || story.compareDocumentPosition(last) & Node.DOCUMENT_POSITION_FOLLOWING,
  ).filter((story) => !story.closest("[hidden]"));

  const keys = (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey || typing || event.defaultPrevented) return;
    const story = document.activeElement.closest("[data-story]") || document.querySelector(".piece[data-story]");
    if (!story) return;
    if (event.key === "m") toggleRead(story);
    else if (event.key === "s") toggleSaved(story);
    else if (event.key === "M") markAll(above(story));
    else return;
    event.preventDefault();
  };

  window.groundswellMarks = { load, change, store, make, base, counted, texts, say: (message) => say(message) };
  equipPage();
  show();
  filter();
  document.addEventListener("keydown", keys);
  window.addEventListener("storage", (event) => { if (event.key === KEY) show(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) show(); });
})();
