"""Keywords of protocols that are not parsed here: read, so that their rules load, and never matched."""

from __future__ import annotations

from rules.keywords.application import understood

_ENIP = (
    "enip_command", "cip_service", "enip.command", "enip.capabilities", "enip.cip_attribute",
    "enip.cip_class", "enip.cip_extendedstatus", "enip.cip_instance", "enip.cip_status", "enip.device_type",
    "enip.identity_status", "enip.product_code", "enip.protocol_version", "enip.revision", "enip.serial",
    "enip.state", "enip.status", "enip.vendor_id",
)  # fmt: skip

KEYWORDS = {
    **{name: understood(name, "enip", "EtherNet/IP is not parsed") for name in _ENIP},
    "nfs.version": understood("nfs.version", "nfs", "NFS is not parsed"),
    "flowvar": understood("flowvar", "", "variables that expressions set are not compared"),
    "luaxform": understood("luaxform", "", "scripts are not run"),
}
