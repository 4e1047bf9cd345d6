"""Information elements of NetFlow v9 and IPFIX (IANA's registry): names, types and the columns they fill.

An element is (enterprise, id): enterprise 0 is IANA's own, REVERSE the other direction's (RFC 5103), SCOPE
the scope fields of NetFlow v9's options. What is not named here is called by its number.
"""

from __future__ import annotations

from ingest.collectors import kernels as k

REVERSE = 29305
SCOPE = 1 << 32

Element = tuple[int, int]

_NAMES = """
1 octetDeltaCount u|2 packetDeltaCount u|3 deltaFlowCount u|4 protocolIdentifier u|5 ipClassOfService u
6 tcpControlBits u|7 sourceTransportPort u|8 sourceIPv4Address a|9 sourceIPv4PrefixLength u
10 ingressInterface u|11 destinationTransportPort u|12 destinationIPv4Address a
13 destinationIPv4PrefixLength u|14 egressInterface u|15 ipNextHopIPv4Address a|16 bgpSourceAsNumber u
17 bgpDestinationAsNumber u|18 bgpNextHopIPv4Address a|19 postMCastPacketDeltaCount u
20 postMCastOctetDeltaCount u|21 flowEndSysUpTime u|22 flowStartSysUpTime u|23 postOctetDeltaCount u
24 postPacketDeltaCount u|25 minimumIpTotalLength u|26 maximumIpTotalLength u|27 sourceIPv6Address a
28 destinationIPv6Address a|29 sourceIPv6PrefixLength u|30 destinationIPv6PrefixLength u
31 flowLabelIPv6 u|32 icmpTypeCodeIPv4 u|33 igmpType u|34 samplingInterval u|35 samplingAlgorithm u
36 flowActiveTimeout u|37 flowIdleTimeout u|38 engineType u|39 engineId u|40 exportedOctetTotalCount u
41 exportedMessageTotalCount u|42 exportedFlowRecordTotalCount u|44 sourceIPv4Prefix a
45 destinationIPv4Prefix a|46 mplsTopLabelType u|47 mplsTopLabelIPv4Address a|48 samplerId u|49 samplerMode u
50 samplerRandomInterval u|52 minimumTTL u|53 maximumTTL u|54 fragmentIdentification u
55 postIpClassOfService u|56 sourceMacAddress m|57 postDestinationMacAddress m|58 vlanId u|59 postVlanId u
60 ipVersion u|61 flowDirection u|62 ipNextHopIPv6Address a|63 bgpNextHopIPv6Address a
64 ipv6ExtensionHeaders u|70 mplsTopLabelStackSection o|71 mplsLabelStackSection2 o
72 mplsLabelStackSection3 o|80 destinationMacAddress m|81 postSourceMacAddress m|82 interfaceName s
83 interfaceDescription s|84 samplerName s|85 octetTotalCount u|86 packetTotalCount u
88 fragmentOffset u|89 forwardingStatus u|90 mplsVpnRouteDistinguisher o|95 applicationId o
96 applicationName s|102 sourceTrafficIndex u|128 bgpNextAdjacentAsNumber u|129 bgpPrevAdjacentAsNumber u
130 exporterIPv4Address a|131 exporterIPv6Address a|132 droppedOctetDeltaCount u
133 droppedPacketDeltaCount u|134 droppedOctetTotalCount u|135 droppedPacketTotalCount u
136 flowEndReason u|137 commonPropertiesId u|138 observationPointId u|139 icmpTypeCodeIPv6 u
140 mplsTopLabelIPv6Address a|141 lineCardId u|142 portId u|143 meteringProcessId u
144 exportingProcessId u|145 templateId u|148 flowId u|149 observationDomainId u
150 flowStartSeconds S|151 flowEndSeconds S|152 flowStartMilliseconds M|153 flowEndMilliseconds M
154 flowStartMicroseconds N|155 flowEndMicroseconds N|156 flowStartNanoseconds N|157 flowEndNanoseconds N
158 flowStartDeltaMicroseconds u|159 flowEndDeltaMicroseconds u|160 systemInitTimeMilliseconds u
161 flowDurationMilliseconds u|162 flowDurationMicroseconds u|163 observedFlowTotalCount u
164 ignoredPacketTotalCount u|165 ignoredOctetTotalCount u|166 notSentFlowTotalCount u
167 notSentPacketTotalCount u|168 notSentOctetTotalCount u|176 icmpTypeIPv4 u|177 icmpCodeIPv4 u
178 icmpTypeIPv6 u|179 icmpCodeIPv6 u|180 udpSourcePort u|181 udpDestinationPort u|182 tcpSourcePort u
183 tcpDestinationPort u|184 tcpSequenceNumber u|185 tcpAcknowledgementNumber u|189 ipHeaderLength u
192 ipTTL u|195 ipDiffServCodePoint u|210 paddingOctets o|224 ipTotalLength u
225 postNATSourceIPv4Address a|226 postNATDestinationIPv4Address a|227 postNAPTSourceTransportPort u
228 postNAPTDestinationTransportPort u|229 natOriginatingAddressRealm u|230 natEvent u
231 initiatorOctets u|232 responderOctets u|233 firewallEvent u|234 ingressVRFID u|235 egressVRFID u
236 VRFname s|239 biflowDirection u|243 dot1qVlanId u|244 dot1qPriority u|245 dot1qCustomerVlanId u
254 postDot1qVlanId u|256 ethernetType u|258 collectionTimeMilliseconds M|277 observationPointType u
281 postNATSourceIPv6Address a|282 postNATDestinationIPv6Address a|298 initiatorPackets u
299 responderPackets u|300 observationDomainName s|301 selectionSequenceId u|302 selectorId u
304 selectorAlgorithm u|305 samplingPacketInterval u|306 samplingPacketSpace u|309 samplingSize u
310 samplingPopulation u|311 samplingProbability f|322 observationTimeSeconds S
323 observationTimeMilliseconds M|324 observationTimeMicroseconds N|325 observationTimeNanoseconds N
351 layer2SegmentId u|352 layer2OctetDeltaCount u
"""
NAMES: dict[Element, tuple[str, str]] = {}
for _entry in _NAMES.replace("\n", "|").split("|"):
    if _entry:
        _id, _name, _type = _entry.split()
        NAMES[0, int(_id)] = (_name, _type)
