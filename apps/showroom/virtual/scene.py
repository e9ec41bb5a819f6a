"""What a virtual camera sees at a given time: street, light, traffic, captions, and the clock for machines.

The street is painted once per camera, the light put on when it changes, and each picture is a copy of that
plate with the moving sprites, all in yuv420p: a picture costs about a millisecond. Same seed, same view,
same time: same pixels.
"""

import math
import threading
from collections import OrderedDict
from datetime import UTC, datetime, tzinfo

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from . import clock, lettering, light, people, vehicles
from .lens import HEIGHT, REACH_U, REACH_V, WIDTH, View
from .movement import AMBER, CYCLE, RED
from .pen import OPEN, Pen
from .sprites import Sprite, planes
from .streets import street_of

__all__ = ["Scene", "View"]

FINENESS = 2.0  # kept pixels of the painting per unit of the 640 x 360 picture
RELIGHT_EVERY = 20.0
CACHED_BYTES = 48_000_000  # of vehicles, per camera at 640x360
SIZE_STEPS = 18  # sizes of a sprite per e-fold of distance
ROOM = 14  # how far beyond the view a vehicle is drawn, in units of the picture
PAINTING = threading.Lock()  # painting takes 100 MB for half a second: one street at a time


class Scene:
    def __init__(
        self,
        seed: int,
        size: tuple[int, int] = (WIDTH, HEIGHT),
        *,
        daylight: float | None = None,
        place: tuple[float, float] = (127.3845, 36.3504),
        zone: tzinfo = UTC,
        name: str = "",
    ):
        """`daylight` in hours holds the light of that time of day; otherwise it follows the sun at `place`."""
        self.seed, self.size, self.daylight, self.place, self.zone = seed, size, daylight, place, zone
        self.street = street_of(seed)
        self.name = name or f"CAM {seed:02d}  {self.street.title}"
        self.view = View()
        self.painting: Painting | None = None
        self.plate: Plate | None = None
        self.cars: OrderedDict[tuple, Sprite] = OrderedDict()
        self.cached = 0
        self.captions: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.lock = threading.Lock()

    def look(self, view: View) -> None:
        """Turn and zoom the camera."""
        with self.lock:
            self.view = view

    def frame(self, at: float, *, live: bool = True, over=None) -> np.ndarray:
        """The picture at unix time `at`: yuv420p as one array (height * 3 / 2, width).

        `over(luma, chroma)` does to the view what happens before the lens, and not to the captions.
        """
        with self.lock:
            return self._frame(at, live, over)

    def _frame(self, at: float, live: bool, over) -> np.ndarray:
        plate = self._plate(at)
        width, height = self.size
        picture = plate.lit.copy()
        luma = picture[:height]
        chroma = picture[height:].reshape(2, height // 2, width // 2)
        for _, draw in sorted(self._moving(at, plate), key=lambda one: -one[0]):
            draw(luma, chroma)
        self._signals(at, plate, luma, chroma)
        if over:
            over(luma, chroma)
        self._captions(at, live, luma, chroma)
        clock.draw(luma, round(at * 1000) if live else None)
        chroma[:, -(width // clock.CELLS // 2) :] = 128
        return picture

    def _plate(self, at: float) -> "Plate":
        """The lit background for the view and the light of now."""
        if self.plate is None or self.plate.view != self.view:
            if self.painting is None:
                with PAINTING:
                    self.painting = Painting(self.street)
            self.plate = Plate(self.painting, self.view, self.size)
            if self.view == View():
                self.painting = None  # 30 MB that a camera at rest does not need again
            self.cars.clear()
            self.cached = 0
        moment = math.floor(at / RELIGHT_EVERY)
        if self.plate.moment != moment:
            held = self.daylight is not None
            height = light.held_height(self.daylight) if held else light.sun_height(moment * RELIGHT_EVERY, self.place)
            self.plate.relight(light.light_at(round(height * 4) / 4), moment)
        return self.plate

    def _moving(self, at: float, plate: "Plate"):
        """(distance, draw) of all that moves and is in view."""
        lens = self.street.lens
        for number, lane in enumerate(self.street.lanes):
            for car in lane.cars(at):
                place = lane.point(car.along)
                distance = lens.distance(place)
                if distance > 4:
                    yield (
                        distance,
                        lambda y, c, n=number, way=lane, k=car, p=place: self._car(y, c, plate, n, way, k, p),
                    )
        for path in self.street.paths:
            walker = path.walker(at)
            if walker and lens.distance((walker.x, walker.y, 0)) > 3:
                distance = lens.distance((walker.x, walker.y, 0))
                yield distance, lambda y, c, w=walker, d=distance: self._walker(y, c, plate, w, d)

    def _car(self, luma, chroma, plate, number, lane, car, place) -> None:
        lens = self.street.lens
        distance = lens.distance(place)
        night = plate.light.lamps > 0.02
        # Drawn for places that lie the closer together the nearer the camera, and reused around each.
        spread = math.hypot(lane.aside, lens.height)
        bucket = round(math.asinh((car.along - lane.nearest) / spread) * SIZE_STEPS)
        key = number, car.look, bucket, night
        if key not in self.cars:
            typical = lane.nearest + spread * math.sinh(bucket / SIZE_STEPS)
            self.cars[key] = made = draw_car(plate, lens, car.look, lane.point(typical), lane.heading, night)
            self.cached += made.size
            while self.cached > CACHED_BYTES * plate.scale**2 and len(self.cars) > 1:
                self.cached -= self.cars.popitem(last=False)[1].size
        self.cars.move_to_end(key)
        self._lay(self.cars[key], luma, chroma, plate, place, distance - 1.5)

    def _walker(self, luma, chroma, plate, walker, distance: float) -> None:
        lens = self.street.lens
        pixels = walker.who.height * lens.focal / distance * plate.scale
        if pixels < 3:
            return
        bucket = math.exp(round(math.log(pixels) * SIZE_STEPS) / SIZE_STEPS)
        side = walker.dx * lens.cos_yaw - walker.dy * lens.sin_yaw
        ahead = walker.dx * lens.sin_yaw + walker.dy * lens.cos_yaw
        across = abs(side) > abs(ahead) * 0.8
        way = ("right" if side > 0 else "left") if across else ("far" if ahead > 0 else "near")
        sprite = people.sprite(walker.who, way, walker.step, round(bucket))
        self._lay(sprite, luma, chroma, plate, (walker.x, walker.y, 0.0), distance)

    def _lay(self, sprite: Sprite, luma, chroma, plate, place, distance: float) -> None:
        x, y = plate.pixel(self.street.lens.project(place))
        if not (-400 < x < plate.size[0] + 400 and -100 < y < plate.size[1] + 400):
            return
        sprite.lay(luma, chroma, (x, y), plate.gain_at(x, y), round(plate.light.lamps * 256), plate.veil(distance))

    def _signals(self, at: float, plate, luma, chroma) -> None:
        """The lamp that is lit: red, amber or green, from the left."""
        phase = at % CYCLE
        lamp, colour = (
            (0, (235, 44, 36))
            if phase < RED[1]
            else (1, (250, 184, 44))
            if phase > CYCLE - AMBER
            else (3, (52, 224, 130))
        )
        for x, y, z in self.street.signals:
            u, v = plate.pixel(self.street.lens.project((x + lamp * 0.4, y, z)))
            dot(luma, chroma, u, v, 0.17 * self.street.lens.pixels_per_metre((x, y, z)) * plate.scale, colour)

    def _captions(self, at: float, live: bool, luma, chroma) -> None:
        moment = datetime.fromtimestamp(math.floor(at), self.zone)
        unit = self.size[1] / 360
        clocks = moment.strftime("%Y-%m-%d %H:%M:%S") if live else "LOOP - NOT LIVE"
        right = self._caption(self.name)
        stamp(luma, chroma, self._caption(clocks), round(10 * unit), round(9 * unit))
        stamp(luma, chroma, right, self.size[0] - right.shape[1] - round(10 * unit), round(9 * unit))

    def _caption(self, text: str) -> np.ndarray:
        if text not in self.captions:
            if len(self.captions) > 8:
                self.captions.clear()
            self.captions[text] = caption(text, round(15 * self.size[1] / 360))
        return self.captions[text]


class Painting:
    """The street without light, a good deal wider than the home view."""

    def __init__(self, street):
        pen = Pen(street.lens, (-REACH_U, -REACH_V, REACH_U, REACH_V), FINENESS, full=True)
        street.signals.clear()
        street.paint(pen)
        self.lens = street.lens
        self.paint, self.glow = pen.kept(pen.paint), pen.kept(pen.glow)
        self.shade = pen.kept(pen.shade, 2.0)
        self.near = pen.near.resize(self.paint.size, Image.Resampling.NEAREST)
        self.pools = pen.pools.filter(ImageFilter.GaussianBlur(3)).resize(
            (self.paint.width // 2, self.paint.height // 2), Image.Resampling.BICUBIC
        )
        self.clouds = clouds(self.paint.size, street.sky)


class Plate:
    """What a view shows of the painting, and that with the light on it."""

    def __init__(self, painting: Painting, view: View, size: tuple[int, int]):
        self.view, self.size, self.moment = view, size, None
        self.window = view.window(painting.lens.focal)
        self.scale = size[0] / (self.window[2] - self.window[0])
        self.paint = self._cut(painting.paint)
        self.glow_image = self._image(painting.glow, Image.Resampling.BOX)
        self.shade = self._cut(painting.shade)[..., None]
        self.pools = self._cut(painting.pools, 0.5)
        self.clouds = self._cut(painting.clouds, 0.25)[..., None]
        self.near = np.asarray(self._image(painting.near, Image.Resampling.NEAREST))
        self.haze = self._haze(painting.lens)
        self.horizon = painting.lens.horizon

    def _image(self, layer: Image.Image, filter_, ratio: float = 1.0) -> Image.Image:
        left, top, right, bottom = self.window
        k = FINENESS * ratio
        box = ((left + REACH_U) * k, (top + REACH_V) * k, (right + REACH_U) * k, (bottom + REACH_V) * k)
        box = (max(0, box[0]), max(0, box[1]), min(layer.width, box[2]), min(layer.height, box[3]))
        return layer.resize(self.size, filter_, box=box)

    def _cut(self, layer: Image.Image, ratio: float = 1.0) -> np.ndarray:
        # Pillow premultiplies RGBA when it resizes; the painting already is.
        if layer.mode == "RGBA":
            return np.dstack([self._cut(channel, ratio) for channel in layer.split()])
        smooth = Image.Resampling.BOX if ratio == 1 else Image.Resampling.BICUBIC
        return np.asarray(self._image(layer, smooth, ratio))

    def _haze(self, lens) -> np.ndarray:
        """How much air lies before each pixel, 0 to 1."""
        rows = [lens.ground_distance(self.window[1] + (y + 0.5) / self.scale) for y in range(self.size[1])]
        ground = np.minimum(np.array(rows, np.float32), 600)[:, None]
        standing = 1.5 * 2 ** (self.near.astype(np.float32) / 40)
        distance = np.where(self.near == OPEN, ground, standing)
        return (0.62 * (1 - np.exp(-np.maximum(0, distance - 25) / 190)))[..., None].astype(np.float16)

    def relight(self, now: "light.Light", moment: int) -> None:
        """Sky, ambient light, sun, lamps and haze, then into yuv420p."""
        unchanged, self.light, self.moment = self.moment is not None and now == self.light, now, moment
        if unchanged:
            return
        rows = (np.arange(self.size[1]) + 0.5) / self.scale + self.window[1]
        rise = np.clip((self.horizon - rows) / 200, 0, 1)[:, None, None] ** 0.7
        zenith, horizon = np.array(now.zenith, np.float32), np.array(now.horizon, np.float32)
        cloud = np.array([255, 255, 255], np.float32) * (0.16 + 0.84 * min(1, sum(now.ambient) / 1.75))
        sky = horizon + (zenith - horizon) * rise
        sky = sky + (cloud - sky) * (self.clouds * np.float32(0.75 / 255))
        shine = np.array(now.ambient, np.float32) + np.array(now.sun, np.float32) * (
            1 - self.shade * np.float32(0.85 / 255)
        )
        shine = shine + self.pools * np.float32(1.9 / 255 * now.lamps)
        self.gain = np.clip(shine.mean(axis=2) * 256 + 26 * now.lamps, 90, 256).astype(np.int32)[::4, ::4]
        air = horizon * (0.55 if now.lamps > 0.9 else 1.0)
        alpha = self.paint[..., 3:] * np.float32(1 / 255)
        solid = self.paint[..., :3] * shine
        picture = solid + (air * alpha - solid) * self.haze.astype(np.float32) + sky * (1 - alpha)
        if now.lamps > 0.02:
            picture = picture + self._glowing(now.lamps)
        self.lit = to_yuv(255 * np.clip(picture / 255, 0, 1))

    def _glowing(self, lamps: float) -> np.ndarray:
        """Lit windows and lamps with the light around them."""
        unit = self.size[0] / 640
        halo = sum(
            np.asarray(self.glow_image.filter(ImageFilter.GaussianBlur(radius * unit)), np.float32) * share
            for radius, share in ((3, 0.22), (16, 0.42))
        )
        return (np.asarray(self.glow_image, np.float32) * 0.72 + halo) * lamps

    def pixel(self, point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] - self.window[0]) * self.scale, (point[1] - self.window[1]) * self.scale

    def gain_at(self, x: float, y: float) -> int:
        rows, columns = self.gain.shape
        return int(self.gain[min(rows - 1, max(0, int(y) // 4)), min(columns - 1, max(0, int(x) // 4))])

    def veil(self, distance: float):
        """A function that says which pixels of a region hide something at that distance."""
        mine = round(40 * math.log2(max(distance, 1.5) / 1.5))

        def hidden(rows: slice, columns: slice):
            near = self.near[rows, columns]
            return near < mine if near.min() < mine else None

        return hidden


def draw_car(plate: Plate, lens, look, place, heading: float, night: bool) -> Sprite:
    """A vehicle as seen at `place`, with its shadow and, by night, its lamps and their light on the road."""
    ahead = math.sin(math.radians(heading)), math.cos(math.radians(heading))
    grounds = vehicles.footprint(look, place, heading, grow=0.4)
    top = max(z for _, z in look.shape.body + look.shape.cabin) + 0.2
    around = [*grounds, *((x - 0.3, y, top) for x, y, _ in grounds)]
    beam = []
    if night:
        front = look.shape.length / 2
        beam = [
            [
                (
                    place[0] + ahead[0] * (front + a) + ahead[1] * b,
                    place[1] + ahead[1] * (front + a) - ahead[0] * b,
                    0.0,
                )
                for a, b in ((0.1, 0.6), (far, wide), (far + 0.6, 0), (far, -wide), (0.1, -0.6))
            ]
            for far, wide in ((4.8, 1.6), (3.4, 1.3), (2.0, 1.0))
        ]
        around += [point for point in beam[0] if lens.distance(point) > 1]
    spots = [lens.project(point) for point in around if lens.distance(point) > 0.7]
    us, vs = [u for u, _ in spots], [v for _, v in spots]
    # Only what can be in view, with room for the reuse of the sprite a little farther on.
    left, top, right, bottom = plate.window
    box = max(left - ROOM, min(us)), max(top - ROOM, min(vs)), min(right + ROOM, max(us)), min(bottom + ROOM, max(vs))
    box = (box[0], box[1], max(box[2], box[0] + 4), max(box[3], box[1] + 4))
    pen = Pen(lens, box, plate.scale)
    vehicles.draw(pen, look, place, heading, lit=night)
    paint = pen.kept(pen.paint)
    # Shadow and beams are soft: a quarter of the pixels each way is plenty.
    rough = min(1.0, 12 / (lens.pixels_per_metre(place) * plate.scale))
    soft = Pen(lens, box, plate.scale * rough)
    soft.face(vehicles.footprint(look, place, heading), (255, 255, 255))
    shadow = soft.kept(soft.paint.getchannel("A"), 1.2).resize(paint.size, Image.Resampling.BILINEAR)
    glow = None
    if night:
        for i, fan in enumerate(beam):
            tone = (26, 46, 70)[i]
            soft.face(fan, (0, 0, 0), (tone, tone, round(tone * 0.86)))
        lamp = pen.kept(pen.glow)
        halo = lamp.resize(soft_size(lamp.size, rough)).filter(ImageFilter.GaussianBlur(1.6))
        beams = soft.kept(soft.glow, 2.0).resize(paint.size, Image.Resampling.BILINEAR)
        uncovered = ImageChops.invert(paint.getchannel("A"))
        beams = ImageChops.multiply(beams, Image.merge("RGB", [uncovered] * 3))
        glow = ImageChops.add(ImageChops.add(lamp, beams), halo.resize(paint.size, Image.Resampling.BILINEAR))
    foot = lens.project(place)
    return Sprite.made(paint, shadow, glow, ((foot[0] - box[0]) * plate.scale, (foot[1] - box[1]) * plate.scale))


def soft_size(size: tuple[int, int], rough: float) -> tuple[int, int]:
    return max(1, round(size[0] * rough)), max(1, round(size[1] * rough))


def clouds(size: tuple[int, int], seed: float) -> Image.Image:
    """Soft fair-weather clouds, at a quarter of the size."""
    luck = np.random.default_rng(int(seed * 2**32))
    layer = np.zeros((size[1] // 4, size[0] // 4), np.float32)
    for cells, weight in ((6, 0.5), (13, 0.3), (30, 0.2)):
        noise = Image.fromarray((luck.random((cells, cells * 2)) * 255).astype(np.uint8))
        layer += (
            np.asarray(noise.resize((layer.shape[1], layer.shape[0]), Image.Resampling.BICUBIC), np.float32) * weight
        )
    soft = np.clip((layer - 128) * 3.2, 0, 255).astype(np.uint8)
    return Image.fromarray(soft).filter(ImageFilter.GaussianBlur(2))


def to_yuv(rgb: np.ndarray) -> np.ndarray:
    luma, chroma = planes(rgb)
    high, wide = luma.shape
    picture = np.empty((high * 3 // 2, wide), np.uint8)
    picture[:high] = np.rint(luma + 16)
    picture[high:] = np.rint(chroma + 128).reshape(high // 2, wide)
    return picture


def caption(text: str, size: int) -> np.ndarray:
    """Letters (255) on a soft dark ground (below 128 darkens), both in one plane of even size."""
    letters = np.asarray(lettering.caption(text, size), np.float32)
    rim = Image.fromarray(letters.astype(np.uint8)).filter(ImageFilter.GaussianBlur(size / 9))
    dark = np.clip(np.asarray(rim, np.float32) * 1.6, 0, 190)
    stack = np.dstack([letters, dark])
    return stack[: stack.shape[0] // 2 * 2, : stack.shape[1] // 2 * 2]


def stamp(luma, chroma, text: np.ndarray, x: int, y: int) -> None:
    x, y = x // 2 * 2, y // 2 * 2
    high, wide = text.shape[:2]
    region = luma[y : y + high, x : x + wide]
    letters, dark = text[..., 0] / 255, text[..., 1] / 255
    shaded = region * (1 - dark) + 16 * dark
    region[:] = shaded * (1 - letters) + 232 * letters
    tint = chroma[:, y // 2 : (y + high) // 2, x // 2 : (x + wide) // 2]
    cover = np.maximum(letters, dark)[::2, ::2]
    tint[:] = 128 + (tint.astype(np.float32) - 128) * (1 - cover)


def dot(luma, chroma, x: float, y: float, radius: float, colour) -> None:
    """A small round lamp."""
    r = math.ceil(radius) + 1
    x0, y0 = round(x) - r & ~1, round(y) - r & ~1
    x1, y1 = x0 + 2 * r, y0 + 2 * r
    if x0 < 0 or y0 < 0 or x1 > luma.shape[1] or y1 > luma.shape[0]:
        return
    ys, xs = np.mgrid[y0:y1, x0:x1]
    cover = np.clip(radius - np.hypot(xs - x, ys - y) + 0.5, 0, 1)
    bright, tint = planes(np.broadcast_to(np.array(colour, np.float32), (2, 2, 3)))
    region = luma[y0:y1, x0:x1]
    region[:] = region + (bright[0, 0] + 16 - region) * cover
    half = chroma[:, y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    half[:] = half + (tint[:, :1, :1] + 128 - half) * cover[::2, ::2]
