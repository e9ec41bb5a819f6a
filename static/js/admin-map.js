/* Maps in the administration show the city's districts and dongs, so that they can be read without tiles. */

async function drawCity(map) {
  map.attributionControl?.setPrefix(false);
  const answer = await fetch("/api/v1/map/shapes/");
  if (!answer.ok) return;
  const shapes = await answer.json();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const land = { color: colour("--map-line"), weight: 2, fillColor: colour("--map-city"), fillOpacity: 1, interactive: false };
  const parts = { color: colour("--map-line"), weight: 1, fill: false, interactive: false };
  const of = (kind) => shapes.features.filter(({ properties }) => properties.kind === kind);
  const named = (feature, layer) => layer.bindTooltip(feature.properties.name, { permanent: true, direction: "center", className: "area-name" });
  L.geoJSON(of("dong"), { style: parts, onEachFeature: named }).addTo(map).bringToBack();
  L.geoJSON(of("district"), { style: land }).addTo(map).bringToBack();
}

addEventListener("map:init", ({ detail }) => drawCity(detail.map));
