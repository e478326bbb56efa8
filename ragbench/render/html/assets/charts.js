// Charts are drawn when they come into view, the rest when there is time, so that the page is there at once.
let library = null;
const drawn = new Map();

function loadLibrary() {
  library = library || bytesOf("vega").then((buffer) => {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(buffer);
    document.head.append(script);
    script.remove();
    return window.vegaEmbed;
  });
  return library;
}

async function draw(figure) {
  const mode = dark() ? "dark" : "light";
  // A chart behind a fold or a tab has no width yet; it is drawn when it comes into view.
  if (drawn.get(figure) === mode || !figure.clientWidth) return;
  drawn.set(figure, mode);
  const [embed, held] = await Promise.all([loadLibrary(), block("charts")]);
  if (drawn.get(figure) !== mode) return;
  const place = figure.querySelector(".drawing");
  if (figure.view) figure.view.finalize();
  // The charts' expressions are interpreted: the page's policy allows no code but its own.
  const result = await embed(place, held.charts[Number(figure.dataset.chart)], {
    ast: true, logLevel: 1, renderer: "svg", actions: false, config: held[mode], tooltip: { theme: mode },
  });
  figure.view = result.view;
  figure.dataset.drawn = mode;
}

function startCharts() {
  const figures = [...document.querySelectorAll("figure.chart")];
  if (!figures.length) return;
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, { rootMargin: "300px" });
  for (const figure of figures) watch.observe(figure);
  onTheme.push(() => { for (const figure of [...drawn.keys()]) draw(figure); });
  const later = window.requestIdleCallback || ((does) => setTimeout(does, 200));
  const rest = async () => {
    for (const figure of figures) {
      await new Promise((ready) => later(ready));
      await draw(figure);
    }
  };
  setTimeout(rest, 1500);
}
