"""CACAO Security Playbooks Version 2.0 (OASIS Committee Specification 01) as types.

Section numbers in docstrings are the specification's. Times in steps are milliseconds (4.1). Types of
commands come from the registry of actions. What we add is in extensions: :class:`Plan`, and Chinese texts.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

from playbooks.actions.registry import Command

SPEC_VERSION = "cacao-2.0"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MAX_TEXT = 16384
MAX_STEPS = 500
_HOUR_MS = 3_600_000

Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
Long = Annotated[str, Meta(max_length=MAX_TEXT)]
PlaybookId = Annotated[str, Meta(pattern=f"^playbook--{_UUID}$")]
IdentityId = Annotated[str, Meta(pattern=f"^identity--{_UUID}$")]
StepId = Annotated[str, Meta(pattern=f"^(start|end|action|playbook-action|parallel|if-condition|while-condition|switch-condition)--{_UUID}$")]  # fmt: skip  # noqa: E501
AgentId = Annotated[str, Meta(pattern=f"^[a-z-]+--{_UUID}$")]
ExtensionId = Annotated[str, Meta(pattern=f"^extension-definition--{_UUID}$")]
Name = Annotated[str, Meta(pattern="^__[A-Za-z0-9_-]{1,240}__$")]
Timestamp = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")]
Delay = Annotated[int, Meta(ge=0, le=720 * _HOUR_MS)]
Score = Annotated[int, Meta(ge=0, le=100)]
VariableType = Literal[
    "bool", "dictionary", "float", "hexstring", "integer", "ipv4-addr", "ipv6-addr", "long", "mac-addr",
    "hash", "md5-hash", "sha256-hash", "string", "uri", "uuid",
]  # fmt: skip

#: Our extensions.
PLAN = "extension-definition--4f0c38c5-7f3f-5d57-9d07-6a2e1c5f1a01"
TEXTS = "extension-definition--4f0c38c5-7f3f-5d57-9d07-6a2e1c5f1a02"
_ANY_EXTENSION = "^extension-definition--"


class Variable(Struct, frozen=True):
    """10.18. `value` is a text whatever the type; `external` ones are given when a run is asked for."""

    type: VariableType
    description: Long = ""
    value: Long | None = None
    constant: bool = False
    external: bool = False


class Reference(Struct, frozen=True):
    """10.7, external reference."""

    name: Text
    description: Long = ""
    source: Long = ""
    url: Long = ""
    external_id: Long = ""
    reference_id: Long = ""


class _Step(Struct, frozen=True, kw_only=True, tag_field="type"):
    """4.1, what all steps have. `timeout` (ms) of a step that waits for people is the time to escalation."""

    name: Text | None = None
    description: Long = ""
    external_references: tuple[Reference, ...] = ()
    delay: Delay = 0
    timeout: Delay = 0
    step_variables: dict[Name, Variable] = {}
    owner: IdentityId | None = None
    on_completion: StepId | None = None
    on_success: StepId | None = None
    on_failure: StepId | None = None
    step_extensions: dict[ExtensionId, Any] = {}


class Start(_Step, frozen=True, tag="start"):
    """4.3."""


class End(_Step, frozen=True, tag="end"):
    """4.4."""


class Action(_Step, frozen=True, kw_only=True, tag="action"):
    """4.5. Commands are done one after the other; the first that fails ends the step."""

    commands: Annotated[tuple[Command, ...], Meta(min_length=1, max_length=50)]
    agent: AgentId
    targets: tuple[AgentId, ...] = ()
    in_args: tuple[Name, ...] = ()
    out_args: tuple[Name, ...] = ()


class PlaybookAction(_Step, frozen=True, kw_only=True, tag="playbook-action"):
    """4.6. The other playbook has variables of its own: `in_args` go in by name, `out_args` come back."""

    playbook_id: PlaybookId
    playbook_version: Timestamp | None = None
    in_args: tuple[Name, ...] = ()
    out_args: tuple[Name, ...] = ()


class Parallel(_Step, frozen=True, kw_only=True, tag="parallel"):
    """4.7."""

    next_steps: Annotated[tuple[StepId, ...], Meta(min_length=1, max_length=50)]


class IfCondition(_Step, frozen=True, kw_only=True, tag="if-condition"):
    """4.8."""

    condition: Text
    on_true: StepId
    on_false: StepId | None = None


class WhileCondition(_Step, frozen=True, kw_only=True, tag="while-condition"):
    """4.9."""

    condition: Text
    on_true: StepId


class SwitchCondition(_Step, frozen=True, kw_only=True, tag="switch-condition"):
    """4.10. The case `default` is for what no other is."""

    switch: Text
    cases: dict[Annotated[str, Meta(min_length=1, max_length=200)], StepId]


Step = Start | End | Action | PlaybookAction | Parallel | IfCondition | WhileCondition | SwitchCondition

_Names = dict[Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")], tuple[Text, ...]]


class _Party(Struct, frozen=True, kw_only=True, tag_field="type"):
    name: Text
    description: Long = ""
    agent_target_extensions: dict[ExtensionId, Any] = {}


class Group(_Party, frozen=True, tag="group"):
    """7.4. Also what stands for our own roles."""

    contact: dict[str, Any] = {}


class Individual(_Party, frozen=True, tag="individual"):
    """7.5."""

    contact: dict[str, Any] = {}


class Organization(_Party, frozen=True, tag="organization"):
    """7.7."""

    contact: dict[str, Any] = {}


class Location(_Party, frozen=True, tag="location"):
    """7.6."""

    logical: tuple[Text, ...] = ()
    physical: dict[str, Any] = {}


class Sector(_Party, frozen=True, tag="sector"):
    """7.8."""

    sector: Text
    location: tuple[Text, ...] = ()


class HttpApi(_Party, frozen=True, kw_only=True, tag="http-api"):
    """7.9. `address` has `url`, or a host by `dname`, `ipv4` or `ipv6`."""

    address: _Names
    port: Annotated[str, Meta(pattern="^[0-9]{1,5}$")] | None = None
    authentication_info: Text | None = None
    category: tuple[Text, ...] = ()


class NetAddress(_Party, frozen=True, kw_only=True, tag="net-address"):
    """7.11."""

    address: _Names
    category: tuple[Text, ...] = ()


class Linux(_Party, frozen=True, kw_only=True, tag="linux"):
    """7.10."""

    address: _Names = {}
    category: tuple[Text, ...] = ()


class Ssh(_Party, frozen=True, kw_only=True, tag="ssh"):
    """7.13."""

    address: _Names
    port: Annotated[str, Meta(pattern="^[0-9]{1,5}$")] | None = None
    authentication_info: Text | None = None
    category: tuple[Text, ...] = ()


class SecurityCategory(_Party, frozen=True, kw_only=True, tag="security-category"):
    """7.12."""

    category: Annotated[tuple[Text, ...], Meta(min_length=1)]


Party = (
    Group | Individual | Organization | Location | Sector
    | HttpApi | NetAddress | Linux | Ssh | SecurityCategory
)  # fmt: skip


class Both(Struct, frozen=True):
    """A text in both languages."""

    en: Text
    zh: Text

    def of(self, language: str) -> str:
        """The text in `language`."""
        return self.zh if language == "zh" else self.en


class Clause(Struct, frozen=True):
    """Where a plan (预案) or a standard asks for this playbook."""

    document: Text
    clause: Text
    asks: Both


class Plan(Struct, frozen=True):
    """The header that binds a playbook to a plan (预案).

    The four elements that GB/T 22239-2019 8.1.10.13 a) asks of a plan's frame, 启动条件、组织构成、资源保障、
    事后教育和培训; how the system is recovered (b); and when it was last reviewed (d).
    """

    title: Both
    gb20986_class: Text
    gb20986_subclass: Text
    start_condition: Both
    organisation: Both
    resources: Both
    training: Both
    recovery: Both
    reviewed: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    clauses: Annotated[tuple[Clause, ...], Meta(min_length=1)]
    detectors: tuple[Text, ...] = ()  # whose alerts this playbook answers


class Extensions(Struct, frozen=True):
    """4.9: ours, typed; others' are let pass unread."""

    OPEN: ClassVar[str] = _ANY_EXTENSION

    plan: Plan | None = field(default=None, name=PLAN)
    texts: dict[str, dict[str, Long]] = field(default_factory=dict, name=TEXTS)


