/** Lets the browser show our own page when the centre cannot be reached. */
export function keepOfflinePage() {
  navigator.serviceWorker?.register("/service-worker.js");
}
