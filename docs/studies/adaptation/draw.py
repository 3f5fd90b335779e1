"""Charts of the study as SVG: axes, dots, lines, intervals, and the map of delay and Doppler. No library needed."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 470, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 455, 46, 278
INK, GRID, FAINT = "#222222", "#e4e4e4", "#666666"
DOT, LINE, MARK = "#9aa7b3", "#1f6fb4", "#b3432b"
FONT = "font-family='Helvetica, Arial, sans-serif'"


def ticks(low, high, count=5):
    rough = max(high - low, 1e-9) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [tick * step for tick in range(first, max(last, first + 1) + 1)]


def text(x, y, words, anchor="start", size=11, colour=INK, turn=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{colour}' text-anchor='{anchor}' {turn}>{escape(words)}</text>"


class Chart:
    def __init__(self, title, x_name, y_name):
        self.title, self.x_name, self.y_name = title, x_name, y_name
        self.series, self.levels, self.low = [], [], None

    def dots(self, points, name):
        self.series.append(("dots", points, name))

    def line(self, points, name):
        self.series.append(("line", points, name))

    def diamonds(self, points, name):
        self.series.append(("diamonds", points, name))

    def intervals(self, points, name):
        """Points (x, mean, half width)."""
        self.series.append(("intervals", points, name))

    def level(self, y):
        self.levels.append(y)

    def limit(self, low):
        self.low = low

    def svg(self):
        xs = [point[0] for _, points, _ in self.series for point in points] or [0, 1]
        ys = [point[1] + sign * (point[2] if len(point) > 2 else 0) for _, points, _ in self.series for point in points for sign in (-1, 1)] + self.levels or [0, 1]
        if self.low is not None:
            ys = [y for y in ys if y >= self.low] or ys
        x_ticks, y_ticks = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
        px = lambda x: LEFT + (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (RIGHT - LEFT)
        py = lambda y: BOTTOM - (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (BOTTOM - TOP)
        out = [text(LEFT, 20, self.title, size=13)]
        for x in x_ticks:
            out.append(f"<line x1='{px(x):.1f}' x2='{px(x):.1f}' y1='{TOP}' y2='{BOTTOM}' stroke='{GRID}'/>" + text(px(x), BOTTOM + 15, f"{x:g}", "middle", colour=FAINT))
        for y in y_ticks:
            out.append(f"<line x1='{LEFT}' x2='{RIGHT}' y1='{py(y):.1f}' y2='{py(y):.1f}' stroke='{GRID}'/>" + text(LEFT - 6, py(y) + 4, f"{y:g}", "end", colour=FAINT))
        for y in self.levels:
            out.append(f"<line x1='{LEFT}' x2='{RIGHT}' y1='{py(y):.1f}' y2='{py(y):.1f}' stroke='{INK}'/>")
        legend = LEFT
        for kind, points, name in self.series:
            points = [point for point in points if self.low is None or point[1] >= self.low]
            if kind == "dots":
                out += [f"<circle cx='{px(x):.1f}' cy='{py(y):.1f}' r='2' fill='{DOT}'/>" for x, y in points]
                key = f"<circle cx='{legend + 5}' cy='{TOP - 12}' r='3' fill='{DOT}'/>"
            elif kind == "line":
                out.append("<polyline fill='none' stroke-width='2' stroke='" + LINE + "' points='" + " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points) + "'/>")
                key = f"<line x1='{legend}' x2='{legend + 12}' y1='{TOP - 12}' y2='{TOP - 12}' stroke='{LINE}' stroke-width='2'/>"
            elif kind == "diamonds":
                out += [f"<path d='M{px(x):.1f},{py(y) - 5:.1f} l5,5 l-5,5 l-5,-5 z' fill='{MARK}'/>" for x, y in points]
                key = f"<path d='M{legend + 5},{TOP - 17} l5,5 l-5,5 l-5,-5 z' fill='{MARK}'/>"
            else:
                for x, mean, half in points:
                    out.append(f"<line x1='{px(x):.1f}' x2='{px(x):.1f}' y1='{py(mean - half):.1f}' y2='{py(mean + half):.1f}' stroke='{MARK}' stroke-width='1.5'/>"
                               f"<circle cx='{px(x):.1f}' cy='{py(mean):.1f}' r='3.5' fill='{MARK}'/>")
                out.append("<polyline fill='none' stroke-width='1' stroke='" + MARK + "' points='" + " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y, _ in points) + "'/>")
                key = f"<circle cx='{legend + 5}' cy='{TOP - 12}' r='3.5' fill='{MARK}'/>"
            out.append(key + text(legend + 17, TOP - 8, name, colour=FAINT))
            legend += 28 + 6.0 * len(name)
        out.append(text((LEFT + RIGHT) / 2, BOTTOM + 34, self.x_name, "middle", colour=FAINT))
        out.append(text(14, (TOP + BOTTOM) / 2, self.y_name, "middle", colour=FAINT, turn=f"transform='rotate(-90 14 {(TOP + BOTTOM) / 2})'"))
        return "".join(out)


class heat_map:
    """Gain over Doppler and delay from points (f_D tau x delay, mean, half width), linear between them; grey beyond the last one."""

    DOPPLERS = [0.01, 0.02, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]
    DELAYS = [0, 1, 2, 3, 4, 5]

    def __init__(self, title, x_name, y_name, points, unit):
        self.title, self.x_name, self.y_name, self.points, self.unit = title, x_name, y_name, sorted(points), unit

    def at(self, product):
        for (x0, m0, h0), (x1, m1, h1) in zip(self.points, self.points[1:]):
            if x0 <= product <= x1:
                share = (product - x0) / (x1 - x0)
                return (1 - share) * m0 + share * m1, (1 - share) * h0 + share * h1
        return None

    def svg(self):
        out = [text(LEFT, 20, self.title, size=13), text(LEFT, 36, f"{self.unit} above the hull of fixed settings", colour=FAINT)]
        wide, high = (RIGHT - LEFT) / len(self.DOPPLERS), (BOTTOM - TOP) / len(self.DELAYS)
        largest = max([abs(mean) for _, mean, _ in self.points] or [1])
        for column, doppler in enumerate(self.DOPPLERS):
            out.append(text(LEFT + (column + 0.5) * wide, BOTTOM + 15, f"{doppler:g}", "middle", 10, FAINT))
            for row, delay in enumerate(self.DELAYS):
                x, y = LEFT + column * wide, BOTTOM - (row + 1) * high
                found = self.at(doppler * delay)
                if found is None:
                    fill, words = "#dddddd", ""
                else:
                    mean, half = found
                    strength = min(1, abs(mean) / largest) * (0.35 if abs(mean) <= half else 1)
                    base = (31, 111, 180) if mean > 0 else (179, 67, 43)
                    fill = "#%02x%02x%02x" % tuple(round(255 + strength * 0.85 * (part - 255)) for part in base)
                    words = f"{mean:+.1f}"
                out.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{wide:.1f}' height='{high:.1f}' fill='{fill}' stroke='white'/>" + text(x + wide / 2, y + high / 2 + 4, words, "middle", 10))
        for row, delay in enumerate(self.DELAYS):
            out.append(text(LEFT - 8, BOTTOM - (row + 0.5) * high + 4, f"{delay}", "end", 11, FAINT))
        out.append(text((LEFT + RIGHT) / 2, BOTTOM + 34, self.x_name, "middle", colour=FAINT))
        out.append(text(14, (TOP + BOTTOM) / 2, self.y_name, "middle", colour=FAINT, turn=f"transform='rotate(-90 14 {(TOP + BOTTOM) / 2})'"))
        return "".join(out)


def page(path, charts, columns):
    rows = (len(charts) + columns - 1) // columns
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {columns * WIDTH} {rows * HEIGHT}' width='{columns * WIDTH}' height='{rows * HEIGHT}' {FONT}>",
             "<rect width='100%' height='100%' fill='white'/>"]
    for number, chart in enumerate(charts):
        parts.append(f"<g transform='translate({number % columns * WIDTH} {number // columns * HEIGHT})'>{chart.svg()}</g>")
    path.write_text("".join(parts) + "</svg>\n")
