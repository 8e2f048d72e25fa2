// The page does without this script. With it, the page keeps itself up to date and commands get a copy button.
"use strict";

const PAUSED = "volsync-exporter.paused";
const main = () => document.getElementById("main");
const text = (id) => document.getElementById(id)?.textContent ?? "";

function addCopyButtons() {
  if (!navigator.clipboard) return; // browsers offer it on HTTPS and on localhost only
  for (const command of main().querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${command.textContent.slice(0, 60)}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    const row = document.createElement("div");
    row.className = "copied";
    command.replaceWith(row);
    row.append(command, button);
  }
}

// An old picture must not pass for a present one.
function showLost(lost) {
  const notice = document.getElementById("lost");
  if (notice.hidden !== lost) return;
  const icon = document.querySelector("link[rel=icon]");
  notice.hidden = !lost;
  notice.textContent = lost ? "The exporter does not answer: what you see held before, and may not hold any more." : "";
  if (lost) icon.href = icon.dataset.lost;
}

// Someone who is choosing, reading out or marking something is not interrupted.
function isBusy() {
  const focused = document.activeElement;
  return document.hidden || !getSelection().isCollapsed || (focused !== null && focused !== main() && main().contains(focused));
}

async function refresh() {
  let fresh;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    fresh = document.implementation.createHTMLDocument();
  }
  const freshMain = fresh.getElementById("main");
  showLost(freshMain === null);
  if (freshMain === null || isBusy()) return;
  const before = text("headline");
  main().replaceChildren(...document.adoptNode(freshMain).childNodes);
  document.getElementById("asof").replaceChildren(...fresh.getElementById("asof").childNodes);
  document.querySelector("link[rel=icon]").href = fresh.querySelector("link[rel=icon]").getAttribute("href");
  document.title = fresh.title;
  addCopyButtons();
  if (text("headline") !== before) document.getElementById("news").textContent = `Changed: ${text("headline")}`;
}

function keepFresh() {
  const seconds = Math.max(5, Number(document.body.dataset.refresh) || 60);
  const button = document.getElementById("refresh");
  const paused = () => sessionStorage.getItem(PAUSED) === "yes";
  const label = () => (button.textContent = paused() ? "Resume refresh" : "Pause refresh");
  button.addEventListener("click", () => {
    sessionStorage.setItem(PAUSED, paused() ? "no" : "yes");
    label();
  });
  button.hidden = false;
  label();
  setInterval(() => {
    if (!paused() && !isBusy()) refresh();
  }, seconds * 1000);
}

addCopyButtons();
keepFresh();
