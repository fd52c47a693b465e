"""Regions as network namespaces behind a hub: a router in user space, since kernels of build machines shape no traffic.

Each region has one link to the hub (a TUN device) and a loopback of its own, nothing else. The hub carries packets between
regions by its rules, with the latency of the pair, cuts links, and keeps a copy of what crosses a border.
"""
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def open_tun(namespace, name):
    """A TUN device inside a namespace. A namespace belongs to a thread: this one goes there, and ends."""
    opened = []

    def enter():
        with open(f"/var/run/netns/{namespace}") as there:
            libc_setns(there.fileno())
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
        opened.append(fd)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return opened[0]


def libc_setns(fd):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Hub:
    """`regions`: names in the topology's order, `jurisdictions`: theirs. `routes`: pairs that may talk, one way each."""

    NEAR, FAR = 0.005, 0.040  # one way: 10 ms there and back inside a jurisdiction, 80 ms between two

    def __init__(self, regions, jurisdictions, mesh_port):
        self.regions, self.jurisdictions, self.mesh_port = regions, jurisdictions, mesh_port
        self.prefix = f"dm{os.getpid()}"
        self.routes, self.cut = set(), set()
        self.crossed = bytearray()  # every packet between jurisdictions, as a region sent it
        self.carried = self.refused = 0
        self._queue, self._count, self._fds = [], 0, []
        self._stop = threading.Event()

    def address(self, region):
        return f"10.77.{self.regions.index(region) + 1}.2"

    def namespace(self, region):
        return f"{self.prefix}-{self.regions.index(region)}"

    def inside(self, region, *command):
        """The command line that runs something in a region."""
        return ["ip", "netns", "exec", self.namespace(region), *map(str, command)]

    def start(self):
        for region in self.regions:
            space = self.namespace(region)
            run("ip", "netns", "add", space)
            self._fds.append(open_tun(space, "mesh0"))
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "-n", space, "address", "add", f"{self.address(region)}/24", "dev", "mesh0")
            run("ip", "-n", space, "link", "set", "mesh0", "up")
            run("ip", "-n", space, "route", "add", "10.77.0.0/16", "dev", "mesh0")
        self._thread = threading.Thread(target=self._route, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        if hasattr(self, "_thread"):
            self._thread.join()
        for fd in self._fds:
            os.close(fd)
        for region in self.regions:
            subprocess.run(["ip", "netns", "delete", self.namespace(region)], stderr=subprocess.DEVNULL)

    def may_pass(self, source, target, packet):
        """TCP to or from the mesh's port, between regions that have a route, over links that are whole."""
        if (source, target) not in self.routes or frozenset((source, target)) in self.cut or packet[9] != 6:
            return False
        header = (packet[0] & 15) * 4
        if len(packet) < header + 4:
            return False
        source_port, target_port = struct.unpack_from("!HH", packet, header)
        return self.mesh_port in (source_port, target_port)

    def _route(self):
        while not self._stop.is_set():
            wait = min(0.05, max(0.0, self._queue[0][0] - time.monotonic())) if self._queue else 0.05
            readable, _, _ = select.select(self._fds, [], [], wait)
            for fd in readable:
                try:
                    packet = os.read(fd, 65536)
                except (BlockingIOError, OSError):
                    continue
                self._take(self._fds.index(fd), packet)
            now = time.monotonic()
            while self._queue and self._queue[0][0] <= now:
                _, _, target, packet = heapq.heappop(self._queue)
                try:
                    os.write(self._fds[target], packet)
                except OSError:
                    pass

    def _take(self, source, packet):
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return  # IPv6 neighbours and the like
        target = packet[18] - 1
        if packet[16:18] != bytes((10, 77)) or not 0 <= target < len(self.regions) or target == source:
            return
        abroad = self.jurisdictions[source] != self.jurisdictions[target]
        if abroad:
            self.crossed += packet
        if not self.may_pass(self.regions[source], self.regions[target], packet):
            self.refused += 1
            return
        self.carried += 1
        self._count += 1
        heapq.heappush(self._queue, (time.monotonic() + (self.FAR if abroad else self.NEAR), self._count, target, packet))
