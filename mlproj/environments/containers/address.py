"""How a program in a container reaches its run's tracking server, which listens on this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

from mlproj.environments.base import Network
from mlproj.environments.containers.engine import Engine
from mlproj.foundation.dataclass import dataclass

_LOOPBACK = "127.0.0.1"
_FREEBIND = 15  # IP_FREEBIND of ip(7)
_ROOTLESS_GATEWAY = "10.0.2.2"  # slirp4netns(1)
_LOST = "what its program logs through MLflow does not arrive"
_SLIRP = "slirp4netns:allow_host_loopback=true"


@dataclass(frozen=True)
class Route:
    """Where the server is to listen and what the program calls it (``network``), the engine's network to ask for (None:
    as it is), and why it does not get through, where that is known."""

    network: Network
    wanted: str | None = None
    trouble: str | None = None


def route(engine: Engine, asked: str | None, *, sandbox: bool = False) -> Route:
    """The way for a container in the network *asked* for (None: the engine's own); a *sandbox* has none but a
    socket."""
    here = Network(_LOOPBACK, _LOOPBACK)
    if sandbox:
        return Route(here, wanted="none")
    if asked == "host":
        return Route(here)
    if asked == "none":
        return Route(here, trouble=f"the container has no network: {_LOST}")
    if engine.name == "podman" and engine.is_rootless and asked is None:
        return Route(Network(_LOOPBACK, _ROOTLESS_GATEWAY), wanted=_SLIRP)
    gateway = _gateway(engine, asked or ("podman" if engine.name == "podman" else "bridge"))
    if gateway is not None and not engine.is_rootless and _is_ours(gateway, comes=engine.name == "podman"):
        return Route(Network(gateway, gateway))
    if engine.is_rootless and engine.name == "docker":
        return Route(here, trouble=f"containers of docker without root do not reach this machine: {_LOST}; podman's do")
    if engine.is_elsewhere:
        return Route(here, trouble=f"the engine is on another machine, whose containers do not reach this one: {_LOST}")
    # The engine is in a virtual machine here (Docker Desktop and its like), which knows ours by this name.
    name = "host.containers.internal" if engine.name == "podman" else "host.docker.internal"
    return Route(Network(_LOOPBACK, name))


def _is_ours(address: str, *, comes: bool) -> bool:
    """Whether this machine can listen at *address*; *comes*: its bridge is made with the first container, and is waited
    for."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            if comes:
                probe.setsockopt(socket.SOL_IP, _FREEBIND, 1)
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _gateway(engine: Engine, network: str) -> str | None:
    """The address of this machine in one of the engine's networks."""
    found = engine.inspect("network", network)
    for subnet in _subnets(found or {}):
        gateway = subnet.get("Gateway") or subnet.get("gateway")
        try:
            if not gateway:  # docker leaves it out where it is the first address, as for its own bridge
                gateway = str(next(ipaddress.ip_network(str(subnet.get("Subnet") or subnet.get("subnet"))).hosts()))
            if ipaddress.ip_address(str(gateway)).version == 4:
                return str(gateway)
        except (ValueError, StopIteration):
            continue
    return None


def _subnets(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = found.get("subnets") or (found.get("IPAM") or {}).get("Config") or ()
    return [one for one in listed if isinstance(one, Mapping)]
