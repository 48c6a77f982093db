-- Where the findings of many clusters meet: what was said of each (records), and what each is now (findings, current).
-- Tables are not made by the Collector (create_schema: false): its own are ordered by time, and none of the questions
-- in queries.sql begins with a time.

CREATE DATABASE IF NOT EXISTS stateward;

-- The columns that the Collector's exporter fills, and what we ask for, taken out of its maps.
CREATE TABLE IF NOT EXISTS stateward.records
(
    Timestamp DateTime64(9) CODEC(Delta, ZSTD),
    TraceId String CODEC(ZSTD),
    SpanId String CODEC(ZSTD),
    TraceFlags UInt8,
    SeverityText LowCardinality(String),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String),
    Body String CODEC(ZSTD),
    ResourceSchemaUrl LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD),
    ScopeSchemaUrl LowCardinality(String),
    ScopeName LowCardinality(String),
    ScopeVersion LowCardinality(String),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD),
    EventName LowCardinality(String),

    -- A cluster is known by the uid of its namespace kube-system; by its name where nobody may read that.
    cluster LowCardinality(String) MATERIALIZED
        if(ResourceAttributes['k8s.cluster.uid'] != '', ResourceAttributes['k8s.cluster.uid'], ResourceAttributes['k8s.cluster.name']),
    cluster_name LowCardinality(String) MATERIALIZED
        if(ResourceAttributes['k8s.cluster.name'] != '', ResourceAttributes['k8s.cluster.name'], ResourceAttributes['k8s.cluster.uid']),
    id String MATERIALIZED LogAttributes['stateward.finding.id'],
    state LowCardinality(String) MATERIALIZED LogAttributes['stateward.state'],
    rule LowCardinality(String) MATERIALIZED LogAttributes['stateward.rule']
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Timestamp)
ORDER BY (cluster, id, Timestamp)
TTL toDateTime(Timestamp) + INTERVAL 90 DAY;

-- One row a finding once parts are merged; until then as many as there were inserts, which the view below adds up.
-- A restart may forget when a finding was seen first, so that the earliest time that was told counts, unless it was seen
-- to open later.
CREATE TABLE IF NOT EXISTS stateward.findings
(
    cluster LowCardinality(String),
    rule LowCardinality(String),
    id String,
    first_seen SimpleAggregateFunction(min, DateTime),
    last_opened SimpleAggregateFunction(max, DateTime),
    last_told SimpleAggregateFunction(max, DateTime64(9)),
    last AggregateFunction(argMax, Tuple(
        cluster_name String, state String, action String, policy String, owner String,
        namespace String, kind String, name String, uid String, subject String,
        message String, remedy String, reason String,
        exception String, exception_owner String, exception_expires String, version String), DateTime64(9))
)
ENGINE = AggregatingMergeTree
ORDER BY (cluster, rule, id)
TTL toDateTime(last_told) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS stateward.records_to_findings TO stateward.findings AS
SELECT
    cluster,
    rule,
    id,
    min(parseDateTimeBestEffortOrZero(LogAttributes['stateward.first_seen'])) AS first_seen,
    max(if(state = 'open', toDateTime(Timestamp), toDateTime(0))) AS last_opened,
    max(Timestamp) AS last_told,
    argMaxState(CAST(tuple(
        cluster_name, state, LogAttributes['stateward.action'], LogAttributes['stateward.policy'], LogAttributes['stateward.owner'],
        LogAttributes['k8s.namespace.name'], LogAttributes['k8s.object.kind'], LogAttributes['k8s.object.name'],
        LogAttributes['k8s.object.uid'], LogAttributes['stateward.subject'],
        Body, LogAttributes['stateward.remedy'], LogAttributes['stateward.reason'],
        LogAttributes['stateward.exception'], LogAttributes['stateward.exception.owner'],
        LogAttributes['stateward.exception.expires'], ResourceAttributes['service.version']),
        'Tuple(cluster_name String, state String, action String, policy String, owner String, namespace String, kind String, name String, uid String, subject String, message String, remedy String, reason String, exception String, exception_owner String, exception_expires String, version String)'),
        Timestamp) AS last
FROM stateward.records
WHERE EventName = 'stateward.finding'
GROUP BY cluster, rule, id;

-- What each finding is now. One that has not been told for longer than two rounds (--otlp-resend, 6h) and an hour is not
-- open: it closed while nobody could say so, or its cluster says nothing any more (query 8).
CREATE VIEW IF NOT EXISTS stateward.current AS
SELECT
    cluster,
    rule,
    id,
    if(max(findings.last_opened) > toDateTime(0), max(findings.last_opened), min(findings.first_seen)) AS since,
    max(findings.last_told) AS last_told,
    argMaxMerge(findings.last) AS now,
    now.cluster_name AS cluster_name,
    now.state AS state,
    state != 'closed' AND last_told > now64(9) - INTERVAL 13 HOUR AS is_open,
    now.action AS action,
    now.policy AS policy,
    now.owner AS owner,
    now.namespace AS namespace,
    now.kind AS kind,
    now.name AS name,
    now.uid AS uid,
    now.subject AS subject,
    now.message AS message,
    now.remedy AS remedy,
    now.reason AS reason,
    now.exception AS exception,
    now.exception_owner AS exception_owner,
    now.exception_expires AS exception_expires,
    now.version AS version
FROM stateward.findings
GROUP BY cluster, rule, id;
