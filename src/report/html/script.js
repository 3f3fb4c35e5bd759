"use strict";
// The page reads without this script. It filters tables, copies commands, and opens what is folded for print.
(() => {
  const live = document.getElementById("live");
  const report = (text) => { live.textContent = text; };

  for (const box of document.querySelectorAll(".filter")) {
    const table = document.getElementById(box.dataset.table);
    if (!table) continue;
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const search = box.querySelector("input");
    const choices = [...box.querySelectorAll("select")];
    const apply = () => {
      const text = search.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const fits = choices.every((choice) => !choice.value || row.dataset[choice.dataset.field] === choice.value);
        row.hidden = !fits || !row.textContent.toLowerCase().includes(text);
        if (!row.hidden) shown += 1;
      }
      report(`${shown} of ${rows.length} rows`);
    };
    box.addEventListener("input", apply);
    box.hidden = false;
  }

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent.replace(/\n$/, ""));
      return true;
    } catch {
      // Without the right to write to the clipboard, the older way may still work; the text stays selected.
      select(code);
      return document.execCommand("copy");
    }
  };
  for (const paste of document.querySelectorAll(".paste")) {
    const code = paste.querySelector("code");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const done = await copy(code);
      button.textContent = done ? "Copied" : "Selected";
      report(done ? "Copied" : "Selected, not copied");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    paste.append(button);
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });

  // An anchor inside a folded part opens it.
  const open = () => {
    let element = location.hash && document.getElementById(location.hash.slice(1));
    for (; element; element = element.parentElement) if (element.tagName === "DETAILS") element.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
