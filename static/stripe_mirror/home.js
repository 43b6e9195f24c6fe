// Home: says beside a chart what one points at, and comes back for figures that are being computed.
"use strict";
(() => {
    const AGAIN = 4000;

    function readout(event) {
        const chart = event.target.closest?.(".sm-chart");
        if (!chart) return;
        const hit = event.target.closest(".sm-hit");
        chart.querySelector(".sm-readout").textContent = hit ? hit.querySelector("title").textContent : "";
    }

    document.addEventListener("pointerover", readout);
    document.addEventListener("pointerout", (event) => {
        const chart = event.target.closest?.(".sm-chart");
        if (chart && !chart.contains(event.relatedTarget)) chart.querySelector(".sm-readout").textContent = "";
    });

    function comeBack() {
        // Not under somebody who reads a definition or types dates, and not for a page that nobody looks at.
        const busy = document.hidden || document.querySelector(":popover-open, details[open]");
        if (busy) setTimeout(comeBack, AGAIN);
        else location.reload();
    }

    if (document.querySelector("[data-computing]")) setTimeout(comeBack, AGAIN);
})();
