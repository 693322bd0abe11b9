#!/usr/bin/env python3
"""An empty call beside an agent of AutoGen core and an actor of Ray, in turn.

    python3 benches/peers/calls.py

makes a virtual environment below the cache folder, installs the peers there, builds ours, and prints the ratios. The work is not equal: AutoGen
stays within one loop of one process; Ray crosses processes and serialises, and its actor survives a segmentation fault, so our call over
the Unix socket, into another process, is the fair one beside it.
"""

import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
NEEDED = ["autogen-core==0.7.5", "ray==2.60.0"]
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "calls" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    if subprocess.run([str(python), "-c", "import autogen_core, ray"], capture_output=True).returncode != 0:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet"] + NEEDED, check=True)
    os.execv(str(python), [str(python), __file__])


def summary(seconds, times):
    times.sort()
    return {"seconds": seconds, "p50_us": times[len(times) // 2] * 1e6, "p99_us": times[len(times) * 99 // 100] * 1e6}


class Ours:
    def __init__(self, process, way):
        self.process, self.way = process, way

    def run(self, calls, in_flight):
        self.process.stdin.write(json.dumps({"way": self.way, "calls": calls, "in_flight": in_flight}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class AutoGen:
    def __init__(self):
        import logging
        from autogen_core import AgentId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime, message_handler
        logging.disable(logging.CRITICAL)

        class Empty(RoutedAgent):
            def __init__(self):
                super().__init__("does nothing")

            @message_handler
            async def handle(self, message: Message, context: MessageContext) -> Message:
                return message

        async def start():
            self.runtime = SingleThreadedAgentRuntime()
            await Empty.register(self.runtime, "empty", Empty)
            self.runtime.start()

        self.agent = AgentId("empty", "default")
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(start())

    def run(self, calls, in_flight):
        async def caller(count, times):
            for number in range(count):
                began = time.perf_counter()
                await self.runtime.send_message(Message(number), self.agent)
                times.append(time.perf_counter() - began)

        async def all_callers():
            times, began = [], time.perf_counter()
            await asyncio.gather(*(caller(calls // in_flight, times) for _ in range(in_flight)))
            return summary(time.perf_counter() - began, times)

        return self.loop.run_until_complete(all_callers())


@dataclass
class Message:
    number: int


class Ray:
    def __init__(self):
        import ray
        self.ray = ray
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

        @ray.remote
        class Empty:
            def nothing(self, number):
                return number

        self.actor = Empty.remote()
        ray.get(self.actor.nothing.remote(0))

    def run(self, calls, in_flight):
        times, began = [], time.perf_counter()
        if in_flight == 1:
            for number in range(calls):
                asked = time.perf_counter()
                self.ray.get(self.actor.nothing.remote(number))
                times.append(time.perf_counter() - asked)
        else:
            waiting = {}
            for number in range(calls):
                if len(waiting) >= in_flight:
                    done, _ = self.ray.wait(list(waiting), num_returns=1)
                    self.ray.get(done[0])
                    times.append(time.perf_counter() - waiting.pop(done[0]))
                waiting[self.actor.nothing.remote(number)] = time.perf_counter()
            for reference, asked in waiting.items():
                self.ray.get(reference)
                times.append(time.perf_counter() - asked)
        return summary(time.perf_counter() - began, times)


def main():
    environment()
    build = ["cargo", "build", "--release", "--quiet", "-p", "aimass-runtime", "--example", "call_rate"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = str(target / "release" / "examples" / "call_rate")
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    peers = {"ours, in the process": (Ours(process, "here"), 200_000), "ours, over the Unix socket": (Ours(process, "socket"), 20_000),
             "AutoGen core": (AutoGen(), 2_000), "Ray actor": (Ray(), 2_000)}
    for peer, calls in peers.values():
        peer.run(calls // 20 // 64 * 64 + 64, 64)
    rates = {}
    for in_flight in (64, 1):
        rounds = {name: [] for name in peers}
        for _ in range(ROUNDS):
            for name, (peer, calls) in peers.items():
                count = (calls if in_flight > 1 else max(calls // 10, 500)) // in_flight * in_flight
                rounds[name].append((count, peer.run(count, in_flight)))
        print(f"{in_flight} in flight, median of {ROUNDS} interleaved rounds")
        for name, found in rounds.items():
            rate = statistics.median(count / round_["seconds"] for count, round_ in found)
            p50 = statistics.median(round_["p50_us"] for _, round_ in found)
            p99 = statistics.median(round_["p99_us"] for _, round_ in found)
            rates[name, in_flight] = rate
            print(f"  {name}: {rate:,.0f} calls/s, p50 {p50:,.0f} us, p99 {p99:,.0f} us", flush=True)
    for ours in ("ours, in the process", "ours, over the Unix socket"):
        for peer in ("AutoGen core", "Ray actor"):
            print(f"{ours} / {peer}, 64 in flight: {rates[ours, 64] / rates[peer, 64]:.1f}x")


if __name__ == "__main__":
    main()
