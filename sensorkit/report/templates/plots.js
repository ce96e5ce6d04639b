// Draws every figure of the page from the JSON beside it, in the colours of the page.
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
  const draw = async (figure) => {
    const place = figure.querySelector(".plot");
    const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    // A finger that scrolls the page must not zoom the figure.
    const layout = { ...spec.layout, autosize: true, dragmode: touch ? false : "zoom" };
    for (const [path, value] of Object.entries(theme(layout))) put(layout, path, value);
    await Plotly.newPlot(place, spec.data, layout, { displaylogo: false, responsive: true, displayModeBar: false });
    drawn.push([place, layout]);
    page.dataset.drawn = String(drawn.length);
  };
  const repaint = (c) => {
    for (const [place, layout] of drawn) Plotly.relayout(place, theme(layout, c));
  };
  page.dataset.figures = String(figures.length);
  page.dataset.drawn = "0";
  if (typeof Plotly === "undefined") {
    for (const figure of figures) {
      say(figure, "Not drawn: " + page.dataset.plotly + " is missing beside this page. Its numbers stand in the table below.");
    }
    return;
  }
  (async () => {
    for (const figure of figures) {
      try {
        await draw(figure);
      } catch (error) {
        console.error(error);
        say(figure, "Not drawn: " + error.message);
      }
    }
  })();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint());
  addEventListener("beforeprint", () => repaint(paper));
  addEventListener("afterprint", () => repaint());
})();
