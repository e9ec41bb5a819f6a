/* The city's map: readable without tiles from the shapes of its districts and dongs. */

import { CameraLayer } from "soc/camera-layer";
import { say } from "soc/texts";

const DONG_LINES_FROM_ZOOM = 11;
const DONG_NAMES_FROM_ZOOM = 14;
const RINGS_M = [500, 1000];
const INCIDENT_ZOOM = 16;

class CityMap extends HTMLElement {
  #map;
  #cameras;
  #loaded = false;
  #incident;
  #shown = "";
  #refreshing = false;

  async connectedCallback() {
    this.#map = L.map(this, {
      zoomControl: false,
      attributionControl: Boolean(this.dataset.attribution),
      zoomAnimation: false,
      fadeAnimation: false,
      markerZoomAnimation: false,
      doubleClickZoom: false,
      zoomSnap: 0.25,
      minZoom: 9,
      maxZoom: 19,
      preferCanvas: true,
    });
    this.#map.attributionControl?.setPrefix(false);
    const [lng, lat] = this.dataset.centre.split(",").map(Number);
    this.#map.setView([lat, lng], 13);
    L.control.zoom({ position: "topright", zoomInTitle: say("map.zoom_in"), zoomOutTitle: say("map.zoom_out") }).addTo(this.#map);
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(this.#map);
    if (this.dataset.tiles) L.tileLayer(this.dataset.tiles, { attribution: this.dataset.attribution, className: "city-tiles" }).addTo(this.#map);
    this.#incident = L.layerGroup().addTo(this.#map);
    this.#cameras = new CameraLayer(this.dataset.statusShapes).addTo(this.#map);
    this.#listen();
    new ResizeObserver(() => this.#map.invalidateSize({ animate: false })).observe(this);
    this.follow();
    await Promise.all([this.#loadShapes(), this.#loadCameras()]);
  }

  disconnectedCallback() {
    this.#map.remove();
  }

  connectedMoveCallback() {}

  /** Show what the page is about now: an incident and the cameras chosen for it. */
  follow() {
    const subject = document.querySelector(this.dataset.subject ?? "[data-map-subject]");
    const tiles = [...document.querySelectorAll("camera-tile[data-camera], recorded-tile[data-camera]")];
    const chosen = new Map(tiles.map((tile) => [Number(tile.dataset.camera), tile.dataset.slot]));
    this.#cameras.setChosen(chosen);
    this.#showIncident(subject);
    // A provision may have opened since the cameras were asked for.
    if (this.#loaded && [...chosen.keys()].some((id) => !this.#cameras.find(id))) this.#loadCameras();
  }

  goTo(lng, lat, zoom = 17) {
    this.#map.setView([lat, lng], zoom);
  }

  goToCamera(id) {
    const camera = this.#cameras.find(id);
    if (camera) this.#map.setView(camera.latlng, 17);
  }

  #showIncident(subject) {
    const about = subject?.dataset ?? {};
    const [key, place] = [about.number ?? "", L.latLng(Number(about.lat ?? 0), Number(about.lng ?? 0))];
    const isNew = key !== this.#shown;
    this.#shown = key;
    this.#incident.clearLayers();
    if (!key) return;
    if (about.grade) this.#drawIncident(place, about.grade);
    if (!isNew) return;
    this.#map.invalidateSize({ animate: false });
    this.#map.setView(place, INCIDENT_ZOOM);
  }

  #drawIncident(place, grade) {
    const style = getComputedStyle(this);
    for (const metres of RINGS_M) {
      L.circle(place, { radius: metres, fill: false, weight: 1, color: style.getPropertyValue("--text-3"), dashArray: "3 5", interactive: false }).addTo(this.#incident);
      this.#label(this.#onRing(place, metres), say("map.ring", { metres }), "ring-label");
    }
    this.#label(place, "", `incident-pin incident-pin-${grade}`);
  }

  /** Where a ring carries its label: on the side that the map's form leaves in view. */
  #onRing(place, metres) {
    const { x, y } = this.#map.getSize();
    const degrees = metres / 111_320;
    return x > y
      ? L.latLng(place.lat, place.lng + degrees / Math.cos((place.lat * Math.PI) / 180))
      : L.latLng(place.lat - degrees, place.lng);
  }

  #label(place, words, css, layer = this.#incident) {
    const text = document.createElement("span");
    text.textContent = words;
    const icon = L.divIcon({ className: css, html: text, iconSize: null });
    return L.marker(place, { icon, interactive: false, keyboard: false }).addTo(layer);
  }

  async #loadShapes() {
    const answer = await fetch(this.dataset.shapes);
    if (!answer.ok) return this.#note(say("map.no_shapes"));
    this.#drawShapes(await answer.json());
  }

  #drawShapes(shapes) {
    const style = getComputedStyle(this);
    const token = (name) => style.getPropertyValue(name).trim();
    const pick = (kind) => ({ ...shapes, features: shapes.features.filter((f) => f.properties.kind === kind) });
    const tiles = Boolean(this.dataset.tiles);
    const land = { color: token("--map-line"), weight: 1.5, fillColor: token("--map-city"), fillOpacity: tiles ? 0 : 1, interactive: false };
    const districts = L.geoJSON(pick("district"), { style: land }).addTo(this.#map).bringToBack();
    const dongs = L.geoJSON(pick("dong"), { style: { color: token("--map-faint"), weight: 1, fill: false, interactive: false } });
    const names = { district: L.layerGroup(), dong: L.layerGroup() };
    districts.eachLayer((l) => this.#label(middle(l), l.feature.properties.name, "district-name", names.district));
    dongs.eachLayer((l) => this.#label(middle(l), l.feature.properties.name, "dong-name", names.dong));
    this.#whenZoomed(() => {
      const zoom = this.#map.getZoom();
      this.#toggle(dongs, zoom >= DONG_LINES_FROM_ZOOM);
      this.#toggle(names.district, zoom < DONG_NAMES_FROM_ZOOM);
      this.#toggle(names.dong, zoom >= DONG_NAMES_FROM_ZOOM);
      districts.bringToBack();
    });
    const extent = districts.getBounds();
    if (!extent.isValid()) this.#note(say("map.no_shapes"));
    else if (!this.#shown) this.#map.fitBounds(extent, { padding: [8, 8] });
  }

  #whenZoomed(act) {
    this.#map.on("zoomend", act);
    act();
  }

  #toggle(layer, wanted) {
    if (wanted === this.#map.hasLayer(layer)) return;
    if (wanted) layer.addTo(this.#map);
    else layer.remove();
  }

  async #loadCameras() {
    if (!this.dataset.cameras || this.#refreshing) return;
    this.#refreshing = true;
    const answer = await fetch(this.dataset.cameras).finally(() => (this.#refreshing = false));
    if (answer.ok) this.#cameras.setCameras((await answer.json()).features);
    this.#loaded = true;
  }

  #listen() {
    document.body.addEventListener("page:refreshed", () => this.follow());
    for (const noun of ["camera", "mou", "integration", "provision"]) {
      document.body.addEventListener(`${noun}:changed`, () => this.#loadCameras());
    }
    const tip = L.tooltip({ className: "camera-tip", direction: "top", offset: [0, -8] });
    this.#map.on("mousemove", ({ containerPoint }) => {
      const camera = this.#cameras.nearest(containerPoint);
      this.classList.toggle("over-camera", Boolean(camera));
      if (!camera) return tip.remove();
      const words = document.createElement("span");
      words.textContent = [camera.number, camera.purpose_name ?? camera.purpose].filter(Boolean).join(" · ");
      tip.setLatLng(camera.latlng).setContent(words);
      if (!this.#map.hasLayer(tip)) tip.addTo(this.#map);
    });
    this.#map.on("mouseout", () => tip.remove());
    this.#map.on("click", ({ latlng }) => this.dispatchEvent(new CustomEvent("place:asked", { bubbles: true, detail: latlng })));
    this.#map.on("dblclick", ({ containerPoint, latlng }) => {
      const camera = this.#cameras.nearest(containerPoint);
      if (camera) this.dispatchEvent(new CustomEvent("camera:asked", { bubbles: true, detail: camera }));
      else this.#map.setView(latlng, this.#map.getZoom() + 1);
    });
  }

  #note(words) {
    const note = document.createElement("p");
    note.className = "map-note";
    note.textContent = words;
    this.append(note);
  }
}

/** The middle of a shape's largest part: an enclave must not carry the name away. */
function middle(layer) {
  const parts = layer.getLatLngs().flat(layer.feature.geometry.type === "MultiPolygon" ? 1 : 0);
  const largest = parts.reduce((a, b) => (area(a) >= area(b) ? a : b));
  return centroid(largest);
}

function area(ring) {
  return Math.abs(ring.reduce((sum, p, i) => sum + cross(p, ring[(i + 1) % ring.length]), 0)) / 2;
}

function centroid(ring) {
  let [lat, lng, total] = [0, 0, 0];
  ring.forEach((p, i) => {
    const q = ring[(i + 1) % ring.length];
    const weight = cross(p, q);
    lat += (p.lat + q.lat) * weight;
    lng += (p.lng + q.lng) * weight;
    total += weight;
  });
  return L.latLng(lat / (3 * total), lng / (3 * total));
}

const cross = (p, q) => p.lng * q.lat - q.lng * p.lat;

customElements.define("city-map", CityMap);
