// Ask a corpus: the reply comes as a stream of events.
let current = null;

async function* eventsOf(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    kept += value;
    let end;
    while ((end = kept.indexOf("\n\n")) >= 0) {
      const [first, second] = kept.slice(0, end).split("\n");
      kept = kept.slice(end + 2);
      yield [first.slice("event: ".length), JSON.parse(second.slice("data: ".length))];
    }
  }
}

// One retriever's result. The parts of the second side have the same names with "-2" at their end.
class Side {
  constructor(suffix) {
    this.suffix = suffix;
  }

  at(name) {
    return byId(name + this.suffix);
  }

  sourceItem(source, number) {
    const marks = source.marks.map(([start, end]) => ({ start, end, className: "evidence" }));
    return el("li", { class: "ranked", id: "source" + this.suffix + "-" + number, tabindex: -1 },
      el("div", { class: "line" },
        el("span", { class: "rank" }, String(number)),
        el("span", { class: "item", dir: "auto" }, source.id),
        source.score === null ? null : el("span", { class: "score", title: "score" }, String(Number(source.score.toPrecision(4))))),
      source.title ? el("p", { class: "title", dir: "auto" }, source.title) : null,
      el("p", { class: "passage", dir: "auto" }, ...marked(source.text, marks),
        source.more ? el("span", { class: "gap" }, " … and " + source.more + " more characters") : null));
  }

  toSource(number, text) {
    return el("a", { href: "#source" + this.suffix + "-" + number, "aria-label": "Source " + number }, text || "[" + number + "]");
  }

  // The numbers in square brackets become links where there is such a source.
  withSources(text) {
    const count = this.at("sources").children.length;
    const isSource = (part) => /^\d{1,4}$/.test(part) && Number(part) >= 1 && Number(part) <= count;
    return text.split(/(\[[\d\s,;–-]+\])/).flatMap((part, at) =>
      at % 2 ? part.split(/(\d+)/).map((one) => (isSource(one) ? this.toSource(Number(one), one) : one)) : [part]);
  }

  // What is being written is not read out piece by piece, but once it is whole.
  setWriting(on) {
    if (on) this.at("answer").setAttribute("aria-busy", "true");
    else this.at("answer").removeAttribute("aria-busy");
  }

  stage({ text }) { put(this.at("stage"), text); }

  sources({ sources }) {
    this.at("sources").replaceChildren(...sources.map((source, at) => this.sourceItem(source, at + 1)));
    this.at("sources-title").hidden = !sources.length;
  }

  piece({ text, source }) {
    const place = this.at("answer");
    place.hidden = false;
    place.append(el("p", { dir: "auto" }, text, " ", source ? this.toSource(source) : null));
  }

  text({ text }) {
    const place = this.at("answer");
    if (!place.firstChild) {
      this.setWriting(true);
      place.append(el("p", { dir: "auto" }));
      place.hidden = false;
    }
    place.firstChild.append(seen(text));
  }

  done({ text, answer, cited, notes }) {
    put(this.at("stage"), "");
    if (answer) this.at("answer").replaceChildren(el("p", { dir: "auto" }, ...this.withSources(answer)));
    this.at("kind").replaceChildren(seen(text), ...(cited && cited.length ? [" It names", ...cited.flatMap((n) => [" ", this.toSource(n)]), "."] : []),
      ...(notes || []).map((note) => el("span", { class: "error" }, " Note: " + note + ".")));
  }

  fault({ text }) {
    put(this.at("stage"), "");
    put(this.at("fault"), text);
  }

  clear(retriever) {
    put(this.at("side-title"), retriever);
    for (const name of ["stage", "fault", "kind"]) put(this.at(name), "");
    this.at("answer").replaceChildren();
    this.at("answer").hidden = true;
    this.setWriting(false);
    this.at("sources").replaceChildren();
    this.at("sources-title").hidden = true;
  }

