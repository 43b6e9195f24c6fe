// Lists: columns in a dialog, totals in place, and suggestions as one types. Everything works without this file too.
(() => {
    "use strict";

    async function page(address, options) {
        const answer = await fetch(address, { credentials: "same-origin", ...options });
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        return new DOMParser().parseFromString(await answer.text(), "text/html");
    }

    /* ---- totals ------------------------------------------------------------------------------------------------- */

    const totals = document.getElementById("totals");
    document.addEventListener("click", async (event) => {
        const link = event.target.closest("a[data-totals]");
        if (!link || !totals || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        if (link.getAttribute("aria-busy")) return;
        link.setAttribute("aria-busy", "true");
        totals.textContent = totals.dataset.wait;
        try {
            const found = (await page(link.href)).querySelector("[data-totals-result]");
            totals.replaceChildren(document.importNode(found, true));
        } catch {
            totals.textContent = totals.dataset.failed;
        }
        link.removeAttribute("aria-busy");
    });

    /* ---- columns ------------------------------------------------------------------------------------------------ */

    const dialog = document.getElementById("columns-dialog");

    function say(form, row) {
        const status = form.querySelector("[data-moved]");
        const place = [...row.parentElement.children].indexOf(row) + 1;
        status.textContent = status.dataset.moved.replace("{column}", row.querySelector("label").textContent.trim()).replace("{place}", place);
    }

    function move(button, form) {
        const row = button.closest("li");
        const other = button.name === "up" ? row.previousElementSibling : row.nextElementSibling;
        if (!other) return;
        if (button.name === "up") other.before(row); else other.after(row);
        button.focus();
        row.scrollIntoView({ block: "nearest" });
        say(form, row);
    }

    function show(fresh) {
        const form = document.importNode(fresh.querySelector("[data-columns-form]"), true);
        dialog.replaceChildren(form);
        for (const row of form.querySelectorAll("li")) row.draggable = true;
        return form;
    }

    if (dialog && dialog.showModal) {
        document.addEventListener("click", async (event) => {
            const link = event.target.closest("a[data-columns]");
            if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            try {
                const form = show(await page(link.href));
                dialog.showModal();
                form.querySelector("input[type=checkbox]").focus();
            } catch {
                location.assign(link.href);
            }
        });
        dialog.addEventListener("click", (event) => {
            const outside = event.target === dialog;
            if (outside || event.target.closest("[data-close]")) { event.preventDefault(); dialog.close(); }
        });
        let dragged = null;
        dialog.addEventListener("dragstart", (event) => {
            dragged = event.target.closest("li");
            if (dragged) event.dataTransfer.effectAllowed = "move";
        });
        dialog.addEventListener("dragover", (event) => {
            const over = event.target.closest("li");
            if (!dragged || !over || over === dragged) return;
            event.preventDefault();
            const box = over.getBoundingClientRect();
            if (event.clientY < box.top + box.height / 2) over.before(dragged); else over.after(dragged);
        });
        dialog.addEventListener("dragend", () => {
            if (dragged) say(dialog.querySelector("form"), dragged);
            dragged = null;
        });
    }
    document.addEventListener("submit", async (event) => {
        const form = event.target;
        const button = event.submitter;
        if (!form.matches("[data-columns-form]") || !button) return;
        if (button.name === "up" || button.name === "down") { event.preventDefault(); move(button, form); }
        if (button.name !== "add" || !dialog) return;
        event.preventDefault();
        const body = new FormData(form, button);
        const fresh = show(await page(form.action, { method: "POST", body }));
        fresh.querySelector("input[name=key]").focus();
        fresh.querySelector("li:last-child").scrollIntoView({ block: "nearest" });
    });

    /* ---- suggestions -------------------------------------------------------------------------------------------- */

    // A combobox with a list, as the ARIA Authoring Practices describe it.
    class Suggest {
        constructor(input) {
            this.input = input;
            this.asked = 0;
            this.list = document.createElement("ul");
            this.list.id = `${input.id}-list`;
            this.list.className = "sm-suggestions";
            this.list.setAttribute("role", "listbox");
            this.list.setAttribute("aria-label", input.labels[0].textContent);
            this.list.hidden = true;
            input.after(this.list);
            const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
            for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
            input.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.ask(), 150); });
            input.addEventListener("keydown", (event) => this.key(event));
            this.list.addEventListener("mousedown", (event) => event.preventDefault());
            this.list.addEventListener("click", (event) => { const one = event.target.closest("[data-id]"); if (one) this.choose(one); });
        }

        get options() { return [...this.list.querySelectorAll("[data-id]")]; }

        get current() { return this.list.querySelector("[aria-selected=true]"); }

        async ask() {
            const number = ++this.asked;
            const text = this.input.value.trim();
            if (text.length < 2) { this.close(); return; }
            try {
                const answer = await fetch(`${this.input.dataset.suggest}?${new URLSearchParams({ q: text })}`, { credentials: "same-origin" });
                const { found } = await answer.json();
                if (number === this.asked) this.show(found);
            } catch {
                if (number === this.asked) this.close();
            }
        }

        show(found) {
            this.list.replaceChildren(...found.map((one, index) => this.option(one, index)));
            if (!found.length) {
                const none = document.createElement("li");
                none.className = "sm-hint";
                none.setAttribute("role", "option");
                none.setAttribute("aria-disabled", "true");
                none.textContent = this.input.dataset.none;
                this.list.append(none);
            }
            this.list.hidden = false;
            this.input.setAttribute("aria-expanded", "true");
            this.mark(this.options[0]);
        }

        option({ id, name, more }, index) {
            const made = document.createElement("li");
            made.id = `${this.list.id}-${index}`;
            made.setAttribute("role", "option");
            made.dataset.id = id;
            made.textContent = name;
            if (more) {
                const hint = document.createElement("span");
                hint.className = "sm-hint";
                hint.textContent = more;
                made.append(hint);
            }
            return made;
        }

        mark(option) {
            this.current?.removeAttribute("aria-selected");
            if (!option) { this.input.removeAttribute("aria-activedescendant"); return; }
            option.setAttribute("aria-selected", "true");
            option.scrollIntoView({ block: "nearest" });
            this.input.setAttribute("aria-activedescendant", option.id);
        }

        close() {
            this.list.hidden = true;
            this.list.replaceChildren();
            this.input.setAttribute("aria-expanded", "false");
            this.input.removeAttribute("aria-activedescendant");
        }

        choose(option) {
            this.input.value = option.dataset.id;
            this.close();
            this.input.form.requestSubmit();
        }

        key(event) {
            const options = this.options;
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (step && options.length) {
                event.preventDefault();
                this.mark(options[(options.indexOf(this.current) + step + options.length) % options.length]);
            } else if (event.key === "Enter" && this.current) {
                event.preventDefault();
                this.choose(this.current);
            } else if (event.key === "Escape" && !this.list.hidden) {
                // Only the suggestions close; a second Escape closes the filter.
                event.stopPropagation();
                this.close();
            }
        }
    }
    for (const input of document.querySelectorAll("input[data-suggest]")) new Suggest(input);

    // A filter that opens is ready to be typed into.
    for (const menu of document.querySelectorAll("details.sm-filter")) {
        menu.addEventListener("toggle", () => {
            if (menu.open) menu.querySelector("form.sm-menu input[type=text]")?.focus();
        });
    }
})();
