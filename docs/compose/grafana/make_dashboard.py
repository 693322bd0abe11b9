"""Writes the Grafana dashboard: `python3 docs/compose/grafana/make_dashboard.py > docs/compose/grafana/aimass.json`."""

import json

BY = "by (agent, skill)"
PANELS = [
    ("Tasks a second", "ops", f"sum {BY} (rate(aimass_task_duration_seconds_count[$__rate_interval]))"),
    ("Share of errors", "percentunit",
     f'sum {BY} (rate(aimass_task_duration_seconds_count{{outcome!="done"}}[$__rate_interval]))'
     f" / sum {BY} (rate(aimass_task_duration_seconds_count[$__rate_interval]))"),
    ("Duration, 99th percentile", "s",
     "histogram_quantile(0.99, sum by (agent, skill, le) (rate(aimass_task_duration_seconds_bucket[$__rate_interval])))"),
    ("Wait for a worker, 99th percentile", "s",
     "histogram_quantile(0.99, sum by (agent, skill, le) (rate(aimass_task_queue_duration_seconds_bucket[$__rate_interval])))"),
    ("Time of models, median", "s",
     "histogram_quantile(0.5, sum by (agent, skill, le) (rate(aimass_task_model_duration_seconds_bucket[$__rate_interval])))"),
    ("Size of batches, mean", "short",
     f"sum {BY} (rate(aimass_batch_size_sum[$__rate_interval])) / sum {BY} (rate(aimass_batch_size_count[$__rate_interval]))"),
    ("First item of streams, 99th percentile", "s",
     "histogram_quantile(0.99, sum by (agent, skill, le) (rate(aimass_stream_first_item_duration_seconds_bucket[$__rate_interval])))"),
    ("Tokens read a second", "short",
     f"sum {BY} (rate(gen_ai_client_inference_usage_input_tokens_total[$__rate_interval]))"
     f" or sum {BY} (rate(gen_ai_client_embeddings_operation_input_tokens_sum[$__rate_interval]))"),
    ("Tokens written a second", "short",
     f"sum {BY} (rate(gen_ai_client_inference_usage_output_tokens_total[$__rate_interval]))"),
    ("Tokens read by an operation, 95th percentile", "short",
     "histogram_quantile(0.95, sum by (agent, skill, le) (rate(gen_ai_client_inference_operation_input_tokens_bucket[$__rate_interval])))"),
    ("Tokens written by an operation, 95th percentile", "short",
     "histogram_quantile(0.95, sum by (agent, skill, le) (rate(gen_ai_client_inference_operation_output_tokens_bucket[$__rate_interval])))"),
    ("Waiting tasks", "short", "aimass_agent_waiting_tasks"),
    ("Bytes of accepted inputs", "bytes", "aimass_agent_input_bytes"),
    ("Workers by what they do", "short", "sum by (agent, state) (aimass_agent_workers)"),
    ("Troubles of workers", "short", "sum by (agent, trouble) (increase(aimass_worker_troubles_total[$__rate_interval]))"),
    ("Restarts of workers", "short", "sum by (agent) (increase(aimass_worker_restarts_total[$__rate_interval]))"),
    ("Restarts of services", "short", "sum by (service) (increase(aimass_service_restarts_total[$__rate_interval]))"),
    ("Services that failed too often", "short", "sum by (service) (aimass_service_failed)"),
    ("Commits of the store, 99th percentile", "s",
     "histogram_quantile(0.99, sum by (le) (rate(aimass_store_commit_duration_seconds_bucket[$__rate_interval])))"),
    ("Retries", "short", "sum by (agent) (increase(aimass_task_retries_total[$__rate_interval]))"),
    ("Dead letters", "short", "sum by (agent) (increase(aimass_dead_letters_total[$__rate_interval]))"),
    ("Memory of models", "bytes", "sum by (agent, model, device) (aimass_model_memory_bytes)"),
    ("What observers missed", "short",
     "sum(increase(aimass_dropped_records_total[$__rate_interval]))"
     " + (sum(increase(aimass_dropped_spans_total[$__rate_interval])) or vector(0))"),
]


def panel(number, title, unit, expression):
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "gridPos": {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": expression, "exemplar": "bucket" in expression}],
    }


print(json.dumps({
    "uid": "aimass",
    "title": "AI Mass",
    "schemaVersion": 39,
    "refresh": "10s",
    "time": {"from": "now-30m", "to": "now"},
    "panels": [panel(number, *described) for number, described in enumerate(PANELS)],
}, indent=2))
