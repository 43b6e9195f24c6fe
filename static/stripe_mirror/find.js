// Find anything: a dialog with a combobox. Ctrl-K, Cmd-K or "/" opens it; results come as one types.

// The ids of what a person looked at last, the newest first, kept in this browser until they log out: the names are
// asked for when the dialog opens, so that none is kept here and none is shown to who may not see it any more.
function visitsOf(person) {
    "use strict";
    const OURS = "sm-visited:", MOST = 8;
    const key = OURS + person;
    const read = () => {
        try {
            const kept = JSON.parse(localStorage.getItem(key));
            return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
        } catch { return []; }
    };
    const forget = (others) => {
        try {
            for (const name of Object.keys(localStorage)) {
                if (name.startsWith(OURS) && !(others && name === key)) localStorage.removeItem(name);
            }
        } catch { /* nothing is kept */ }
    };
    const here = document.querySelector("[data-visited]")?.dataset.visited;
    forget(true);
    if (here) {
        // One more than is shown: the page that is open isn't.
        const all = [here, ...read().filter((one) => one !== here)].slice(0, MOST + 1);
        try { localStorage.setItem(key, JSON.stringify(all)); } catch { /* not kept */ }
    }
    document.addEventListener("submit", (event) => { if (event.target.id === "logout-form") forget(false); });
    return () => read().filter((one) => one !== here).slice(0, MOST);
}

document.addEventListener("DOMContentLoaded", () => {
    "use strict";

    const dialog = document.getElementById("sm-find");
    if (!dialog || !dialog.showModal) return;
    const part = (name) => dialog.querySelector(`[data-find-${name}]`);
    const input = document.getElementById("sm-find-input");
    const body = part("body");
    const WAIT = 120; // ms after the last key
    const visits = visitsOf(dialog.dataset.person);
    let timer = 0;
    let running = null; // the request whose answer is awaited
    let shownFor = ""; // the query whose results are shown
    let openWhenThere = false; // Enter was pressed before the results came

    const options = () => [...body.querySelectorAll("[role=option]")];
    const active = () => body.querySelector("[aria-selected=true]");
    const typed = () => input.value.trim();

    function choose(option) {
        active()?.setAttribute("aria-selected", "false");
        if (option) {
            option.setAttribute("aria-selected", "true");
            option.scrollIntoView({ block: "nearest" });
            input.setAttribute("aria-activedescendant", option.id);
        } else {
            input.removeAttribute("aria-activedescendant");
        }
    }

    function follow(option, newTab) {
        if (option.dataset.fetchId) {
            const form = part("fetch");
            form.elements.kind.value = option.dataset.fetchKind;
            form.elements.id.value = option.dataset.fetchId;
            if (dialog.dataset.sent) return;
            dialog.dataset.sent = "yes";
            form.submit();
        } else if (newTab) {
            window.open(option.href, "_blank", "noopener");
        } else {
            window.location.assign(option.href);
        }
    }

    function say(text) { part("said").textContent = text; }

    function show(html, query) {
        body.innerHTML = html;
        shownFor = query;
        const found = options();
        input.setAttribute("aria-expanded", String(found.length > 0));
        part("hints").hidden = query !== "";
        part("error").hidden = true;
        dialog.classList.toggle("sm-find-full", query !== "");
        choose(found[0]);
        const list = body.querySelector("[role=listbox]");
        const notes = [...body.querySelectorAll(".sm-find-note, .sm-find-nothing, [data-fetch-id]")];
        say(query || found.length ? [Number(list?.dataset.count) ? list.dataset.said : "", ...notes.map((note) => note.textContent.trim().replace(/\s+/g, " "))].join(" ").trim() : "");
        body.scrollTop = 0;
        if (openWhenThere && found[0]) follow(found[0], false);
        openWhenThere = false;
    }

    function fail(signedOut) {
        show("", typed());
        part("error").hidden = false;
        part("failed").hidden = signedOut;
        part("signed-out").hidden = !signedOut;
        if (signedOut) part("signed-out").querySelector("a").href = window.location.href;
        openWhenThere = false;
    }

    async function ask(query) {
        const asked = query ? [["q", query]] : visits().map((one) => ["visited", one]);
        running?.abort();
        const mine = new AbortController();
        running = mine;
        dialog.classList.add("sm-find-asking");
        input.setAttribute("aria-busy", "true");
        try {
            const answer = await fetch(`${dialog.dataset.lines}?${new URLSearchParams(asked)}`, {
                signal: mine.signal,
                headers: { "X-Requested-With": "fetch" },
            });
            const html = answer.ok && !answer.redirected ? await answer.text() : null;
            if (running !== mine) return;
            if (html === null && query) fail(answer.redirected);
            else if (html === null) return;
            else show(html, query);
        } catch (error) {
            if (error.name !== "AbortError" && running === mine && query) fail(false);
        } finally {
            if (running === mine) {
                running = null;
                dialog.classList.remove("sm-find-asking");
                input.removeAttribute("aria-busy");
            }
        }
    }

    function refresh(at_once) {
        clearTimeout(timer);
        const query = typed();
        if (!query) {
            running?.abort();
            running = null;
            dialog.classList.remove("sm-find-asking");
            show("", "");
            if (visits().length) ask("");
        } else if (query !== shownFor || !part("error").hidden) {
            timer = setTimeout(() => { timer = 0; ask(query); }, at_once ? 0 : WAIT);
        }
    }

    function open() {
        if (dialog.open) return;
        delete dialog.dataset.sent;
        dialog.showModal();
        input.focus();
        input.select();
        refresh(true);
    }

    input.addEventListener("input", () => { openWhenThere = false; refresh(false); });
    input.addEventListener("keydown", (event) => {
        if (event.isComposing) return;
        const all = options();
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step && all.length) {
            event.preventDefault();
            choose(all[(all.indexOf(active()) + step + all.length) % all.length]);
        } else if (event.key === "Enter" && (typed() || active())) {
            event.preventDefault();
            if (typed() === shownFor && active()) follow(active(), event.ctrlKey || event.metaKey);
            else if (typed() !== shownFor) { openWhenThere = true; refresh(true); }
        }
    });
    body.addEventListener("mousemove", (event) => {
        const option = event.target.closest("[role=option]");
        if (option && option !== active()) choose(option);
    });
    body.addEventListener("click", (event) => {
        const option = event.target.closest("[data-fetch-id]");
        if (option) { event.preventDefault(); follow(option, false); }
    });
    part("again").addEventListener("click", () => { input.focus(); refresh(true); });
    part("close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { clearTimeout(timer); running?.abort(); openWhenThere = false; });
    window.addEventListener("pageshow", (event) => { if (event.persisted && dialog.open) dialog.close(); });

    for (const opener of document.querySelectorAll("[data-find-open]")) {
        opener.setAttribute("aria-haspopup", "dialog");
        opener.addEventListener("click", (event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            open();
        });
        const key = opener.querySelector("[data-find-key]");
        if (key && /Mac|iPhone|iPad/.test(navigator.platform)) key.textContent = "⌘ K";
    }
    document.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
            event.preventDefault();
            open();
        } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey) {
            if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
            event.preventDefault();
            open();
        }
    });
});
