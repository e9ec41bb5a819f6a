/* Thousands of cameras on one canvas: dots in grey, shapes in colour only where something is wrong,
   sectors when near. Shapes come from the same drawing that the rest of the page uses. */

const SECTORS_FROM_ZOOM = 16;
const ALL_DOTS_FROM_ZOOM = 13;
const MARGIN = 0.25; // of the view on each side, so that a short pan shows no edge
const EARTH_M = 40_075_016.686;
const LOUD = new Set(["caution", "serious", "critical"]);
const REACH_PX = 12;

export const CameraLayer = L.Layer.extend({
  initialize(shapesAddress) {
    this._cameras = [];
    this._chosen = new Map();
    this._shapes = new Map();
    this._shapesAddress = shapesAddress;
  },

  async onAdd(map) {
    this._map = map;
    this._canvas = L.DomUtil.create("canvas", "camera-canvas leaflet-zoom-hide");
    map.createPane("cameras").style.zIndex = 450; // above the shapes of districts, below markers
    map.getPane("cameras").append(this._canvas);
    map.on("moveend zoomend resize viewreset", this._draw, this);
    await this._loadShapes();
    this._draw();
  },

  onRemove(map) {
    map.off("moveend zoomend resize viewreset", this._draw, this);
    this._canvas.remove();
  },

  /** `features`: GeoJSON points with number, kind, status, bearing_deg, fov_deg, range_m, purpose. */
  setCameras(features) {
    this._cameras = features.map(({ id, geometry, properties }) => {
      const [lng, lat] = geometry.coordinates;
      return { ...properties, id: properties.id ?? id, latlng: L.latLng(lat, lng), at: L.CRS.EPSG3857.latLngToPoint({ lat, lng }, 0) };
    });
    this._draw();
  },

  /** `chosen`: camera id -> the slot number it is shown in. */
  setChosen(chosen) {
    this._chosen = chosen;
    this._draw();
  },

  find(id) {
    return this._cameras.find((camera) => camera.id === id);
  },

  nearest(containerPoint) {
    let [best, least] = [null, REACH_PX ** 2];
    const origin = this._origin();
    const scale = 2 ** this._map.getZoom();
    for (const camera of this._cameras) {
      const dx = camera.at.x * scale - origin.x - containerPoint.x;
      const dy = camera.at.y * scale - origin.y - containerPoint.y;
      const far = dx * dx + dy * dy;
      if (far < least) [best, least] = [camera, far];
    }
    return best;
  },

  _origin() {
    return this._map.getPixelBounds().min;
  },

  async _loadShapes() {
    const answer = await fetch(this._shapesAddress);
    const drawing = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
    for (const symbol of drawing.querySelectorAll("symbol")) {
      const path = symbol.querySelector("path");
      this._shapes.set(symbol.id, { path: new Path2D(path.getAttribute("d")), rule: path.getAttribute("fill-rule") ?? "nonzero" });
    }
  },

  _draw() {
    if (!this._map || !this._canvas) return;
    const size = this._map.getSize();
    const margin = size.multiplyBy(MARGIN).round();
    const ratio = devicePixelRatio || 1;
    const full = size.add(margin.multiplyBy(2));
    this._canvas.width = full.x * ratio;
    this._canvas.height = full.y * ratio;
    this._canvas.style.width = `${full.x}px`;
    this._canvas.style.height = `${full.y}px`;
    L.DomUtil.setPosition(this._canvas, this._map.containerPointToLayerPoint([0, 0]).subtract(margin));
    const pen = this._canvas.getContext("2d");
    pen.scale(ratio, ratio);
    this._paint(pen, this._inView(full, margin));
  },

  _inView(full, margin) {
    const origin = this._origin().subtract(margin);
    const scale = 2 ** this._map.getZoom();
    const seen = [];
    for (const camera of this._cameras) {
      const [x, y] = [camera.at.x * scale - origin.x, camera.at.y * scale - origin.y];
      if (x > -80 && y > -80 && x < full.x + 80 && y < full.y + 80) seen.push({ camera, x, y });
    }
    return seen;
  },

  _paint(pen, seen) {
    const colours = this._colours();
    const zoom = this._map.getZoom();
    const chosen = seen.filter(({ camera }) => this._chosen.has(camera.id));
    if (zoom >= SECTORS_FROM_ZOOM) seen.forEach((spot) => this._sector(pen, spot, colours.off, 0.1));
    chosen.forEach((spot) => this._sector(pen, spot, colours.accent, 0.3));
    const size = zoom >= SECTORS_FROM_ZOOM ? 9 : zoom >= ALL_DOTS_FROM_ZOOM ? 5 : 3;
    for (const spot of seen) this._mark(pen, spot, size, colours);
    for (const spot of chosen) this._slot(pen, spot, colours);
  },

  _mark(pen, { camera, x, y }, size, colours) {
    if (LOUD.has(camera.status)) return this._shape(pen, camera.status, x, y, Math.max(size, 9), colours[camera.status]);
    if (size < 9 || camera.status === "normal") {
      pen.globalAlpha = camera.status === "off" ? 0.55 : 1;
      pen.fillStyle = camera.status === "off" ? colours.off : colours.normal;
      pen.beginPath();
      pen.arc(x, y, size / 2 + (camera.status === "off" ? 0 : 0.5), 0, 2 * Math.PI);
      pen.fill();
      pen.globalAlpha = 1;
      return;
    }
    this._shape(pen, camera.status, x, y, size, colours[camera.status]);
  },

  _shape(pen, name, x, y, size, colour) {
    const shape = this._shapes.get(name);
    if (!shape) return;
    pen.save();
    pen.translate(x - size / 2, y - size / 2);
    pen.scale(size / 12, size / 12);
    pen.fillStyle = colour;
    pen.fill(shape.path, shape.rule);
    pen.restore();
  },

  _slot(pen, { camera, x, y }, colours) {
    pen.fillStyle = colours.surface;
    pen.strokeStyle = colours.accent;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(x, y, 9, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
    pen.fillStyle = colours.text;
    pen.font = `600 11px ${colours.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(this._chosen.get(camera.id), x, y + 0.5);
  },

  _sector(pen, { camera, x, y }, colour, strength) {
    const metresPerPixel = (EARTH_M * Math.cos((camera.latlng.lat * Math.PI) / 180)) / 256 / 2 ** this._map.getZoom();
    const radius = camera.range_m / metresPerPixel;
    if (radius < 6) return;
    const round = camera.bearing_deg === null || camera.bearing_deg === undefined || camera.fov_deg >= 360;
    const towards = ((camera.bearing_deg ?? 0) - 90) * (Math.PI / 180);
    const half = ((round ? 360 : camera.fov_deg) / 2) * (Math.PI / 180);
    pen.beginPath();
    if (!round) pen.moveTo(x, y);
    pen.arc(x, y, radius, towards - half, towards + half);
    pen.closePath();
    pen.globalAlpha = strength;
    pen.fillStyle = colour;
    pen.fill();
    pen.globalAlpha = Math.min(1, strength * 2.4);
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.stroke();
    pen.globalAlpha = 1;
  },

  _colours() {
    const style = getComputedStyle(this._canvas);
    const token = (name) => style.getPropertyValue(name).trim();
    const colours = { accent: token("--accent"), surface: token("--surface-0"), text: token("--text-1"), font: style.fontFamily };
    for (const name of ["off", "standby", "normal", "caution", "serious", "critical"]) colours[name] = token(`--status-${name}`);
    return colours;
  },
});
