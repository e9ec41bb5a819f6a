/* A click on the map sets the place that is asked about. */

import "soc/city-map";

document.body.addEventListener("place:asked", ({ detail }) => {
  const form = document.getElementById("simulation");
  form.elements.lon.value = detail.lng.toFixed(6);
  form.elements.lat.value = detail.lat.toFixed(6);
});
