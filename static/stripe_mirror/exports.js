// The page of an export: ticks follow the choice of columns, the first rows follow the form, the exact count comes by
// itself. Everything works without this file too.
(() => {
    "use strict";

    const form = document.querySelector("form[data-export]");
    if (!form) return;
    for (const button of form.querySelectorAll("[data-without-script]")) button.hidden = true;

    /* ---- columns ------------------------------------------------------------------------------------------------ */

    const ticks = [...form.querySelectorAll("input[name=column]")];
    form.addEventListener("change", (event) => {
        const { name, value } = event.target;
        if (name === "which" && value !== "chosen") {
            for (const tick of ticks) tick.checked = value === "all" || tick.hasAttribute("data-usual");
        }
        if (name === "column") form.querySelector("input[name=which][value=chosen]").checked = true;
    });

    /* ---- the first rows ----------------------------------------------------------------------------------------- */

    const PAUSE = 250;
    let asked = 0;
    let timer = 0;

    async function preview() {
        const number = ++asked;
        const area = form.querySelector("[data-export-preview]");
        const body = new FormData(form);
        body.set("preview", "1");
        area.setAttribute("aria-busy", "true");
        try {
            const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin", headers: { Accept: "text/html" } });
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const fresh = page.querySelector("[data-export-preview]");
            if (answer.ok && fresh && number === asked) area.replaceChildren(...fresh.childNodes);
        } catch {
            // The old rows stay; exporting says what is wrong.
        }
        if (number === asked) area.removeAttribute("aria-busy");
    }

    form.addEventListener("change", (event) => {
        if (event.target.name.startsWith("saved-")) return;
        clearTimeout(timer);
        timer = setTimeout(preview, PAUSE);
    });

    /* ---- one download per click --------------------------------------------------------------------------------- */

    const AGAIN = 2000;
    let sent = -AGAIN;
    form.addEventListener("submit", (event) => {
        // The page stays while a download begins, so the button can be pressed again, but not twice by accident.
        if (performance.now() - sent < AGAIN) event.preventDefault();
        else sent = performance.now();
    });

    /* ---- the exact count ---------------------------------------------------------------------------------------- */

    const counted = document.querySelector("[data-count-url]");
    if (counted) {
        const status = document.querySelector("[data-counting]");
        status.textContent = counted.dataset.wait;
        fetch(counted.dataset.countUrl, { credentials: "same-origin", headers: { Accept: "application/json" } })
            .then((answer) => answer.json())
            .then(({ count }) => { if (count) counted.textContent = count; })
            .catch(() => {})
            .finally(() => { status.textContent = ""; });
    }
})();
