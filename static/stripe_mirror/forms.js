// Forms: one submit per form, and rows of the metadata table. Everything works without this file too.
(() => {
    "use strict";

    // A second click must not send a second request; the hidden UUID would find the first push, but why ask.
    document.addEventListener("submit", (event) => {
        const form = event.target;
        if (!form.matches("[data-submit-once]")) return;
        if (form.dataset.submitted) { event.preventDefault(); return; }
        form.dataset.submitted = "1";
        for (const button of form.querySelectorAll("button[type=submit]")) {
            // Not at once: a disabled button's name and value would be left out of the request.
            setTimeout(() => { button.disabled = true; button.setAttribute("aria-busy", "true"); }, 0);
        }
    });
    // Back in the browser's history shows the page as it was left: let it be submitted again. The event also comes when a
    // page has loaded for the first time, and by then its form may be on its way.
    window.addEventListener("pageshow", (event) => {
        if (!event.persisted) return;
        for (const form of document.querySelectorAll("[data-submit-once]")) {
            delete form.dataset.submitted;
            for (const button of form.querySelectorAll("button[type=submit]")) { button.disabled = false; button.removeAttribute("aria-busy"); }
        }
    });

    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-add-row], [data-remove-row]");
        if (!button) return;
        event.preventDefault();
        const table = button.closest("[data-rows]").querySelector("tbody");
        if (button.matches("[data-remove-row]")) {
            const row = button.closest("tr");
            const next = row.nextElementSibling || row.previousElementSibling;
            for (const input of row.querySelectorAll("input, textarea")) input.value = "";
            if (table.rows.length > 1) row.remove();
            (next || table).querySelector("input")?.focus();
            return;
        }
        const row = table.rows[table.rows.length - 1].cloneNode(true);
        for (const input of row.querySelectorAll("input, textarea")) { input.value = ""; input.removeAttribute("value"); }
        table.append(row);
        row.querySelector("input").focus();
    });
    // What will happen, in words, as somebody chooses: the same page is asked with what is chosen so far.
    for (const form of document.querySelectorAll("form[data-preview]")) {
        const target = form.querySelector("[data-summary]");
        if (!target) continue;
        let asked = 0;
        // What doesn't change what will happen.
        const aside = ["csrfmiddlewaretoken", "push_id", "opened", "previewed_token", "reason", "comment"];
        form.addEventListener("change", async (event) => {
            if (aside.includes(event.target.name)) return;
            const number = ++asked;
            const query = new URLSearchParams();
            for (const [name, value] of new FormData(form)) {
                if (!aside.includes(name)) query.append(name, value);
            }
            try {
                const answer = await fetch(`${location.pathname}?${query}`, { headers: { Accept: "text/html" }, credentials: "same-origin" });
                const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                const fresh = page.querySelector("[data-summary]");
                if (answer.ok && fresh && number === asked) target.replaceChildren(...fresh.childNodes);
            } catch {
                if (number === asked) target.replaceChildren();
            }
        });
    }
    for (const hidden of document.querySelectorAll("[data-needs-script]")) hidden.hidden = false;
})();
