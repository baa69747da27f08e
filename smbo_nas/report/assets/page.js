"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), tickcolor: colour("--line") };
    return { ink: colour("--ink"), card: colour("--card"), line: colour("--line"), axis };
  };
  const themed = (layout) => {
    const t = theme();
    return {
      ...layout,
      dragmode: matchMedia("(pointer: fine)").matches ? "zoom" : false, // a finger that drags scrolls the page
      font: { ...layout.font, color: t.ink },
      hoverlabel: { ...layout.hoverlabel, bgcolor: t.card, bordercolor: t.line, font: { ...layout.hoverlabel.font, color: t.ink } },
      xaxis: { ...layout.xaxis, ...t.axis },
      yaxis: { ...layout.yaxis, ...t.axis },
    };
  };
  const draw = () => {
    for (const figure of document.querySelectorAll("figure.chart")) {
      const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
      Plotly.react(figure.querySelector(".plot"), data, themed(layout), { displayModeBar: false, responsive: true });
    }
  };
  const focus = () => {
    for (const figure of document.querySelectorAll("figure.chart")) {
      const plot = figure.querySelector(".plot");
      const { layout } = JSON.parse(figure.querySelector("script").textContent);
      if (!layout.yaxis.range) continue;
      const button = document.createElement("button");
      const label = ["show all values", "show the better ones larger"];
      let whole = false;
      button.type = "button";
      button.className = "range";
      button.textContent = label[0];
      button.addEventListener("click", () => {
        whole = !whole;
        button.textContent = label[Number(whole)];
        const change = whole ? { "yaxis.autorange": true } : { "yaxis.range": [...layout.yaxis.range], "yaxis.autorange": false };
        Plotly.relayout(plot, change);
      });
      plot.after(button);
    }
  };
  draw();
  focus();
  dark.addEventListener("change", draw);

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.key === undefined) return cell.textContent.trim().toLowerCase();
    return cell.dataset.key === "" ? null : Number(cell.dataset.key);
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
        rows.sort(([a], [b]) => {
          if (a === null || b === null) return (a === null) - (b === null);
          return down ? compare(b, a) : compare(a, b);
        });
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }
})();