del _entry, _id, _name, _type


def name_of(element: Element) -> tuple[str, str]:
    """Name and type of an element: u(nsigned), a(ddress), m(ac), s(tring), o(ctets), f(loat), S/M/N times."""
    enterprise, number = element
    if element in NAMES:
        return NAMES[element]
    if enterprise == REVERSE and (0, number) in NAMES:
        name, kind = NAMES[0, number]
        return "reverse" + name[0].upper() + name[1:], kind
    if enterprise == SCOPE:
        return f"scope{number}", "u"
    return (f"e{enterprise}id{number}" if enterprise else f"id{number}"), "o"


#: Elements to (column, how it is read).
COLUMNS: dict[Element, tuple[int, int]] = {
    (0, 8): (k.SRC_HI, k.ADDRESS4), (0, 12): (k.DST_HI, k.ADDRESS4),
    (0, 27): (k.SRC_HI, k.ADDRESS6), (0, 28): (k.DST_HI, k.ADDRESS6),
    (0, 7): (k.SRC_PORT, k.UNSIGNED), (0, 11): (k.DST_PORT, k.UNSIGNED),
    (0, 180): (k.SRC_PORT, k.UNSIGNED), (0, 181): (k.DST_PORT, k.UNSIGNED),
    (0, 182): (k.SRC_PORT, k.UNSIGNED), (0, 183): (k.DST_PORT, k.UNSIGNED),
    (0, 4): (k.PROTO, k.UNSIGNED), (0, 6): (k.FLAGS, k.UNSIGNED),
    (0, 1): (k.BYTES, k.UNSIGNED), (0, 2): (k.PACKETS, k.UNSIGNED),
    (0, 85): (k.BYTES, k.UNSIGNED), (0, 86): (k.PACKETS, k.UNSIGNED),
    (0, 352): (k.OUT_BYTES, k.UNSIGNED),
    (0, 231): (k.BYTES, k.UNSIGNED), (0, 298): (k.PACKETS, k.UNSIGNED),
    (0, 23): (k.OUT_BYTES, k.UNSIGNED), (0, 24): (k.OUT_PACKETS, k.UNSIGNED),
    (0, 232): (k.REV_BYTES, k.UNSIGNED), (0, 299): (k.REV_PACKETS, k.UNSIGNED),
    (0, 21): (k.UP_LAST, k.UNSIGNED), (0, 22): (k.UP_FIRST, k.UNSIGNED),
    (0, 150): (k.FIRST, k.SECONDS), (0, 151): (k.LAST, k.SECONDS),
    (0, 152): (k.FIRST, k.MILLISECONDS), (0, 153): (k.LAST, k.MILLISECONDS),
    (0, 154): (k.FIRST, k.NTP), (0, 155): (k.LAST, k.NTP),
    (0, 156): (k.FIRST, k.NTP), (0, 157): (k.LAST, k.NTP),
    (0, 158): (k.FIRST, k.BEFORE_US), (0, 159): (k.LAST, k.BEFORE_US),
    (0, 161): (k.DURATION, k.UNSIGNED), (0, 323): (k.LAST, k.MILLISECONDS),
    (0, 160): (k.INIT, k.UNSIGNED),
    (0, 32): (k.ICMP, k.UNSIGNED), (0, 139): (k.ICMP, k.UNSIGNED),
    (0, 176): (k.ICMP, k.HIGH_BYTE), (0, 177): (k.ICMP, k.LOW_BYTE),
    (0, 178): (k.ICMP, k.HIGH_BYTE), (0, 179): (k.ICMP, k.LOW_BYTE),
    (0, 58): (k.VLAN, k.UNSIGNED), (0, 243): (k.VLAN, k.UNSIGNED),
    (0, 56): (k.SRC_MAC, k.UNSIGNED), (0, 80): (k.DST_MAC, k.UNSIGNED), (0, 57): (k.DST_MAC, k.UNSIGNED),
    (0, 34): (k.RATE, k.UNSIGNED), (0, 50): (k.RATE, k.UNSIGNED),
    (0, 48): (k.SAMPLER, k.UNSIGNED), (0, 302): (k.SAMPLER, k.UNSIGNED),
    (0, 233): (k.EVENT, k.UNSIGNED), (0, 40005): (k.EVENT, k.UNSIGNED),
    (REVERSE, 1): (k.REV_BYTES, k.UNSIGNED), (REVERSE, 2): (k.REV_PACKETS, k.UNSIGNED),
    (REVERSE, 85): (k.REV_BYTES, k.UNSIGNED), (REVERSE, 86): (k.REV_PACKETS, k.UNSIGNED),
    (REVERSE, 6): (k.REV_FLAGS, k.UNSIGNED),
    (6871, 14): (k.FLAGS, k.UNSIGNED), (6871, 15): (k.FLAGS, k.UNSIGNED),
    (6871, 14 | 0x4000): (k.REV_FLAGS, k.UNSIGNED), (6871, 15 | 0x4000): (k.REV_FLAGS, k.UNSIGNED),
}  # fmt: skip
#: Elements of options that change how flows are read: sampling, and when the exporter's clock began.
TELLING = frozenset((0, number) for number in (34, 48, 49, 50, 160, 302, 304, 305, 306, 309, 310))
