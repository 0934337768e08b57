"""Handing a log or a map on: XES (IEEE 1849-2016) and BPMN 2.0 (ISO/IEC 19510:2013)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import quoteattr

from gongzhi.improvement.drawing import END, HEIGHT, START, WIDTH, layout, shown_steps
from gongzhi.improvement.event_log import EventLog
from gongzhi.improvement.process_map import ProcessMap

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def xes(log: EventLog) -> Iterator[str]:
    """The log as the lines of an XES file; cases are numbered, their names stay where they were."""
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">'
    for name, prefix in (("Concept", "concept"), ("Time", "time"), ("Organizational", "org")):
        yield f'<extension name="{name}" prefix="{prefix}" uri="http://www.xes-standard.org/{prefix}.xesext"/>'
    before = -1
    for row in range(len(log.case)):
        case = int(log.case[row])
        if case != before:
            if before >= 0:
                yield "</trace>"
            yield f'<trace><string key="concept:name" value="{case + 1}"/>'
            before = case
        moment = EPOCH + timedelta(microseconds=int(log.moment[row]))
        who = ""
        if log.resource is not None and log.resource.of_row[row] >= 0:
            name = log.resource.names[log.resource.of_row[row]]
            who = f'<string key="org:resource" value={quoteattr(name)}/>'
        activity = quoteattr(log.activity.names[log.activity.of_row[row]])
        yield (
            f'<event><string key="concept:name" value={activity}/>'
            f'<date key="time:timestamp" value="{moment.isoformat()}"/>{who}</event>'
        )
    yield "</trace></log>"


def bpmn(found: ProcessMap, detail: float = 0.9) -> str:
    """The drawn part of a map as a BPMN process with its diagram.

    Activities become tasks; where several ways lead in or out stands an exclusive gateway, since a
    directly-follows graph tells alternatives from each other but knows nothing of parallel work.
    """
    drawn = layout(shown_steps(found, detail))
    names = list(drawn.places)
    identity = {name: f"n{i}" for i, name in enumerate(names)}
    outs = {n: [s for s in drawn.steps if s.origin == n] for n in names}
    ins = {n: [s for s in drawn.steps if s.to == n] for n in names}
    nodes: list[str] = []
    flows: list[str] = []
    shapes: list[str] = []
    lines: list[str] = []

    def flow(origin: str, to: str, label: str, points: list[tuple[float, float]]) -> None:
        key = f"f{len(flows)}"
        flows.append(f'<sequenceFlow id="{key}" sourceRef="{origin}" targetRef="{to}"{label}/>')
        way = "".join(f'<di:waypoint x="{x:.0f}" y="{y:.0f}"/>' for x, y in points)
        lines.append(f'<bpmndi:BPMNEdge id="e_{key}" bpmnElement="{key}">{way}</bpmndi:BPMNEdge>')

    def shape(key: str, x: float, y: float, wide: float, high: float) -> None:
        shapes.append(
            f'<bpmndi:BPMNShape id="s_{key}" bpmnElement="{key}"><dc:Bounds x="{x - wide / 2:.0f}" '
            f'y="{y - high / 2:.0f}" width="{wide:.0f}" height="{high:.0f}"/></bpmndi:BPMNShape>'
        )

    exits, entries = {}, {}
    for name in names:
        key, (x, y) = identity[name], drawn.places[name]
        kind = "startEvent" if name == START else "endEvent" if name == END else "task"
        title = "" if name in (START, END) else f" name={quoteattr(name)}"
        nodes.append(f'<{kind} id="{key}"{title}/>')
        shape(key, x, y, *((36, 36) if kind != "task" else (WIDTH, HEIGHT)))
        exits[name], entries[name] = (key, x, y + HEIGHT / 2), (key, x, y - HEIGHT / 2)
        if len(outs[name]) > 1:
            nodes.append(f'<exclusiveGateway id="{key}_out" gatewayDirection="Diverging"/>')
            shape(f"{key}_out", x, y + HEIGHT / 2 + 18, 24, 24)
            flow(key, f"{key}_out", "", [(x, y + HEIGHT / 2), (x, y + HEIGHT / 2 + 6)])
            exits[name] = (f"{key}_out", x, y + HEIGHT / 2 + 30)
        if len(ins[name]) > 1:
            nodes.append(f'<exclusiveGateway id="{key}_in" gatewayDirection="Converging"/>')
            shape(f"{key}_in", x, y - HEIGHT / 2 - 18, 24, 24)
            flow(f"{key}_in", key, "", [(x, y - HEIGHT / 2 - 6), (x, y - HEIGHT / 2)])
            entries[name] = (f"{key}_in", x, y - HEIGHT / 2 - 30)
    for step in drawn.steps:
        origin, ox, oy = exits[step.origin]
        to, tx, ty = entries[step.to]
        flow(origin, to, f' name="{step.count}"', [(ox, oy), (tx, ty)])
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
            'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
            'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
            'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" id="gongzhi" '
            'targetNamespace="urn:gongzhi:process-map">',
            '<process id="process" isExecutable="false">',
            *nodes,
            *flows,
            '</process><bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="process">',
            *shapes,
            *lines,
            "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>",
        ]
    )
