"use strict";
(() => {
  const data = JSON.parse(document.getElementById("points").textContent);
  const chart = document.getElementById("chart");
  const cursor = document.getElementById("cursor");
  const readout = document.getElementById("readout");

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const two = (value) => String(value).padStart(2, "0");
    return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  };
  const number = (value, digits) => (value === null ? "none" : value.toFixed(digits).replace("-", "\u2212"));

  const nearest = (seconds) => {
    let low = 0;
    let high = data.t.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.t[middle] < seconds) low = middle + 1;
      else high = middle;
    }
    return low > 0 && seconds - data.t[low - 1] < data.t[low] - seconds ? low - 1 : low;
  };

  let current = 0;
  const show = (index) => {
    current = Math.min(Math.max(index, 0), data.t.length - 1);
    const seconds = data.t[current];
    cursor.hidden = false;
    cursor.style.setProperty("--at", `${(100 * seconds) / data.duration}%`);
    const parts = [
      clock(seconds),
      `score ${number(data.score[current], 2)}`,
      `loudness ${number(data.level[current], 1)} dB`,
      `voice ${number(data.voice[current], 1)} dB`,
    ];
    readout.textContent = parts.map((part) => part.replaceAll(" ", "\u00a0")).join("  \u00b7  ");
    chart.setAttribute("aria-valuenow", seconds.toFixed(1));
    chart.setAttribute("aria-valuetext", parts.join(", "));
  };

  if (data.t.length > 1 && data.duration > 0) {
    readout.hidden = false;
    chart.tabIndex = 0;
    chart.setAttribute("role", "slider");
    chart.setAttribute("aria-label", "Position on the timeline");
    chart.setAttribute("aria-valuemin", "0");
    chart.setAttribute("aria-valuemax", data.duration.toFixed(1));
    chart.setAttribute("aria-valuenow", "0");
    const point = (event) => {
      const box = chart.getBoundingClientRect();
      show(nearest(((event.clientX - box.left) / box.width) * data.duration));
    };
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    const step = Math.max(1, Math.round(data.t.length / 200));
    const moves = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -10 * step, PageUp: 10 * step };
    chart.addEventListener("keydown", (event) => {
      if (event.key in moves) show(current + moves[event.key]);
      else if (event.key === "Home") show(0);
      else if (event.key === "End") show(data.t.length - 1);
      else return;
      event.preventDefault();
    });
  }

  /* A mark of a rejected moment leads into a list that may be closed. */
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const list = target && target.closest("details");
    if (list && !list.open) {
      list.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((list) => (list.open = true)));

  const videos = [...document.querySelectorAll("video")];
  for (const video of videos) {
    const words = [...video.closest("article").querySelectorAll("button.word")];
    for (const word of words) {
      word.addEventListener("click", () => {
        video.currentTime = Number(word.dataset.from);
        video.play().catch(() => video.focus());
      });
    }
    video.addEventListener("timeupdate", () => {
      for (const word of words) {
        const now = video.currentTime >= Number(word.dataset.from) && video.currentTime < Number(word.dataset.until);
        if (now) word.setAttribute("aria-current", "true");
        else word.removeAttribute("aria-current");
      }
    });
    video.addEventListener("play", () => videos.filter((other) => other !== video).forEach((other) => other.pause()));
  }
})();
