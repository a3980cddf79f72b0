// The saved stories of this browser as a list, to take along as a file and to bring back from one.
"use strict";
(() => {
  const { load, change, make, texts, counted, base } = window.groundswellMarks;
  const place = document.querySelector("[data-saved-list]");
  const status = place.querySelector("[role=status]");
  const list = place.querySelector("ol");
  const controls = place.querySelector("[data-saved-controls]");
  const dates = new Intl.DateTimeFormat(document.documentElement.lang.replace(/^en$/, "en-GB") || "en-GB", { dateStyle: "medium" });
  // What an imported file calls a story's address leads to this site and nowhere else.
  const own = (url) => {
    try {
      const target = new URL(url, location.href);
      return target.origin === location.origin && target.pathname.startsWith(`${base}story/`) ? target.href : null;
    } catch { return null; }
  };
  const text = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");

  const draw = () => {
    const saved = Object.entries(load().saved).sort((a, b) => (b[1].at || 0) - (a[1].at || 0));
    list.replaceChildren(...saved.map(([id, story]) => {
      const item = make("li");
      const article = make("article", { class: "brief" });
      const heading = make("h2", { class: "hed", dir: "auto", ...(story.lang ? { lang: story.lang } : {}) });
      heading.append(make("a", { href: own(story.url) || `${base}story/${id}/` }, story.headline));
      const facts = make("ul", { class: "meta" });
      for (const fact of [story.source, texts.saved_on.replace("%(date)s", dates.format((story.at || 0) * 1000))]) {
        if (fact) facts.append(make("li", {}, fact));
      }
      const label = `${texts.remove}: ${story.headline}`;
      const remove = make("button", { type: "button", class: "mark", "aria-label": label }, texts.remove);
      remove.addEventListener("click", () => {
        change((marks) => { delete marks.saved[id]; });
        status.textContent = texts.removed;
      });
      const last = make("li");
      last.append(remove);
      facts.append(last);
      article.append(heading, facts);
      item.append(article);
      return item;
    }));
    place.querySelector("[data-none]").hidden = saved.length > 0;
  };

  const download = () => {
    const { read, saved } = load();
    const kept = { format: "groundswell-marks", version: 1, site: new URL(base, location.href).href, saved, read };
    const blob = new Blob([`${JSON.stringify(kept, null, 1)}\n`], { type: "application/json" });
    const link = make("a", { href: URL.createObjectURL(blob), download: "groundswell-marks.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const merge = async (file) => {
    let kept;
    try {
      kept = JSON.parse(await file.text());
    } catch { kept = null; }
    if (!kept || kept.format !== "groundswell-marks" || kept.version !== 1) {
      status.textContent = texts.not_marks;
      return;
    }
    let added = 0;
    const done = change((marks) => {
      for (const [id, story] of Object.entries(Object(kept.saved))) {
        if (!/^[0-9]{1,18}$/.test(id) || id in marks.saved || !story || !own(story.url)) continue;
        marks.saved[id] = {
          url: new URL(own(story.url)).pathname, headline: text(story.headline, 1000), lang: text(story.lang, 20),
          source: text(story.source, 200), at: Number(story.at) || 0,
        };
        added += 1;
      }
      for (const [id, read] of Object.entries(Object(kept.read))) {
        if (!/^[0-9]{1,18}$/.test(id) || id in marks.read || !Array.isArray(read)) continue;
        marks.read[id] = [Number(read[0]) || 1, Number(read[1]) || 0];
      }
    });
    if (done) status.textContent = counted(texts.imported, added);
  };

  place.querySelector("[data-export]").addEventListener("click", download);
  place.querySelector("[data-import]").addEventListener("change", (event) => {
    if (event.target.files[0]) merge(event.target.files[0]);
    event.target.value = "";
  });
  place.querySelector("[data-clear]").addEventListener("click", () => {
    const before = load();
    change((marks) => { marks.saved = {}; marks.read = {}; });
    status.replaceChildren(make("span", {}, `${texts.cleared} `));
    const undo = make("button", { type: "button", class: "mark" }, texts.undo);
    undo.addEventListener("click", () => {
      change((marks) => { marks.saved = before.saved; marks.read = before.read; });
      status.textContent = "";
    });
    status.append(undo);
  });
  document.addEventListener("marks", draw);
  controls.hidden = false;
  place.querySelector("ol").hidden = false;
  draw();
})();
