"""Contrast, measured from the one file of tokens: WCAG 2.1 AA in both themes."""

import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text()
STATUSES = ["off", "standby", "normal", "caution", "serious", "critical"]
SURFACES = ["surface-0", "surface-1", "surface-2"]
TEXT, DRAWING = 4.5, 3.0


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


LIGHT = colours(TOKENS[: TOKENS.index('[data-theme="dark"]')])
DARK = LIGHT | colours(TOKENS[TOKENS.index('[data-theme="dark"]') :])


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
class TestContrast:
    @pytest.mark.parametrize("text", ["text-1", "text-2", "text-3"])
    def test_of_text(self, theme, text):
        for surface in SURFACES:
            assert contrast(theme[text], theme[surface]) >= TEXT, surface

    def test_of_the_text_on_a_chosen_row(self, theme):
        for text in ("text-1", "text-2"):
            assert contrast(theme[text], theme["surface-3"]) >= TEXT

    @pytest.mark.parametrize("status", STATUSES)
    def test_of_statuses(self, theme, status):
        for surface in (*SURFACES, "surface-3", "map-city", "map-outside"):
            assert contrast(theme[f"status-{status}"], theme[surface]) >= DRAWING, surface

    def test_of_the_waiting_call(self, theme):
        for surface in ("surface-1", "surface-2", "surface-3", "status-critical-wash"):
            assert contrast(theme["status-critical"], theme[surface]) >= TEXT, surface

    def test_of_the_main_button(self, theme):
        assert contrast(theme["on-accent"], theme["accent"]) >= TEXT

    def test_of_borders_and_focus(self, theme):
        for surface in SURFACES:
            assert contrast(theme["line-strong"], theme[surface]) >= DRAWING
            assert contrast(theme["focus"], theme[surface]) >= DRAWING


def test_normal_is_no_alarm():
    """A screen with nothing wrong shows no red, amber or green: its statuses are nearly grey."""
    for theme in (LIGHT, DARK):
        for status in ("off", "normal"):
            channels = [int(theme[f"status-{status}"][i : i + 2], 16) for i in (1, 3, 5)]
            assert max(channels) - min(channels) <= 48


def test_six_statuses_each_with_a_shape():
    shapes = (settings.BASE_DIR / "static" / "img" / "status.svg").read_text()
    assert re.findall(r'<symbol id="(\w+)"', shapes) == STATUSES
    assert len(set(re.findall(r' d="([^"]+)"', shapes))) == len(STATUSES)
