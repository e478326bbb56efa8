// The bar of sections, tabs of charts, and the cue of a table that is wider than its box.
function startSections() {
  const links = new Map([...document.querySelectorAll("#sections a")].map((link) => [link.hash.slice(1), link]));
  const places = [...links.keys()].map(byId).filter(Boolean);
  const mark = () => {
    // The last section that begins above the upper part of the window is the current one.
    const line = window.scrollY < 10 ? 0 : window.innerHeight / 4;
    let current = places[0];
    for (const place of places) if (place.getBoundingClientRect().top <= line) current = place;
    for (const [id, link] of links) {
      if (current && id === current.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  let asked = false;
  const later = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; mark(); });
  };
  window.addEventListener("scroll", later, { passive: true });
  window.addEventListener("resize", later);
  mark();
}

// Charts of one kind share a place; without a script all of them are shown.
function startTabs() {
  for (const tabs of document.querySelectorAll(".tabs")) {
    const list = tabs.querySelector(".tab-list");
    const panels = [...tabs.querySelectorAll(".tab")];
    const buttons = panels.map((panel, i) => {
      panel.id = "tab-" + i;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", "tab-button-" + i);
      return el("button", { type: "button", role: "tab", id: "tab-button-" + i, "aria-controls": panel.id, on: { click: () => show(i) } },
        panel.querySelector("h3").textContent);
    });
    const show = (at) => buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(i === at));
      button.tabIndex = i === at ? 0 : -1;
      panels[i].hidden = i !== at;
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
      show(at);
      buttons[at].focus();
    });
    list.append(...buttons);
    show(0);
  }
}

// A box that holds more than it shows fades at that side.
function cue(box) {
  const mark = () => {
    const rest = box.scrollWidth - box.clientWidth - box.scrollLeft;
    const sides = (box.scrollLeft > 2 ? "left " : "") + (rest > 2 ? "right" : "");
    if (sides.trim()) box.dataset.more = sides.trim();
    else delete box.dataset.more;
  };
  box.addEventListener("scroll", mark, { passive: true });
  new ResizeObserver(mark).observe(box);
  mark();
}

function startCues() {
  for (const box of document.querySelectorAll(".scroll")) cue(box);
}
