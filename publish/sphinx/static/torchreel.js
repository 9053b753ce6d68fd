// For readers who want no motion a film waits on its poster, the finished figure, until they start it.
if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  for (const video of document.querySelectorAll(".torchreel video[autoplay]")) {
    video.autoplay = false;
    video.controls = true;
    video.load();
  }
}
