"use strict";
// A passage plays from where it begins, and is marked while it is heard.
for (const recording of document.querySelectorAll(".recording")) {
  const audio = recording.querySelector("audio");
  const buttons = [...recording.querySelectorAll("button[data-start]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("audio")) {
        if (other !== audio) other.pause();
      }
      audio.currentTime = Number(button.dataset.start);
      audio.play();
    });
  }
  audio.addEventListener("timeupdate", () => {
    const heard = buttons.filter((button) => Number(button.dataset.start) <= audio.currentTime + 0.05).at(-1);
    for (const button of buttons) {
      button.closest("li").classList.toggle("heard", button === heard && !audio.ended);
    }
  });
}
