"""Take the pictures of the documentation: every page of a walk through a portal with the sandbox beside it."""

from __future__ import annotations

import base64
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Page

from portal.sandbox.program import RunningSandbox
from tests.browser.household import CALM
from tests.browser.visitor import DESKTOP, PHONE, Scheme, Visitor
from tests.support.live import Installation, installation
from tests.support.person import Form, Person
from tools.browser import open_browser

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
LARGEST = 60_000
LARGEST_TOGETHER = 3_000_000
TALLEST = 1700
LONG_LISTS = {"vendors": 1000}

CAMERAS: tuple[tuple[str, tuple[int, int], str], ...] = (
    ("phone", PHONE, "sv"),
    ("phone", PHONE, "de"),
    ("phone", PHONE, "hu"),
    ("desktop", DESKTOP, "en"),
)
REDUCE_COLOURS = """async picture => {
  const bytes = Uint8Array.from(atob(picture), character => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  const {width, height} = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map(([colour]) => colour);
  const parts = colour => [colour & 255, colour >> 8 & 255, colour >> 16 & 255];
  const chosen = palette.map(parts);
  const nearest = colour => {
    const wanted = parts(colour);
    const far = chosen.map(known => known.reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0));
    return far.indexOf(Math.min(...far));
  };
  const places = new Map([...counts.keys()].map(colour => [colour, nearest(colour)]));
  let indices = "";
  for (const pixel of pixels) indices += String.fromCharCode(places.get(pixel));
  return {width, height, palette: chosen.flat(), indices: btoa(indices)};
}"""
"""The 256 commonest colours of a picture and, for each pixel, which of them is nearest."""

IN_THE_DARK = {"devices-needs", "before-leaving", "connect-types", "attempt-linked"}
DARK_LANGUAGE = "sv"


@dataclass(frozen=True)
class Camera:
    """A visitor who looks at every page in one size, language and scheme."""

    visitor: Visitor
    size: str
    language: str
    darkroom: Page

    def shoot(self, name: str, scheme: Scheme = "light") -> None:
        page = self.visitor.page
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate("document.activeElement.blur()")
        view = page.viewport_size or {"width": 0, "height": 0}
        height = page.evaluate("document.documentElement.scrollHeight")
        clip: FloatRect = {"x": 0, "y": 0, "width": view["width"], "height": min(height, LONG_LISTS.get(name, TALLEST))}
        picture = page.screenshot(full_page=True, clip=clip)
        dark = "-dark" if scheme == "dark" else ""
        small = with_few_colours(self.darkroom, picture)
        (PICTURES / f"{name}-{self.size}-{self.language}{dark}.png").write_bytes(small)


@dataclass(frozen=True)
class Studio:
    """All cameras, and the customer in front of them, who acts without a browser because that is quicker."""

    live: Installation
    cameras: tuple[Camera, ...]
    anna: Person

    def take(self, pictures: dict[str, str]) -> None:
        """Every picture in every size and language, some in the dark as well."""
        for name, path in pictures.items():
            for camera in self.cameras:
                camera.visitor.open(path)
                camera.shoot(name)
                if name in IN_THE_DARK and camera.language == DARK_LANGUAGE:
                    camera.shoot(name, "dark")

    def sign_in(self) -> None:
        self.anna.sign_in("anna")
        for camera in self.cameras:
            camera.visitor.sign_in("anna")
            camera.visitor.speak(camera.language)

    def break_the_heat_pump(self) -> None:
        pump = next(device for device in self.live.sandbox.state.devices if device.provider == "podero")
        broken = f"{self.live.sandbox.url}/control/devices/podero/{pump.id}/break"
        self.anna.post(broken, json={}, timeout=10).raise_for_status()

    def reconnect_with_another_account(self) -> str:
        pump = next(device for device in self.live.devices() if device.provider_key == "podero")
        token = self.anna.look("/devices").forms()[0].fields["csrf_token"]
        form = Form(f"{self.live.url}/devices/{pump.id}/reauthenticate", "post", {"csrf_token": token})
        return self.anna.sign_in_at_vendor(self.anna.submit(form), "second@nibe.se").path


