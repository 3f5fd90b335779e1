"""Curves of many schemes in one chart, as SVG: each scheme has one colour and one mark throughout the study."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from adaptation.draw import BOTTOM, FAINT, GRID, HEIGHT, INK, LEFT, RIGHT, TOP, WIDTH, page, text, ticks  # noqa: E402, F401

STYLES = {  # colour, dashes, mark
    "semantic": ("#1f6fb4", "", "circle"),
    "semantic, digital": ("#1f6fb4", "5,3", "square"),
    "JPEG": ("#b3432b", "", "circle"),
    "WebP": ("#d98a1f", "", "square"),
    "HEIC": ("#3c8d40", "", "circle"),
    "HEIC at capacity": ("#3c8d40", "2,3", "none"),
    "label": ("#666666", "6,2,1,2", "none"),
    "early exit": ("#8a4fbf", "6,2,1,2", "circle"),
    "JPEG designed for 10 dB": ("#b3432b", "5,3", "square"),
}


class Curves:
    def __init__(self, title, x_name, y_name, low=None):
        self.title, self.x_name, self.y_name, self.low = title, x_name, y_name, low
        self.series = []

    def add(self, name, points):
        """Points (x, y, half width of the interval or 0)."""
        self.series.append((name, [point for point in points if point[1] is not None]))

    def svg(self):
        points = [point for _, series in self.series for point in series]
        x_ticks = ticks(min(p[0] for p in points), max(p[0] for p in points))
        y_ticks = ticks(min(p[1] for p in points) if self.low is None else self.low, max(p[1] for p in points))
        px = lambda x: LEFT + (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (RIGHT - LEFT)
        py = lambda y: BOTTOM - (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (BOTTOM - TOP)
        out = [text(LEFT, 20, self.title, size=13)]
        for x in x_ticks:
            out.append(f"<line x1='{px(x):.1f}' x2='{px(x):.1f}' y1='{TOP}' y2='{BOTTOM}' stroke='{GRID}'/>" + text(px(x), BOTTOM + 15, f"{x:g}", "middle", colour=FAINT))
        for y in y_ticks:
            out.append(f"<line x1='{LEFT}' x2='{RIGHT}' y1='{py(y):.1f}' y2='{py(y):.1f}' stroke='{GRID}'/>" + text(LEFT - 6, py(y) + 4, f"{y:g}", "end", colour=FAINT))
        for number, (name, series) in enumerate(self.series):
            colour, dashes, mark = STYLES[name]
            dash = f" stroke-dasharray='{dashes}'" if dashes else ""
            out.append(f"<polyline fill='none' stroke='{colour}' stroke-width='1.8'{dash} points='" + " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y, _ in series) + "'/>")
            for x, y, half in series:
                if half > 0:
                    out.append(f"<line x1='{px(x):.1f}' x2='{px(x):.1f}' y1='{py(y - half):.1f}' y2='{py(y + half):.1f}' stroke='{colour}'/>")
                if mark == "circle":
                    out.append(f"<circle cx='{px(x):.1f}' cy='{py(y):.1f}' r='2.6' fill='{colour}'/>")
                elif mark == "square":
                    out.append(f"<rect x='{px(x) - 2.4:.1f}' y='{py(y) - 2.4:.1f}' width='4.8' height='4.8' fill='{colour}'/>")
            x, y = LEFT + number % 4 * 98, TOP - 18 + number // 4 * 12
            out.append(f"<line x1='{x}' x2='{x + 14}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='2'{dash}/>" + text(x + 18, y + 4, name, size=9, colour=FAINT))
        out.append(text((LEFT + RIGHT) / 2, BOTTOM + 34, self.x_name, "middle", colour=FAINT))
        out.append(text(14, (TOP + BOTTOM) / 2, self.y_name, "middle", colour=FAINT, turn=f"transform='rotate(-90 14 {(TOP + BOTTOM) / 2})'"))
        return "".join(out)
