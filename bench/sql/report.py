"""Rows of the result, their ratios and verdicts, and the table for a README."""
import dataclasses
import statistics


@dataclasses.dataclass
class Goal:
    """A bound of the ratio door / rival, or, with unit, of the door's own figure."""
    least: float | None = None
    most: float | None = None
    unit: str | None = None

    def __str__(self):
        sign, bound = ("≥", self.least) if self.least is not None else ("≤", self.most)
        return f"{sign} {figure(bound) if self.unit else bound} {self.unit or '×'}"

    def reached(self, value):
        return value >= self.least if self.least is not None else value <= self.most


@dataclasses.dataclass
class Row:
    part: str
    case: str
    unit: str
    door: list  # one figure a round
    rival: list  # as many, in the same rounds; empty where the rival cannot
    rival_name: str = "PgBouncer"
    goal: Goal | None = None
    note: str = ""
    judged: bool = True
    rounds: dict = dataclasses.field(default_factory=dict)  # everything measured, for JSON

    def ratios(self):
        return [door / rival for door, rival in zip(self.door, self.rival)]

    def verdict(self):
        if self.goal is None or not self.judged:
            return ""
        if self.goal.unit is None and not self.rival:
            return "no rival"
        value = statistics.median(self.door if self.goal.unit else self.ratios())
        return "reached" if self.goal.reached(value) else "**missed**"

    def as_json(self):
        return dict(dataclasses.asdict(self), goal=str(self.goal) if self.goal else None, ratios=self.ratios(),
                    verdict=self.verdict().strip("*"))


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(row):
    ratios = row.ratios()
    if not ratios:
        return "–"
    middle = f"{statistics.median(ratios):.2f} ×"
    return middle if len(ratios) == 1 else f"{middle} ({min(ratios):.2f}–{max(ratios):.2f})"


def beside(results, rival, *keys):
    """Such as tps 1.05 ×, p99 0.88 ×: further ratios of one measurement, door / rival, as medians."""
    names = {"tps": "tps", "p99_us": "p99", "p50_us": "p50"}
    parts = []
    for key in keys:
        if not results.get(rival):
            middle = statistics.median(one[key] for one in results["door"])
            parts.append(f"{names[key]} {middle:,.0f}{' µs' if key.endswith('_us') else ''}")
        else:
            ratios = [a[key] / b[key] for a, b in zip(results["door"], results[rival]) if key in a and key in b and b[key]]
            if ratios:
                parts.append(f"{names[key]} {statistics.median(ratios):.2f} ×")
    return ", ".join(parts)


def line(row):
    """A row as one line of text, for the terminal while the run goes on."""
    rival = f" / {figure(statistics.median(row.rival))}" if row.rival else ""
    judged = f"; goal {row.goal}: {row.verdict().strip('*') or 'not judged'}" if row.goal else ""
    return (f"{row.part}: {row.case}: {figure(statistics.median(row.door))}{rival} {row.unit}, {_ratio(row)}{judged}"
            f"{'; ' + row.note if row.note else ''}")


def markdown(rows):
    lines = ["| | door | rival | door / rival (least–most) | goal | verdict | beside it |",
             "| --- | ---: | ---: | ---: | ---: | --- | --- |"]
    part = None
    for row in rows:
        if row.part != part:
            part = row.part
            lines.append(f"| **{part}** | | | | | | |")
        rival = f"{figure(statistics.median(row.rival))}" if row.rival else "–"
        rival += "" if row.rival_name == "PgBouncer" or not row.rival else f" ({row.rival_name})"
        lines.append(f"| {row.case}, {row.unit} | {figure(statistics.median(row.door))} | {rival} | {_ratio(row)} | "
                     f"{row.goal or ''} | {row.verdict()} | {row.note} |")
    return "\n".join(lines)