def signed_out(studio: Studio) -> None:
    studio.take({"welcome": "/", "sign-in-failed": "/sign-in/failed", "error-404": "/nowhere"})


def choosing(studio: Studio) -> None:
    studio.take(
        {
            "devices-empty": "/devices",
            "connect-types": "/connect",
            "vendors": "/connect/heat-pump",
            "vendors-search": "/connect/heat-pump?q=mitsu",
            "not-listed": "/connect/heat-pump/not-listed",
            "before-leaving": "/connect/heat-pump/nibe",
        }
    )


def coming_back(studio: Studio) -> None:
    anna = studio.anna
    linked = anna.link("heat-pump", "nibe", "demomyuplink@nibe.se", vendor_there="nibe").path
    there = anna.leave_for("vehicle", "tesla")
    cancelled = anna.submit(Form(there.url, "post"), action="cancel").path
    anna.link("inverter", "sma", "anna@example.com")
    charger = anna.link("charger", "easee", "anna@example.com").path
    anna.sees(charger, lambda page: 'data-state="linked"' in page.html)
    studio.take({"devices": "/devices", "attempt-linked": linked, "attempt-cancelled": cancelled})


def lapsing(studio: Studio) -> None:
    studio.break_the_heat_pump()
    other = studio.reconnect_with_another_account()
    lapsed = next(device for device in studio.live.devices() if device.needs_customer)
    studio.take({"devices-needs": "/devices", "attempt-other-account": other, "remove": f"/devices/{lapsed.id}/remove"})


def with_few_colours(darkroom: Page, picture: bytes) -> bytes:
    """The same picture as a PNG with a palette, which is a third of the size."""
    found = darkroom.evaluate(REDUCE_COLOURS, base64.b64encode(picture).decode())
    width, height, pixels = found["width"], found["height"], base64.b64decode(found["indices"])
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(found["palette"])),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def waiting(studio: Studio) -> None:
    studio.live.sandbox.state.set_faults("nox", {"lag": 3600})
    there = studio.anna.leave_for("heat-pump", "daikin")
    studio.take({"attempt-waiting": studio.anna.sign_in_at_vendor(there, "anna@example.com").path})


@contextmanager
def open_studio(browser: Browser) -> Iterator[Studio]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sandbox = stack.enter_context(RunningSandbox())
        live = stack.enter_context(installation(sandbox, f"sqlite:///{folder}/portal.sqlite", CALM))
        darkroom = browser.new_page()
        cameras = []
        for size, pixels, language in CAMERAS:
            is_phone = size == "phone"
            visitor = Visitor(browser, live, language=language, size=pixels, is_mobile=is_phone, has_touch=is_phone)
            stack.enter_context(visitor).foreseen.add(404)
            cameras.append(Camera(visitor, size, language, darkroom))
        yield Studio(live, tuple(cameras), stack.enter_context(Person(live.url)))


def main() -> int:
    """Take every picture anew; the answer is 1 when they have become too large."""
    started = time.monotonic()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with open_browser() as browser, open_studio(browser) as studio:
        signed_out(studio)
        studio.sign_in()
        for scene in (choosing, coming_back, lapsing, waiting):
            scene(studio)
    sizes = {path.name: path.stat().st_size for path in sorted(PICTURES.glob("*.png"))}
    print(f"screenshots: {len(sizes)}, {sum(sizes.values()) // 1000} kB, {time.monotonic() - started:.0f} s")
    too_large = [name for name, size in sizes.items() if size > LARGEST]
    if too_large or sum(sizes.values()) > LARGEST_TOGETHER:
        print("screenshots: too large: " + (", ".join(too_large) or "all together"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
