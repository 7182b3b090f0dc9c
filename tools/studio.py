"""Cameras that look at the pages of a portal, each in one size and language, and what is in front of them."""

from __future__ import annotations

import base64
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, FloatRect, Page

from portal.sandbox.program import RunningSandbox
from tests.browser.household import CALM
from tests.browser.phone import Phone
from tests.browser.visitor import DESKTOP, PHONE, Scheme, Visitor
from tests.support.live import Installation, installation
from tests.support.person import Form, Person

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
TALLEST = 1700
LONG_LISTS = {"vendors": 1000, "support-timeline": 1150, "support-record": 1150}


class View(NamedTuple):
    """How large a window is, and in which language its pages are."""

    size: str
    pixels: tuple[int, int]
    language: str


ON_A_PHONE, AT_A_DESK = View("phone", PHONE, "sv"), View("desktop", DESKTOP, "en")
VIEWS = (ON_A_PHONE, View("phone", PHONE, "de"), View("phone", PHONE, "hu"), AT_A_DESK)

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
    """A visitor who looks at pages in one size and language."""

    visitor: Visitor
    view: View
    darkroom: Page

    @property
    def language(self) -> str:
        return self.view.language

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
        (PICTURES / f"{name}-{self.view.size}-{self.language}{dark}.png").write_bytes(small)


@dataclass(frozen=True)
class Studio:
    """All cameras, and the customer in front of them, who acts without a browser because that is quicker.

    `visitor` makes somebody else with a browser of their own.
    """

    live: Installation
    visitor: Callable[..., Visitor]
    darkroom: Page
    cameras: tuple[Camera, ...]
    anna: Person

    def beside(self, view: View, visitor: Visitor | None = None) -> Camera:
        """One more camera, for somebody who is not Anna."""
        return Camera(visitor or self.visitor(view), view, self.darkroom)

    def phone(self, view: View) -> Phone:
        """A telephone, or a tablet, with the retailer's app."""
        return Phone(partial(self.visitor, view), self.live)

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


@contextmanager
def open_studio(browser: Browser) -> Iterator[Studio]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sandbox = stack.enter_context(RunningSandbox())
        live = stack.enter_context(installation(sandbox, f"sqlite:///{folder}/portal.sqlite", CALM))
        darkroom = browser.new_page()

        def visitor(view: View, **more: Any) -> Visitor:
            touch = view.size == "phone"
            one = Visitor(
                browser, live, language=view.language, size=view.pixels, is_mobile=touch, has_touch=touch, **more
            )
            made = stack.enter_context(one)
            made.foreseen.add(404)
            return made

        cameras = tuple(Camera(visitor(view), view, darkroom) for view in VIEWS)
        yield Studio(live, visitor, darkroom, cameras, stack.enter_context(Person(live.url)))


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
