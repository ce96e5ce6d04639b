// Draws the figures of the page from the JSON beside each, in the colours of the page. Those in
// view come first, the others when the browser has nothing else to do, those in a closed
// <details> when it is opened. data-figures counts what there is to draw, data-drawn what is.
(() => {
  "use strict";
  const figures = [...document.querySelectorAll("figure[data-plot]")];
  const page = document.documentElement;
  const say = (figure, text) => {
    const note = document.createElement("p");
    note.className = "note warn";
    note.textContent = text;
    figure.querySelector(".plot").replaceWith(note);
  };
  // While printing the screen's style still answers, so paper has its own colours here.
  const paper = { text: "#000000", line: "#bbbbbb", muted: "#444444", card: "#ffffff", sans: "sans-serif" };
  const colours = () => {
    const style = getComputedStyle(page);
    const of = (name) => style.getPropertyValue(name).trim();
    return { text: of("--text"), line: of("--line"), muted: of("--muted"), card: of("--card"), sans: of("--sans") };
  };
  const theme = (layout, c = colours()) => {
    const set = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      "font.color": c.text, "font.family": c.sans, "font.size": 13,
      "legend.bgcolor": "rgba(0,0,0,0)",
      "hoverlabel.bgcolor": c.card, "hoverlabel.bordercolor": c.line, "hoverlabel.font.color": c.text,
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      Object.assign(set, {
        [`${axis}.gridcolor`]: c.line, [`${axis}.zerolinecolor`]: c.line,
        [`${axis}.linecolor`]: c.line, [`${axis}.tickcolor`]: c.line,
        [`${axis}.automargin`]: true, [`${axis}.title.font.size`]: 13,
      });
    }
    return set;
  };
  const put = (target, path, value) => {
    const keys = path.split(".");
    const last = keys.pop();
    let at = target;
    for (const key of keys) at = at[key] ??= {};
    at[last] = value;
  };
  const touch = matchMedia("(pointer: coarse)").matches;
  const drawn = [];
  const begun = new Set();
  // What is in a closed <details> has no width to be drawn in.
  const seen = (figure) => !figure.parentElement.closest("details:not([open])");
  const count = () => {
    page.dataset.figures = String(figures.filter((figure) => begun.has(figure) || seen(figure)).length);
    page.dataset.drawn = String(drawn.length);
  };
  const draw = async (figure) => {
    if (begun.has(figure)) return;
    begun.add(figure);
    try {
      const place = figure.querySelector(".plot");
      const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
      // A finger that scrolls the page must not zoom the figure.
      const layout = { ...spec.layout, autosize: true, dragmode: touch ? false : "zoom" };
      for (const [path, value] of Object.entries(theme(layout, printing ? paper : colours()))) put(layout, path, value);
      await Plotly.newPlot(place, spec.data, layout, { displaylogo: false, responsive: true, displayModeBar: false });
      drawn.push([place, layout]);
      count();
    } catch (error) {
      console.error(error);
      say(figure, "Not drawn: " + error.message);
    }
  };
  // A4 less its margins, in pixels: what is wider would be cut off.
  const PAPER = 680;
  const repaint = (c) => {
    for (const [place, layout] of drawn) {
      const width = printing ? Math.min(place.clientWidth, PAPER) : null;
      Plotly.relayout(place, { ...theme(layout, c), width, autosize: !printing });
    }
  };
  let printing = false;
  if (typeof Plotly === "undefined") {
    for (const figure of figures) {
      say(figure, "Not drawn: " + page.dataset.plotly + " is missing beside this page. Its numbers stand in the table below.");
    }
    page.dataset.figures = String(figures.length);
    page.dataset.drawn = "0";
    return;
  }
  count();
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(() => work({ timeRemaining: () => 0 }), 30));
  const rest = () => {
    const next = figures.find((figure) => !begun.has(figure) && seen(figure));
    if (next) draw(next).then(() => idle(rest));
  };
  const all = () => figures.filter(seen).forEach(draw);
  if ("IntersectionObserver" in window) {
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        watch.unobserve(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "300px" });
    figures.forEach((figure) => watch.observe(figure));
    // Two frames on, what is in view has been drawn and painted.
    requestAnimationFrame(() => requestAnimationFrame(() => idle(rest)));
  } else {
    all();
  }
  document.addEventListener("toggle", () => { count(); idle(rest); }, true);
  // A link to something folded away opens it.
  const unfold = () => {
    let at = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    for (; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint());
  // What is open is printed, and what the page asks to be; the rest of the figures is drawn now.
  let opened = [];
  addEventListener("beforeprint", () => {
    printing = true;
    opened = [...document.querySelectorAll("details[data-print]:not([open])")];
    for (const one of opened) one.open = true;
    all();
    repaint(paper);
  });
  addEventListener("afterprint", () => {
    printing = false;
    for (const one of opened) one.open = false;
    repaint();
  });
})();
