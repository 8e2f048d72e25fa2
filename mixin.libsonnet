// The rules and the dashboards as a monitoring mixin (https://monitoring.mixins.dev), for those who build theirs with
// Jsonnet. It reads the files of alerts/ and grafana/ as they are:
//
//   jb install github.com/volsync-exporter/volsync-exporter@main
//   (import 'github.com/volsync-exporter/volsync-exporter/mixin.libsonnet') + { _config+:: { runbookBase: 'https://…' } }
//
// A group that holds an alert is in `prometheusAlerts` as a whole, since its rules are evaluated in their order; those
// that only record are in `prometheusRules`. One PrometheusRule takes both.
local own = 'https://github.com/volsync-exporter/volsync-exporter/blob/main/alerts/runbooks';
local files = [
  importstr 'alerts/volsync-root-causes.rules.yaml',
  importstr 'alerts/volsync-backups.rules.yaml',
  importstr 'alerts/volsync-causes.rules.yaml',
  importstr 'alerts/volsync-exporter.rules.yaml',
  importstr 'alerts/volsync-objectives.rules.yaml',
];
// The alerts of the causes share their texts by YAML's aliases, which Jsonnet's C++ implementation does not follow.
local followed(annotations, rules) = {
  [name]: if annotations[name] == '*' + name then rules[0].annotations[name] else annotations[name]
  for name in std.objectFields(annotations)
};
local withTexts(group) = group {
  rules: [
    if std.objectHas(rule, 'annotations') then rule { annotations: followed(rule.annotations, group.rules) } else rule
    for rule in group.rules
  ],
};
local hasAlert(group) = std.length([rule for rule in group.rules if std.objectHas(rule, 'alert')]) > 0;

{
  _config+:: {
    // Where the runbook pages are.
    runbookBase: own,
  },

  local moved(text) = std.strReplace(text, own, std.rstripChars($._config.runbookBase, '/')),
  local groups = std.map(withTexts, std.flatMap(function(text) std.parseYaml(moved(text)).groups, files)),

  prometheusAlerts+:: { groups+: [group for group in groups if hasAlert(group)] },
  prometheusRules+:: { groups+: [group for group in groups if !hasAlert(group)] },
  grafanaDashboards+:: {
    'volsync-overview.json': std.parseJson(moved(importstr 'grafana/dashboards/overview.json')),
    'volsync-claim.json': std.parseJson(moved(importstr 'grafana/dashboards/claim.json')),
  },
}
