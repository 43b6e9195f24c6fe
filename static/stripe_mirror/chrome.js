// The frame of every page: the navigation at the side, and menus that open, close and give the focus back.
(() => {
    "use strict";
    const KEY = "sidebarDesktopOpen";
    const root = document.documentElement;
    const wide = matchMedia("(min-width: 1200px)");
    const nav = document.getElementById("nav-sidebar");
    const toggles = document.querySelectorAll("[data-sidebar-toggle]");

    for (const hidden of document.querySelectorAll("[data-needs-script], [data-sidebar-toggle], [data-sidebar-close]")) hidden.hidden = false;

    /* ---- the navigation: beside the page where there is room, over it elsewhere ---------------------------------- */

    let over = false;
    const kept = () => { try { return localStorage.getItem(KEY) !== "0"; } catch { return true; } };
    const keep = (open) => { try { localStorage.setItem(KEY, open ? "1" : "0"); } catch { /* not kept */ } };

    function show() {
        const beside = wide.matches && kept();
        const shown = beside || (!wide.matches && over);
        root.classList.toggle("sm-nav-folded", wide.matches && !beside);
        root.classList.toggle("sm-nav-over", !wide.matches && over);
        for (const toggle of toggles) toggle.setAttribute("aria-expanded", String(shown));
        // What lies under the navigation can't be reached meanwhile: the focus stays in it.
        document.querySelector(".sm-body").inert = !wide.matches && over;
    }
    function leave() {
        if (!over) return;
        over = false;
        show();
        toggles[0]?.focus();
    }
    if (nav) {
        for (const toggle of toggles) {
            toggle.addEventListener("click", () => {
                if (wide.matches) { keep(!kept()); show(); return; }
                over = true;
                show();
                nav.querySelector("a, button").focus();
            });
        }
        document.addEventListener("click", (event) => { if (event.target.closest("[data-sidebar-close]")) leave(); });
        wide.addEventListener("change", () => { over = false; show(); });
        show();
        const active = nav.querySelector("[aria-current]");
        const groups = nav.querySelector(".sm-nav-groups");
        if (active && active.offsetTop + active.offsetHeight > groups.clientHeight) groups.scrollTop = active.offsetTop - groups.clientHeight / 2;
    }

    /* ---- menus: <details data-menu>, and popovers, which the browser itself closes by Escape and by a click beside - */

    const MENU = "details[data-menu], details.sm-filter";
    const ANY = `${MENU}, [popover]`;
    const open = () => [...document.querySelectorAll(MENU)].filter((menu) => menu.open);
    const entries = (menu) => [...menu.querySelectorAll("a[href], button, input:not([type=hidden]), select")].filter((entry) => entry.offsetParent && !entry.disabled);

    function close(menu) {
        const inside = menu.contains(document.activeElement);
        menu.open = false;
        if (inside) menu.querySelector("summary").focus();
    }
    document.addEventListener("click", (event) => {
        for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
    });
    // One that is left by Tab doesn't stay open over the page.
    document.addEventListener("focusin", (event) => {
        for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
        const shown = document.querySelector(":popover-open");
        if (shown && !shown.contains(event.target) && event.target.getAttribute("popovertarget") !== shown.id) shown.hidePopover();
    });
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            const menus = open();
            for (const menu of menus) close(menu);
            if (!menus.length) leave();
            return;
        }
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step || event.target.matches?.("input, select, textarea")) return;
        const opener = event.target.closest?.("[popovertarget]");
        const menu = opener ? document.getElementById(opener.getAttribute("popovertarget")) : event.target.closest?.(ANY);
        if (!menu) return;
        event.preventDefault();
        if (menu.popover === null) menu.open = true;
        else menu.showPopover();
        const found = entries(menu);
        const now = found.indexOf(document.activeElement);
        found[now < 0 ? (step > 0 ? 0 : found.length - 1) : (now + step + found.length) % found.length]?.focus();
    });

    /* ---- preferences: the zone of this machine, to be chosen with one click -------------------------------------- */

    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    for (const button of document.querySelectorAll("[data-browser-zone]")) {
        const input = document.getElementById(button.dataset.browserZone);
        if (!zone || input.value === zone) continue;
        button.querySelector("span").textContent = zone;
        button.hidden = false;
        button.addEventListener("click", () => { input.value = zone; input.focus(); });
    }

    // Django's boxes of two lists say in a tooltip what their search does: a mark, not a text.
    window.addEventListener("load", () => {
        for (const mark of document.querySelectorAll(".help-tooltip[aria-label]")) mark.setAttribute("role", "img");
    });
})();
