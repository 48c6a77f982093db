//! `deploy/metrics/dashboard.json`: written from the panels, and read as Grafana would.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::panels::{Panel, ROWS, Shape};
use super::promql::{of_the_api_server, strange};
use super::promtool::promtool;
use super::{list, scrape, word};
use crate::generated;

const FILE: &str = "deploy/metrics/dashboard.json";
/// How many columns there are.
const COLUMNS: u64 = 24;

/// The dashboard as Grafana imports it.
fn dashboard() -> Value {
    let mut panels: Vec<Value> = Vec::new();
    let mut top = 0;
    for row in ROWS {
        let id = panels.len() + 1;
        panels.push(json!({
            "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }));
        top += 1;
        let (mut left, mut tallest) = (0, 0);
        for panel in row.panels {
            if left + panel.width > COLUMNS {
                top += tallest;
                (left, tallest) = (0, 0);
            }
            let height = if matches!(panel.shape, Shape::Values(_)) { 4 } else { 8 };
            let place = json!({"x": left, "y": top, "w": panel.width, "h": height});
            panels.push(drawn(panel, panels.len() + 1, &place));
            left += panel.width;
            tallest = tallest.max(height);
        }
        top += tallest;
    }
    json!({
        "id": null,
        "uid": "stateward",
        "title": "stateward",
        "description": "Do workloads own their state: requests, findings, and the health of who judges them.",
        "tags": ["kubernetes", "stateward"],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {"list": [{
            "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
            "current": {}, "hide": 0, "includeAll": false, "multi": false, "options": [], "refresh": 1, "regex": "",
        }]},
        "annotations": {"list": []},
        "links": [],
        "panels": panels,
    })
}

fn drawn(panel: &Panel, id: usize, place: &Value) -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let targets = panel.asks.iter().zip('A'..).map(|((expression, legend), name)| {
        json!({
            "refId": name.to_string(), "datasource": source, "editorMode": "code", "range": true,
            "expr": expression, "legendFormat": legend,
        })
    });
    let mut drawn = json!({
        "id": id, "title": panel.title, "datasource": source, "gridPos": place, "targets": targets.collect::<Vec<_>>(),
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
    });
    if !panel.description.is_empty() {
        drawn["description"] = panel.description.into();
    }
    let defaults = &mut drawn["fieldConfig"]["defaults"];
    if let Shape::Values(thresholds) = panel.shape {
        let steps = thresholds.iter();
        let steps: Vec<_> = steps
            .map(|(color, value)| json!({"color": color, "value": value}))
            .collect();
        defaults["thresholds"] = json!({"mode": "absolute", "steps": steps});
        defaults["color"] = json!({"mode": "thresholds"});
        drawn["type"] = "stat".into();
        drawn["options"] = json!({
            "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
        });
    } else {
        let (mode, opacity) = if panel.shape == Shape::Stack {
            ("normal", 30)
        } else {
            ("none", 0)
        };
        defaults["custom"] = json!({
            "drawStyle": "line", "fillOpacity": opacity, "lineWidth": 1, "showPoints": "never", "spanNulls": false,
            "stacking": {"group": "A", "mode": mode},
        });
        drawn["type"] = "timeseries".into();
        drawn["options"] = json!({
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        });
    }
    drawn
}

#[test]
fn the_dashboard_is_written_from_the_panels() {
    let text = serde_json::to_string_pretty(&dashboard()).expect("JSON");
    generated::check(FILE, &format!("{text}\n"));
}

#[test]
fn panels_have_ids_and_places_of_their_own() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in list(&dashboard["panels"]) {
        let title = word(&panel["title"]);
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}: an id twice");
        let [x, y, width, height] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a number"));
        assert!(width > 0 && height > 0 && x + width <= COLUMNS, "{title}");
        for column in x..x + width {
            for line in y..y + height {
                assert!(taken.insert((column, line)), "{title} lies upon another");
            }
        }
        assert!(["row", "stat", "timeseries"].contains(&word(&panel["type"])), "{title}");
    }
}

#[test]
fn no_panel_knows_a_data_source_by_its_id() {
    let dashboard = dashboard();
    let [variable] = list(&dashboard["templating"]["list"]) else {
        panic!("one variable");
    };
    assert_eq!(variable["type"], "datasource");
    let wanted = json!({"type": "prometheus", "uid": format!("${{{}}}", word(&variable["name"]))});
    let drawn = list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row");
    for panel in drawn {
        assert_eq!(panel["datasource"], wanted);
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty() && targets.iter().all(|target| target["datasource"] == wanted));
    }
}

/// Every expression with its legend.
fn asks() -> Vec<(String, String)> {
    let mut asks = Vec::new();
    for panel in list(&dashboard()["panels"]) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            asks.push((
                word(&target["expr"]).to_owned(),
                word(&target["legendFormat"]).to_owned(),
            ));
        }
    }
    assert!(asks.len() > 20, "{asks:?}");
    asks
}

#[test]
fn panels_ask_for_what_there_is() {
    let mut known = scrape::series();
    known.extend(of_the_api_server());
    for (expression, legend) in asks() {
        let strange = strange(&expression, &known);
        assert!(strange.is_empty(), "{expression} asks for {strange:?}");
        for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            let by = expression.split(" by (").nth(1).and_then(|rest| rest.split(')').next());
            let mut by = by.unwrap_or_default().split(", ");
            assert!(by.any(|it| it == label), "{expression} has no {label}");
        }
    }
}

#[test]
fn every_metric_is_drawn() {
    let asks: String = asks().into_iter().map(|(expression, _)| expression + "\n").collect();
    // Beside `stateward_reload_refused`, which is 1 for as long as it lasts.
    let told_otherwise = ["stateward_policy_reload_failures_total"];
    let families = scrape::series().into_keys().map(|name| {
        let parts = ["_bucket", "_count", "_sum"];
        let family = parts.iter().find_map(|part| name.strip_suffix(part));
        family.map_or(name.clone(), str::to_owned)
    });
    let missing: BTreeSet<_> = families
        .filter(|family| !asks.contains(family.as_str()) && !told_otherwise.contains(&family.as_str()))
        .collect();
    assert!(missing.is_empty(), "no panel of {FILE} shows {missing:?}");
}

#[test]
fn promtool_takes_every_expression() {
    let mut rules = "groups:\n- name: panels\n  rules:\n".to_owned();
    for (number, (expression, _)) in asks().into_iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m");
        let _ = writeln!(
            rules,
            "  - {{record: 'panel:{number}', expr: {}}}",
            Value::from(expression)
        );
    }
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    std::fs::write(file.path(), &rules).expect("written");
    promtool(&["check", "rules", file.path().to_str().expect("UTF-8")], "");
}
