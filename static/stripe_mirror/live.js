/* Keeps an open page current: asks every 2 seconds what changed, reads the page again in the background where something
   did, and takes over what differs. What a person ticked, typed, opened or focused stays. No framework, no eval; one
   file, because its settings stand on its one <script> tag (see `admin/live.py`). */
"use strict";

(() => {
  const settings = document.currentScript.dataset;
  const EVERY = 2000;
  const SLOWEST = 30000;
  const LONGEST = 20000;
  const FIELDS = "input:not([type=hidden]), textarea, select";
  const TICK = "input[name=_selected_action]";
  const MARKS = ["live-changed", "live-gone"];

  let cursor = settings.liveCursor;
  let stale = false;
  let failures = 0;
  let notBefore = 0;
  let busy = false;
  let stopped = false;
  let timer = 0;

  /* ---- asking ------------------------------------------------------------------------------------------------- */

  class SignedOut extends Error {}

  async function get(address, headers) {
    const signal = AbortSignal.timeout(LONGEST);
    const response = await fetch(address, { headers, redirect: "manual", cache: "no-store", signal });
    if (response.type === "opaqueredirect" || response.status === 403) throw new SignedOut();
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return response;
  }

  async function ask() {
    const query = new URLSearchParams({ since: cursor });
    if (settings.liveObject) query.set("object_id", settings.liveObject);
    if (settings.liveRelations) query.set("relations", settings.liveRelations);
    const answer = await (await get(`${settings.liveUrl}?${query}`, { Accept: "application/json" })).json();
    cursor = answer.cursor;
    stale = stale || answer.many || answer.changed.length > 0;
    noteChangedFields(answer.fields);
  }

  async function readAgain() {
    const started = performance.now();
    const response = await get(location.href, { "X-Live": "1" });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    stale = false;
    takeOver(fresh);
    // A slow server is asked less often.
    notBefore = performance.now() + Math.min(SLOWEST, 4 * (performance.now() - started));
  }

  async function tick() {
    clearTimeout(timer);
    if (busy || stopped || document.hidden) return;
    busy = true;
    try {
      if (settings.liveUrl) await ask();
      // Some parts of a page wait for something that leaves no trace among the changes, such as a running job.
      const waiting = document.querySelector("[data-live-poll]") !== null;
      if ((stale || waiting) && performance.now() >= notBefore) await readAgain();
      failures = 0;
      notices.hide("offline");
    } catch (error) {
      failed(error);
    }
    busy = false;
    if (!stopped) timer = setTimeout(tick, Math.min(SLOWEST, EVERY * 2 ** failures));
  }

  function failed(error) {
    if (error instanceof SignedOut) {
      stopped = true;
      const reason = "You are signed out or may no longer see this. The page isn't updated any more.";
      notices.show("stopped", reason, "Reload", reload);
      return;
    }
    failures += 1;
    if (failures === 3) notices.show("offline", "The server can't be reached. This page may be out of date.");
  }

  const reload = () => location.reload();

  /* ---- telling ------------------------------------------------------------------------------------------------ */

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  const notices = {
    shown: new Map(),
    area: element("div", "live-notices", ""),
    spoken: element("div", "live-spoken", ""),

    begin() {
      this.area.setAttribute("role", "status");
      for (const part of [this.area, this.spoken]) part.setAttribute("aria-live", "polite");
      document.body.append(this.area, this.spoken);
    },

    show(key, text, label, action) {
      if (this.shown.get(key)?.dataset.text === text) return;
      this.hide(key);
      const notice = element("div", "live-notice", "");
      notice.dataset.text = text;
      notice.dataset.notice = key;
      notice.append(element("span", "", text));
      if (label) {
        const button = element("button", "", label);
        button.type = "button";
        button.addEventListener("click", action);
        notice.append(button);
      }
      this.shown.set(key, notice);
      this.area.append(notice);
    },

    hide(key) {
      this.shown.get(key)?.remove();
      this.shown.delete(key);
    },

    say(text) {
      this.spoken.textContent = text;
    },
  };

  /* ---- comparing and replacing -------------------------------------------------------------------------------- */

  /* Attributes that scripts write: tabs, roles, states of Alpine. They are neither compared nor taken away. */
  const SCRIPTED = /^(hidden|open|style|id|role|tabindex|aria-.*|data-submitted|x-.*|@.*|:.*)$/;
  const KEPT = /^(hidden|open|style|x-cloak)$/;
  const FOCUSABLE = "a, button, summary";

  const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;
  const isField = (node) => isElement(node) && node.matches(FIELDS);
  const isAlpines = (element) => [...element.attributes].some(({ name }) => /^(x-|@|:)/.test(name));
  const alike = (mine, theirs) =>
    mine.childNodes.length === theirs.childNodes.length &&
    [...mine.childNodes].every((child, i) => child.nodeName === theirs.childNodes[i].nodeName);

  /* What the server sent, without what scripts have written since and without what differs each time. */
  function signature(node) {
    if (!isElement(node)) return node.nodeValue.trim();
    const copy = node.cloneNode(true);
    for (const each of [copy, ...copy.querySelectorAll("*")]) {
      each.classList.remove(...MARKS);
      if (isAlpines(each) || !each.getAttribute("class")) each.removeAttribute("class");
      if (each.type === "hidden") each.removeAttribute("value");
      for (const { name } of [...each.attributes]) if (SCRIPTED.test(name)) each.removeAttribute(name);
    }
    return copy.outerHTML.replace(/\s+/g, " ");
  }

  /* Makes `mine` read as `theirs`, going down to the smallest parts that differ. Returns whether anything did. */
  function patch(mine, theirs) {
    if (isField(mine) || signature(mine) === signature(theirs)) return false;
    if (!isElement(mine)) {
      mine.nodeValue = theirs.nodeValue;
      flash(mine.parentElement);
    } else if (mine.nodeName !== theirs.nodeName || mine.nodeName === "TEMPLATE") {
      mine.replaceWith(document.importNode(theirs, true));
    } else {
      takeAttributes(mine, theirs);
      if (alike(mine, theirs)) [...mine.childNodes].forEach((child, i) => patch(child, theirs.childNodes[i]));
      else if (!mine.querySelector(`${FIELDS}, dialog[open]`)) refill(mine, theirs);
    }
    return true;
  }

  function takeAttributes(mine, theirs) {
    const states = isAlpines(mine) ? /^class$/ : KEPT;
    for (const { name, value } of [...theirs.attributes]) {
      const kept = KEPT.test(name) || states.test(name);
      if (!kept && mine.getAttribute(name) !== value) mine.setAttribute(name, value);
    }
    for (const { name } of [...mine.attributes]) {
      const kept = SCRIPTED.test(name) || states.test(name);
      if (!kept && !theirs.hasAttribute(name)) mine.removeAttribute(name);
    }
  }

  /* New contents in the same element; what was open or focused is so again, and what wasn't there before is marked. */
  function refill(mine, theirs) {
    const focused = [...mine.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    const opened = [...mine.querySelectorAll("details")].map((details) => details.open);
    const before = new Set([...mine.children].map((child) => child.textContent.trim()));
    mine.replaceChildren(...document.importNode(theirs, true).childNodes);
    mine.querySelectorAll("details").forEach((details, i) => { details.open = opened[i] ?? details.open; });
    if (focused >= 0) mine.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
    window.htmx?.process(mine);
    const fresh = [...mine.children].filter((child) => !before.has(child.textContent.trim()));
    (mine.children.length ? fresh : [mine]).forEach(flash);
  }

  function flash(changed) {
    changed.classList.add("live-changed");
    setTimeout(() => {
      changed.classList.remove("live-changed");
      if (!changed.getAttribute("class")) changed.removeAttribute("class");
    }, 2500);
  }

  function takeOver(fresh) {
    const active = document.activeElement;
    const cells = document.getElementById("changelist") ? list.takeOver(fresh) : 0;
    const parts = takeOverParts(fresh);
    if (active !== document.activeElement && active?.isConnected) active.focus({ preventScroll: true });
    if (cells) notices.say(cells === 1 ? "One row has changed." : `${cells} rows have changed.`);
    else if (parts) notices.say("This page has changed.");
  }

  /* Everything that a template has named with data-live="key". */
  function takeOverParts(fresh) {
    let changed = 0;
    for (const mine of document.querySelectorAll("[data-live]")) {
      const theirs = fresh.querySelector(`[data-live="${CSS.escape(mine.dataset.live)}"]`);
      if (mine.isConnected && theirs && patch(mine, theirs)) changed += 1;
    }
    return changed;
  }

  /* ---- lists -------------------------------------------------------------------------------------------------- */

  const list = {
    inserted: new Set(),
    offered: null,

    /* Rows by the object they show: the value of the tick box, or the address of the first link. A row is moved with
       its own <tbody> where it has one. */
    rows(root) {
      const found = new Map();
      for (const row of root.querySelectorAll("#result_list > tbody > tr")) {
        const key = row.querySelector(TICK)?.value ?? row.querySelector("a[href]")?.getAttribute("href").split("?")[0];
        const own = row.parentElement.hasAttribute("x-data") || row.closest("table").tBodies.length > 1;
        if (key && !found.has(key)) found.set(key, { row, block: own ? row.parentElement : row });
      }
      return found;
    },

    ticked: () => document.querySelector(`${TICK}:checked`) !== null,
    firstPage: () => ["", "0", "1"].includes(new URLSearchParams(location.search).get("p") ?? ""),

    takeOver(fresh) {
      const mine = this.rows(document);
      const theirs = this.rows(fresh);
      const added = [...theirs.keys()].filter((key) => !mine.has(key));
      const known = [...theirs.keys()].filter((key) => mine.has(key));
      const changed = known.filter((key) => this.patchRow(mine.get(key).row, theirs.get(key).row)).length;
      const moved = this.firstPage() && !this.ticked();
      if (moved || added.length === 0) this.arrange(mine, theirs, moved);
      else this.offer(theirs, added.length);
      for (const [key, { block }] of mine) block.classList.toggle("live-gone", block.isConnected && !theirs.has(key));
      return changed + (moved ? added.length : 0);
    },

    offer(theirs, count) {
      this.offered = theirs;
      notices.show("rows", `${count} new`, "Show", () => {
        if (document.getElementById("result_list")) this.arrange(this.rows(document), this.offered, true);
        else reload();
      });
    },

    patchRow(mine, theirs) {
      if (mine.cells.length !== theirs.cells.length) return false;
      const pairs = [...mine.cells].map((cell, i) => [cell, theirs.cells[i]]);
      return pairs.map(([cell, other]) => patch(cell, other)).some(Boolean);
    },

    /* New rows to their places; rows that left the list go, unless they are ticked or focused. */
    arrange(mine, theirs, insert) {
      notices.hide("rows");
      const table = document.getElementById("result_list");
      if (!table && theirs.size) this.offer(theirs, theirs.size);
      if (!table || !insert) return;
      let previous = null;
      for (const [key, { block }] of theirs) {
        const known = mine.get(key)?.block;
        const placed = known ?? this.insert(block);
        const parent = placed.nodeName === "TBODY" ? table : table.tBodies[0];
        const next = previous ? previous.nextElementSibling : parent.querySelector(":scope > tbody, :scope > tr");
        if (placed !== next) parent.insertBefore(placed, next);
        if (!known) window.htmx?.process(placed);
        if (placed.nodeName === "TBODY") placed.className = block.className;
        previous = placed;
      }
      for (const [key, { block }] of mine) if (!theirs.has(key) && !this.kept(block)) block.remove();
    },

    kept: (block) => block.querySelector(`${TICK}:checked`) !== null || block.contains(document.activeElement),

    insert(block) {
      const copy = document.importNode(block, true);
      for (const box of copy.querySelectorAll(TICK)) this.inserted.add(box);
      for (const cell of copy.querySelectorAll("td, th")) flash(cell);
      return copy;
    },

    /* Django's own script knows only the boxes that were there at first. */
    count(target) {
      if (this.inserted.size === 0 || !target.matches(`${TICK}, #action-toggle`)) return;
      if (target.id === "action-toggle") for (const box of this.inserted) box.checked = target.checked;
      const boxes = [...document.querySelectorAll(TICK)];
      const counter = document.querySelector("span.action-counter");
      if (counter) counter.textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length} selected`;
    },
  };

  /* ---- forms -------------------------------------------------------------------------------------------------- */

  const changedFields = new Set();
  let formsBefore = new Set();

  function touched(field) {
    if (["hidden", "submit", "button", "reset"].includes(field.type)) return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.type === "select-one") {
      return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    }
    if (field.type === "select-multiple") {
      return [...field.options].some((option) => option.selected !== option.defaultSelected);
    }
    return "defaultValue" in field && field.value !== field.defaultValue;
  }

  const dirty = (form) => form.isConnected && form.method === "post" && [...form.elements].some(touched);

  /* A form keeps what it was opened with; who types into it learns what changed since. */
  function noteChangedFields(fields) {
    if (fields.length === 0) return;
    fields.forEach((field) => changedFields.add(field));
    formsBefore = new Set([...formsBefore, ...document.forms]);
    warn();
  }

  function warn() {
    if (![...formsBefore].some(dirty)) return;
    const names = [...changedFields].map((field) => field.replaceAll("_", " ")).join(", ");
    const text = `This ${settings.liveName} changed meanwhile: ${names}. What you typed is kept.`;
    notices.show("form", text, "Reload", reload);
  }

  /* ---- begin -------------------------------------------------------------------------------------------------- */

  notices.begin();
  document.addEventListener("input", warn);
  document.addEventListener("change", (event) => list.count(event.target));
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("online", tick);
  window.addEventListener("pageshow", (event) => event.persisted && tick());
  timer = setTimeout(tick, EVERY);
})();
