"""A lean HTTP load: N keep-alive clients that each send as fast as they are answered.

Run as ``python -m benchmarks.load PORT PATH CLIENTS SECONDS``; prints one JSON line. Raw sockets
keep the cost of the client itself low, because it shares the processors with the server.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time

_THINGS = ("路灯坏了", "井盖松动", "垃圾没人清运", "下水道堵塞", "路面有大坑", "噪音扰民", "树枝挡住信号灯")
_WHERE = ("小区门口", "学校旁边", "公交站后面", "菜市场入口", "河边步道", "十字路口")
_SINCE = ("好几天了", "一个星期了", "从昨天晚上开始", "反映过一次没人来", "晚上很危险", "请尽快处理")


def body(chance: random.Random) -> bytes:
    """A report of 15 to 30 characters somewhere in the demo city."""
    text = f"{chance.choice(_WHERE)}{chance.choice(_THINGS)}，{chance.choice(_SINCE)}{chance.randrange(1000)}"
    return json.dumps(
        {
            "text": text,
            "lng": round(111.30 + chance.random() * 0.1, 6),
            "lat": round(30.49 + chance.random() * 0.06, 6),
        }
    ).encode()


def client(port: int, path: str, until: float, seed: int, times: list[float], bad: list[int]) -> None:
    """Send until the time is over; seconds of each answer into `times`, other answers than 201 into `bad`."""
    chance = random.Random(seed)
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
    while time.perf_counter() < until:
        data = body(chance)
        start = time.perf_counter()
        connection.sendall(f"{head}{len(data)}\r\n\r\n".encode() + data)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        top, _, rest = answer.partition(b"\r\n\r\n")
        length = int(top.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += connection.recv(65536)
        times.append(time.perf_counter() - start)
        if not top.startswith(b"HTTP/1.1 201"):
            bad.append(int(top[9:12]))
    connection.close()


def run(port: int, path: str, clients: int, seconds: float) -> dict[str, object]:
    until = time.perf_counter() + seconds
    times: list[list[float]] = [[] for _ in range(clients)]
    bad: list[int] = []
    threads = [
        threading.Thread(target=client, args=(port, path, until, n, times[n], bad)) for n in range(clients)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    merged = sorted(t for own in times for t in own)
    return {
        "requests_per_second": len(merged) / took,
        "p50_ms": merged[len(merged) // 2] * 1000,
        "p95_ms": merged[int(len(merged) * 0.95)] * 1000,
        "requests": len(merged),
        "not_201": len(bad),
        "other_answers": sorted(set(bad)),
    }


if __name__ == "__main__":
    port, path, clients, seconds = sys.argv[1:5]
    print(json.dumps(run(int(port), path, int(clients), float(seconds))))