class ExtensionDefinition(Struct, frozen=True, tag_field="type", tag="extension-definition"):
    """8."""

    name: Text
    created_by: IdentityId
    schema: Text
    version: Text
    description: Long = ""
    external_references: tuple[Reference, ...] = ()


class Playbook(Struct, frozen=True, kw_only=True, tag_field="type", tag="playbook"):
    """3.1."""

    spec_version: Literal["cacao-2.0"]
    id: PlaybookId
    name: Text
    description: Long = ""
    playbook_types: tuple[Text, ...] = ()
    playbook_activities: tuple[Text, ...] = ()
    playbook_processing_summary: dict[str, bool] = {}
    created_by: IdentityId
    created: Timestamp
    modified: Timestamp
    revoked: bool = False
    valid_from: Timestamp | None = None
    valid_until: Timestamp | None = None
    derived_from: tuple[PlaybookId, ...] = ()
    related_to: tuple[PlaybookId, ...] = ()
    priority: Score = 0
    severity: Score = 0
    impact: Score = 0
    industry_sectors: tuple[Text, ...] = ()
    labels: tuple[Text, ...] = ()
    external_references: tuple[Reference, ...] = ()
    markings: tuple[Text, ...] = ()
    playbook_variables: dict[Name, Variable] = {}
    workflow_start: StepId
    workflow_exception: StepId | None = None
    workflow: Annotated[dict[StepId, Step], Meta(min_length=1, max_length=MAX_STEPS)]
    playbook_extensions: Extensions = Extensions()
    authentication_info_definitions: dict[str, Any] = {}
    agent_definitions: dict[AgentId, Party] = {}
    target_definitions: dict[AgentId, Party] = {}
    extension_definitions: dict[ExtensionId, ExtensionDefinition] = {}
    data_marking_definitions: dict[str, Any] = {}
    signatures: tuple[dict[str, Any], ...] = ()

    @property
    def plan(self) -> Plan | None:
        """The header that binds it to a plan."""
        return self.playbook_extensions.plan

    def said(self, path: str, fallback: str, language: str) -> str:
        """The text at a place, `name` or `workflow/<step>/name`, in `language` where it is there."""
        return self.playbook_extensions.texts.get(language, {}).get(path, fallback)

    def step_name(self, step: str, language: str) -> str:
        """What people call a step."""
        return self.said(
            f"workflow/{step}/name", self.workflow[step].name or step.partition("--")[0], language
        )


def next_steps(step: Step) -> tuple[tuple[str, str], ...]:
    """(field, step) of every step that a step names."""
    named = [(n, getattr(step, n, None)) for n in ("on_completion", "on_success", "on_failure", "on_true", "on_false")]  # fmt: skip  # noqa: E501
    if isinstance(step, Parallel):
        named += [(f"next_steps[{at}]", to) for at, to in enumerate(step.next_steps, 1)]
    if isinstance(step, SwitchCondition):
        named += [(f"cases.{case}", to) for case, to in step.cases.items()]
    return tuple((name, to) for name, to in named if to is not None)


def actions(playbook: Playbook) -> list[tuple[str, int, Any]]:
    """(step, index, command) of every command."""
    return [
        (id_, at, command)
        for id_, step in playbook.workflow.items()
        if isinstance(step, Action)
        for at, command in enumerate(step.commands)
    ]


encode = msgspec.json.encode
