// Keyboard: tabs by arrow keys, and "/" for the search box.
(() => {
    "use strict";

    function tabs(nav) {
        const links = [...nav.querySelectorAll("a[href^='#']")];
        const panels = links.map((link) => document.getElementById(link.hash.slice(1)));
        if (links.length < 2 || panels.some((panel) => !panel)) return;
        nav.setAttribute("role", "tablist");
        links.forEach((link, index) => {
            link.setAttribute("role", "tab");
            link.id = `tab-${panels[index].id}`;
            link.setAttribute("aria-controls", panels[index].id);
            panels[index].setAttribute("role", "tabpanel");
            panels[index].setAttribute("aria-labelledby", link.id);
        });
        const choose = (index, focus) => {
            links.forEach((link, i) => {
                link.setAttribute("aria-selected", String(i === index));
                link.tabIndex = i === index ? 0 : -1;
                panels[i].hidden = i !== index;
            });
            if (focus) links[index].focus();
        };
        nav.addEventListener("click", (event) => {
            const index = links.indexOf(event.target.closest("a"));
            if (index < 0) return;
            event.preventDefault();
            choose(index, false);
            history.replaceState(null, "", links[index].hash);
        });
        nav.addEventListener("keydown", (event) => {
            const now = links.indexOf(document.activeElement);
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            const to = step ? (now + step + links.length) % links.length : { Home: 0, End: links.length - 1 }[event.key];
            if (now < 0 || to === undefined) return;
            event.preventDefault();
            choose(to, true);
        });
        // A link to something inside a panel, such as the form, opens that panel first.
        document.addEventListener("click", (event) => {
            const link = event.target.closest("a[href^='#']");
            const target = link && !nav.contains(link) && document.getElementById(link.hash.slice(1));
            const index = target ? panels.findIndex((panel) => panel.contains(target)) : -1;
            if (index >= 0) choose(index, false);
        });
        window.addEventListener("hashchange", () => {
            const index = links.findIndex((link) => link.hash === location.hash);
            if (index >= 0) choose(index, false);
        });
        const start = links.findIndex((link) => link.hash === location.hash);
        choose(Math.max(start, 0), false);
        // The browser has scrolled to the panel, past the head of the page.
        if (start >= 0) requestAnimationFrame(() => window.scrollTo(0, 0));
    }
    for (const nav of document.querySelectorAll("[data-tabs]")) tabs(nav);
})();
