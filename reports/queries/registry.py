"""Every evidence query, in the order in which the report shows them. One line a query."""

from __future__ import annotations

from reports.figures import Query
from reports.queries import (
    alert_fields,
    alert_handling,
    alerts_by_class,
    alerts_by_hour,
    alerts_by_level,
    alerts_by_origin,
    audit_chain,
    backups,
    cases,
    cleartext_management,
    coverage,
    detectors_on,
    drills,
    important_systems,
    log_retention,
    models,
    notices,
    playbooks,
    policy_breaches,
    posture_city,
    posture_systems,
    posture_units,
    reporting_clocks,
    role_separation,
    sensors,
    top_sources,
    top_targets,
    top_units,
)

QUERIES: dict[str, Query] = {
    module.QUERY.id: module.QUERY
    for module in (
        posture_city,
        posture_units,
        posture_systems,
        alerts_by_class,
        alerts_by_level,
        alerts_by_hour,
        alerts_by_origin,
        alert_fields,
        policy_breaches,
        top_sources,
        top_targets,
        top_units,
        important_systems,
        alert_handling,
        cases,
        reporting_clocks,
        notices,
        playbooks,
        drills,
        log_retention,
        audit_chain,
        backups,
        sensors,
        coverage,
        detectors_on,
        models,
        cleartext_management,
        role_separation,
    )
}