  // Asks one retriever; `mine` stops it.
  async ask(question, retriever, mine) {
    try {
      await asked(async () => {
        const reply = await fetch("/ask", {
          method: "POST", signal: mine.signal, headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ corpus: Number(byId("corpus").value), retriever, question, k: Number(byId("k").value) }),
        });
        if (!reply.ok) await answerOf(reply);
        let ended = false;
        for await (const [name, content] of eventsOf(reply)) {
          this[name](content);
          ended = ended || name === "done" || name === "fault";
        }
        if (!ended) throw new Error("The answer broke off. Does the viewer still run?");
      });
    } catch (error) {
      if (mine !== current) return;
      put(this.at("stage"), error.name === "AbortError" ? "Stopped." : "");
      if (error.name !== "AbortError") put(this.at("fault"), error.message);
    }
    if (mine !== current) return;
    if (this.at("answer").hasAttribute("aria-busy") && !this.at("kind").textContent) put(this.at("kind"), "The answer above is incomplete.");
    this.setWriting(false);
  }
}

const SIDES = [new Side(""), new Side("-2")];

// Sources that only one side has are marked on both.
function markDifferences() {
  const lists = SIDES.map((side) => [...side.at("sources").children]);
  const ids = lists.map((list) => new Set(list.map((one) => one.querySelector(".item").textContent)));
  lists.forEach((list, at) => list.forEach((one) => {
    if (!ids[1 - at].has(one.querySelector(".item").textContent)) {
      one.querySelector(".line").append(el("span", { class: "tag undecided" }, "only here"));
    }
  }));
}

async function ask() {
  const question = byId("question").value.trim();
  if (!question) return;
  if (current) current.abort();
  const mine = current = new AbortController();
  const second = byId("retriever-2").value;
  const chosen = [byId("retriever").value, second].filter((one) => one !== "");
  byId("result").hidden = false;
  byId("result").classList.toggle("two", chosen.length > 1);
  byId("side-2").hidden = chosen.length < 2;
  put(byId("result-title"), question);
  delete byId("result").dataset.done;
  const names = byId("retriever").options;
  SIDES.forEach((side, at) => side.clear(chosen.length > 1 ? names[Number(chosen[at])].textContent : ""));
  byId("stop").hidden = false;
  await Promise.all(chosen.map((one, at) => SIDES[at].ask(question, Number(one), mine)));
  if (mine !== current) return;
  if (chosen.length > 1 && !SIDES.some((side) => side.at("fault").textContent)) markDifferences();
  if (document.activeElement === byId("stop")) byId("send").focus();
  byId("stop").hidden = true;
  byId("result").dataset.done = "yes";
}

function showUploads({ files, taken, room }) {
  byId("uploads").replaceChildren(...files.map((file) => el("li", { dir: "auto" },
    el("span", { class: "item" }, file.name), " ",
    el("span", { class: "quiet" }, megabytes(file.size) + ", " + file.characters.toLocaleString("en") + " characters"),
    ...file.notes.slice(0, 5).map((note) => el("p", { class: "quiet" }, note)))));
  byId("clear").hidden = !files.length;
  put(byId("upload-stage"), files.length ? megabytes(taken) + " of " + megabytes(room) + " used" : "");
}

async function upload(chosen) {
  const faults = byId("upload-faults");
  faults.replaceChildren();
  let shown = null;
  for (const file of chosen) {
    put(byId("upload-stage"), "Reading " + file.name + " …");
    try {
      const limit = Number(byId("files").dataset.file);
      if (file.size > limit) throw new Error(file.name + ": " + megabytes(file.size) + "; a file may have " + megabytes(limit));
      shown = await asked(async () => answerOf(await fetch("/upload?name=" + encodeURIComponent(file.name), {
        method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file,
      })));
      byId("corpus").value = "-1";
    } catch (error) {
      faults.append(el("li", { dir: "auto" }, error.message));
    }
  }
  showUploads(shown || await read("/data/uploads"));
}

function startPlayground() {
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  byId("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      ask();
    }
  });
  byId("stop").addEventListener("click", () => { if (current) current.abort(); });
  byId("upload").addEventListener("change", async (event) => {
    await upload([...event.target.files]);
    event.target.value = "";
  });
  byId("clear").addEventListener("click", async () => showUploads(await send("/uploads/clear", {})));
  read("/data/uploads").then(showUploads).catch((error) => { put(byId("upload-stage"), error.message); });
}

startTheme();
startPlayground();
document.documentElement.dataset.ready = "yes";
