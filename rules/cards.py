"""A signature as the alert writer knows detectors: title, technique, incident class, severity."""

from __future__ import annotations

from citywall.cards import DetectorCard
from citywall.findings import Severity
from rules.language.model import Rule

#: (class and subclass of GB/T 20986-2023, axis) by what a class of rules is about.
_ATTACK = ("attack", "其他网络攻击", "attack")
_INCIDENTS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(
        ("trojan-activity", "command-and-control", "targeted-activity"), ("malware", "木马", "malware")
    ),
    **dict.fromkeys(("domain-c2", "coin-mining", "pup-activity"), ("malware", "僵尸网络", "malware")),
    **dict.fromkeys(("exploit-kit", "shellcode-detect"), ("malware", "恶意代码内嵌网页", "malware")),
    **dict.fromkeys(
        (
            "web-application-attack",
            "attempted-admin",
            "attempted-user",
            "successful-admin",
            "successful-user",
        ),
        ("attack", "漏洞利用", "attack"),
    ),
    **dict.fromkeys(
        ("attempted-dos", "successful-dos", "denial-of-service"), ("attack", "拒绝服务", "paralysis")
    ),
    **dict.fromkeys(
        ("credential-theft", "default-login-attempt", "suspicious-login"), ("attack", "凭据攻击", "attack")
    ),
    **dict.fromkeys(("policy-violation", "inappropriate-content"), ("violation", "违规操作", "leak")),
}
_CONFIDENCE = {"high": 0.9, "medium": 0.7, "low": 0.4}
_SEVERITIES = {1: Severity.HIGH, 2: Severity.MEDIUM, 3: Severity.LOW}


def name_of(rule: Rule) -> str:
    """The detector's name under which a rule speaks."""
    return f"signature.{rule.gid}.{rule.sid}"


def severity_of(rule: Rule) -> Severity:
    """Grade of ours for a priority."""
    return _SEVERITIES.get(rule.priority, Severity.INFORMATIONAL)


def confidence_of(rule: Rule) -> float:
    """How sure a rule is, by its metadata."""
    return _CONFIDENCE.get("".join(rule.metadata.get("confidence", [])[:1]).lower(), 0.7)


def kind_of(rule: Rule) -> str:
    """What a rule is about, in one word."""
    return "".join(rule.metadata.get("attack_class", [])[:1]) or rule.classtype or "signature"


def card(rule: Rule) -> DetectorCard:
    """What the alert writer copies into every alert of a rule."""
    incident, kind, axis = _INCIDENTS.get(rule.classtype, _ATTACK)
    title = rule.message or f"sid {rule.sid}"
    return DetectorCard(
        id=name_of(rule),
        version=rule.rev,
        title_en=title,
        title_zh=" ".join(rule.metadata.get("message_zh", [])).replace("_", " ") or title,
        attck=_techniques(rule),
        gb_class=incident,
        gb_subclass=kind,
        axis=axis,
    )


def _techniques(rule: Rule) -> tuple[tuple[str, str, str, str], ...]:
    def told(key: str) -> list[str]:
        return [value.replace("_", " ") for value in rule.metadata.get(key, [])]

    techniques, names = told("mitre_technique_id"), told("mitre_technique_name")
    tactics, called = told("mitre_tactic_id"), told("mitre_tactic_name")
    return tuple(
        (
            technique,
            names[i] if i < len(names) else technique,
            tactics[i] if i < len(tactics) else tactics[-1],
            called[i] if i < len(called) else tactics[-1],
        )
        for i, technique in enumerate(techniques)
        if tactics
    )
