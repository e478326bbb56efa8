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

function sourceItem(source, number) {
  const marks = source.marks.map(([start, end]) => ({ start, end, className: "evidence" }));
  return el("li", { class: "ranked", id: "source-" + number, tabindex: -1 },
    el("div", { class: "line" },
      el("span", { class: "rank" }, String(number)),
      el("span", { class: "item", dir: "auto" }, source.id),
      source.score === null ? null : el("span", { class: "score", title: "score" }, String(Number(source.score.toPrecision(4))))),
    source.title ? el("p", { class: "title", dir: "auto" }, source.title) : null,
    el("p", { class: "passage", dir: "auto" }, ...marked(source.text, marks),
      source.more ? el("span", { class: "gap" }, " … and " + source.more + " more characters") : null));
}

function toSource(number, text) {
  return el("a", { href: "#source-" + number, "aria-label": "Source " + number }, text || "[" + number + "]");
}

// The numbers in square brackets become links where there is such a source.
function withSources(text) {
  const count = byId("sources").children.length;
  const isSource = (part) => /^\d{1,4}$/.test(part) && Number(part) >= 1 && Number(part) <= count;
  return text.split(/(\[[\d\s,;–-]+\])/).flatMap((part, at) =>
    at % 2 ? part.split(/(\d+)/).map((one) => (isSource(one) ? toSource(Number(one), one) : one)) : [part]);
}

// What is being written is not read out piece by piece, but once it is whole.
function setWriting(on) {
  if (on) byId("answer").setAttribute("aria-busy", "true");
  else byId("answer").removeAttribute("aria-busy");
}

const HANDLERS = {
  stage({ text }) { put(byId("stage"), text); },
  sources({ sources }) {
    byId("sources").replaceChildren(...sources.map((source, at) => sourceItem(source, at + 1)));
    byId("sources-title").hidden = !sources.length;
  },
  piece({ text, source }) {
    const place = byId("answer");
    place.hidden = false;
    place.append(el("p", { dir: "auto" }, text, " ", source ? toSource(source) : null));
  },
  text({ text }) {
    const place = byId("answer");
    if (!place.firstChild) {
      setWriting(true);
      place.append(el("p", { dir: "auto" }));
      place.hidden = false;
    }
    place.firstChild.append(seen(text));
  },
  done({ text, answer, cited, notes }) {
    put(byId("stage"), "");
    if (answer) byId("answer").replaceChildren(el("p", { dir: "auto" }, ...withSources(answer)));
    byId("kind").replaceChildren(seen(text), ...(cited && cited.length ? [" It names", ...cited.flatMap((n) => [" ", toSource(n)]), "."] : []),
      ...(notes || []).map((note) => el("span", { class: "error" }, " Note: " + note + ".")));
  },
  fault({ text }) {
    put(byId("stage"), "");
    put(byId("fault"), text);
  },
};

function clearResult(question) {
  byId("result").hidden = false;
  put(byId("result-title"), question);
  for (const name of ["stage", "fault", "kind"]) put(byId(name), "");
  byId("answer").replaceChildren();
  byId("answer").hidden = true;
  setWriting(false);
  byId("sources").replaceChildren();
  byId("sources-title").hidden = true;
  delete byId("result").dataset.done;
}

async function ask() {
  const question = byId("question").value.trim();
  if (!question) return;
  if (current) current.abort();
  const mine = current = new AbortController();
  clearResult(question);
  byId("stop").hidden = false;
  try {
    await asked(async () => {
      const reply = await fetch("/ask", {
        method: "POST", signal: mine.signal, headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          corpus: Number(byId("corpus").value), retriever: Number(byId("retriever").value), question, k: Number(byId("k").value),
        }),
      });
      if (!reply.ok) await answerOf(reply);
      let ended = false;
      for await (const [name, content] of eventsOf(reply)) {
        HANDLERS[name](content);
        ended = ended || name === "done" || name === "fault";
      }
      if (!ended) throw new Error("The answer broke off. Does the viewer still run?");
    });
  } catch (error) {
    if (mine !== current) return;
    put(byId("stage"), error.name === "AbortError" ? "Stopped." : "");
    if (error.name !== "AbortError") put(byId("fault"), error.message);
  }
  if (mine !== current) return;
  if (byId("answer").hasAttribute("aria-busy") && !byId("kind").textContent) put(byId("kind"), "The answer above is not whole.");
  setWriting(false);
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
