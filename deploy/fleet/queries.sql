-- Ten questions to the findings of a fleet. Each stands alone; what is in {braces} is a parameter
-- (clickhouse-client --param_rule=rwo-replicas).

-- 1. Which clusters have findings now, and how bad are they?
SELECT cluster_name,
       countIf(action = 'deny') AS denied,
       countIf(action = 'warn') AS warned,
       countIf(action = 'audit') AS recorded,
       countIf(action = 'unknown') AS unknown,
       countIf(action IN ('allowed', 'excepted')) AS let_pass
FROM stateward.current
WHERE is_open
GROUP BY cluster, cluster_name
ORDER BY denied DESC, warned DESC, cluster_name;

-- 2. Where is one rule broken?
SELECT cluster_name, namespace, kind, name, action, since, message
FROM stateward.current
WHERE is_open AND rule = {rule:String}
ORDER BY cluster_name, namespace, kind, name;

-- 3. Which rules are broken most, and in how many clusters?
SELECT rule, count() AS findings, uniqExact(cluster) AS clusters, uniqExact(cluster, namespace, kind, name) AS workloads
FROM stateward.current
WHERE is_open AND action IN ('deny', 'warn', 'audit')
GROUP BY rule
ORDER BY findings DESC, rule;

-- 4. What has been wrong for longest?
SELECT since, dateDiff('day', since, now()) AS days, cluster_name, namespace, kind, name, rule, owner
FROM stateward.current
WHERE is_open AND action IN ('deny', 'warn')
ORDER BY since, cluster_name, namespace, kind, name, rule
LIMIT 50;

-- 5. Whose are they?
SELECT if(owner = '', 'nobody', owner) AS whose,
       count() AS findings,
       countIf(action = 'deny') AS denied,
       uniqExact(cluster) AS clusters,
       groupUniqArray(5)(cluster_name || '/' || namespace) AS some_namespaces
FROM stateward.current
WHERE is_open AND action IN ('deny', 'warn', 'audit')
GROUP BY whose
ORDER BY denied DESC, findings DESC, whose;

-- 6. Does it get better? What opened and what closed, day by day.
SELECT toDate(Timestamp) AS day,
       uniqExactIf(cluster, id, state = 'open') AS opened,
       uniqExactIf(cluster, id, state = 'closed') AS closed
FROM stateward.records
WHERE EventName = 'stateward.finding' AND Timestamp > now() - INTERVAL 30 DAY
GROUP BY day
ORDER BY day;

-- 7. How long does it take until one is mended? In hours, of what closed within the last 30 days.
SELECT rule, count() AS closed,
       round(quantile(0.5)(dateDiff('second', since, last_told)) / 3600, 1) AS half,
       round(quantile(0.9)(dateDiff('second', since, last_told)) / 3600, 1) AS nine_in_ten
FROM stateward.current
WHERE state = 'closed' AND last_told > now() - INTERVAL 30 DAY
GROUP BY rule
ORDER BY half DESC, rule;

-- 8. Which clusters say nothing any more, although findings stood there?
SELECT argMax(cluster_name, last_told) AS cluster_name, max(last_told) AS last_heard, countIf(state != 'closed') AS stood
FROM stateward.current
GROUP BY cluster
HAVING last_heard < now() - INTERVAL 13 HOUR AND stood > 0
ORDER BY last_heard;

-- 9. Which exceptions end within a month, and who has to do something?
SELECT parseDateTimeBestEffortOrZero(exception_expires) AS ends, exception_owner, cluster_name, exception,
       groupUniqArray(rule) AS rules, count() AS findings, any(reason) AS reason
FROM stateward.current
WHERE is_open AND action = 'excepted'
GROUP BY cluster, cluster_name, exception, exception_owner, ends
HAVING ends < now() + INTERVAL 30 DAY
ORDER BY ends, cluster_name, exception;

-- 10. What happened to one finding? The id is that of reports (resultID).
SELECT Timestamp, cluster_name, state, LogAttributes['stateward.action'] AS action,
       LogAttributes['stateward.owner'] AS owner, Body AS message
FROM stateward.records
WHERE id = {id:String}
ORDER BY cluster, Timestamp;
