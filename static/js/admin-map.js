/* Maps in the administration show the city's districts, so that they can be read without tiles. */

async function drawCity(map) {
  const answer = await fetch("/api/v1/map/shapes/");
  if (!answer.ok) return;
  const style = { color: "#7b858d", weight: 1, fillColor: "#ffffff", fillOpacity: 1, interactive: false };
  const shapes = await answer.json();
  const districts = shapes.features.filter(({ properties }) => properties.kind === "district");
  L.geoJSON(districts, { style }).addTo(map).bringToBack();
}

addEventListener("map:init", ({ detail }) => drawCity(detail.map));
