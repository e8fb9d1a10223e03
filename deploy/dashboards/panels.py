"""What the dashboard shows: rows of panels, each a question, its queries, and what to do about the answer.

In a query `<by>` and `<by,label="value">` select the namespace, and `<rate>` is the range of rates.
"""

from __future__ import annotations

from panel import Panel, quantiles

_OK = '<by,outcome="ok">'
_REQUESTS = "grisaille_gateway_request_seconds_count"

ROWS: dict[str, tuple[Panel, ...]] = {
    "Users": (
        Panel(
            "How many requests are there, and how do they end?",
            "reqps",
            ((f"sum by (outcome) (rate({_REQUESTS}<by>[<rate>]))", "{{outcome}}"),),
            "overloaded: scale the workers, then the gateways. failed: the gateways' log has one line each.",
            stacked=True,
        ),
        Panel(
            "What share of the requests fails?",
            "percentunit",
            (
                (
                    (
                        f'sum(rate({_REQUESTS}<by,outcome=~"overloaded|failed">[<rate>]))'
                        f" / sum(rate({_REQUESTS}<by>[<rate>]))"
                    ),
                    "failed or overloaded",
                ),
            ),
            "The objective is 0.1 %. Client errors do not count.",
        ),
        Panel(
            "How long does a request take?",
            "s",
            (
                *quantiles(f"grisaille_gateway_request_seconds_bucket{_OK}", 0.5, 0.9, 0.99),
                (
                    "histogram_quantile(0.99, sum by (le) (rate(grisaille_gateway_service_seconds_bucket<by>[<rate>])))",
                    "p99 without the clients' lines",
                ),
            ),
            "The next row says which stage it is.",
        ),
        Panel(
            "What do clients get wrong, and what is refused?",
            "reqps",
            (
                (
                    'sum by (outcome) (rate(grisaille_gateway_requests_total<by,outcome!="ok">[<rate>])) > 0',
                    "{{outcome}}",
                ),
            ),
            "Each is the slug of a problem: docs/operations.md. decoder-crash: keep the file for a report.",
        ),
        Panel(
            "How much is converted?",
            "none",
            (("sum(rate(grisaille_gateway_pixels_total<by>[<rate>])) / 1e6", "megapixels a second"),),
            "What the machines behind it are worth.",
        ),
        Panel(
            "How many bytes come and go?",
            "Bps",
            (
                ("sum(rate(grisaille_gateway_upload_bytes_sum<by>[<rate>]))", "uploads"),
                ("sum(rate(grisaille_gateway_result_bytes_total<by>[<rate>]))", "results"),
            ),
            "The network of a gateway's node carries the uploads twice and the results twice.",
        ),
    ),
    "Where the time goes": (
        Panel(
            "In which stage is a request's time spent?",
            "s",
            (
                (
                    (
                        "sum by (stage) (rate(grisaille_gateway_stage_seconds_sum<by>[<rate>]))"
                        f" / ignoring (stage) group_left sum(rate({_REQUESTS}{_OK}[<rate>]))"
                    ),
                    "{{stage}}",
                ),
            ),
            "receive, respond: the client's line. queue: room. split, merge: the gateway's CPU. send, return: the "
            "network. work: the workers, their queue included.",
            stacked=True,
        ),
        Panel(
            "Which stage makes slow requests slow?",
            "s",
            (
                (
                    (
                        "histogram_quantile(0.9, sum by (le, stage) "
                        "(rate(grisaille_gateway_stage_seconds_bucket<by>[<rate>])))"
                    ),
                    "{{stage}}",
                ),
            ),
            "The 90th percentile of each stage.",
        ),
        Panel(
            "Does it pay to split?",
            "none",
            quantiles("grisaille_gateway_speedup_ratio_bucket<by>", 0.5, 0.9),
            "Time on workers beside that of the request: 4 means as fast as four workers could at best.",
        ),
        Panel(
            "How are pictures converted?",
            "reqps",
            ((f"sum by (plan) (rate({_REQUESTS}{_OK}[<rate>]))", "{{plan}}"),),
            "inline: no worker was ready. whole: not to be cut, or the workers were busy with others.",
            stacked=True,
        ),
    ),
    "Workers": (
        Panel(
            "How busy are the workers?",
            "percentunit",
            (
                (
                    (
                        "sum by (pod) (rate(grisaille_worker_conversion_seconds_sum<by>[<rate>]))"
                        " / sum by (pod) (grisaille_worker_slots<by>)"
                    ),
                    "{{pod}}",
                ),
            ),
            "Above 80 % add workers: kubectl scale.",
        ),
        Panel(
            "Does work wait for a slot?",
            "s",
            quantiles("grisaille_worker_queue_seconds_bucket<by>", 0.5, 0.9),
            "More than a conversion takes means too few workers.",
        ),
        Panel(
            "Does every worker get its share?",
            "ops",
            (
                (
                    'sum by (pod) (rate(grisaille_worker_conversions_total<by,outcome="ok">[<rate>]))',
                    "{{pod}}",
                ),
            ),
            "One far below the others: look whether it is ejected, at its node, and at its log.",
        ),
        Panel(
            "What do workers spend their time on?",
            "s",
            (
                (
                    "sum by (step, format) (rate(grisaille_worker_step_seconds_sum<by>[<rate>])) > 0",
                    "{{step}} {{format}}",
                ),
            ),
            "pillow: formats and kinds that only Pillow reads; progressive JPEGs among them.",
            stacked=True,
        ),
        Panel(
            "How many workers are there?",
            "none",
            (("max by (state) (grisaille_gateway_workers<by>)", "{{state}}"),),
            "known but not ready: starting, or without an answer to the probe of the gateway.",
        ),
        Panel(
            "How fast are workers ready?",
            "s",
            (
                (
                    (
                        "max by (pod) ((grisaille_worker_ready_time_seconds<by> > 0) - on (pod, namespace) "
                        'process_start_time_seconds<by,job="worker">)'
                    ),
                    "{{pod}}",
                ),
                ("max(grisaille_worker_kernel_cache_misses<by>)", "kernels compiled (0 in an image)"),
            ),
            "Two seconds of CPU; much more where kernels are compiled, on processors older than the image is for.",
        ),
    ),
    "Fan-out": (
        Panel(
            "How do attempts fail?",
            "ops",
            (
                (
                    'sum by (outcome) (rate(grisaille_gateway_attempts_total<by,outcome!~"ok|cancelled">[<rate>]))',
                    "{{outcome}}",
                ),
            ),
            "not-sent: a pod that is gone. no-answer: it died. busy: its queue is full. Each has a line in the log.",
        ),
        Panel(
            "How much is tried again, and does the budget hold?",
            "ops",
            (
                ("sum(rate(grisaille_gateway_retries_total<by>[<rate>]))", "retries"),
                ("sum(rate(grisaille_gateway_retry_budget_exhausted_total<by>[<rate>]))", "had to wait"),
            ),
            "Waiting retries mean that more than a fifth of the attempts fail: look at the workers, not at this.",
        ),
        Panel(
            "Do hedges help?",
            "ops",
            (("sum by (result) (rate(grisaille_gateway_hedges_total<by>[<rate>]))", "{{result}}"),),
            "won: the second attempt was answered first. Many: some worker is slow now and then.",
        ),
        Panel(
            "Who is put out, and why?",
            "none",
            (("sum by (reason) (increase(grisaille_gateway_ejections_total<by>[5m]))", "{{reason}}"),),
            "For 10 s and longer each time. The gateway's log names the worker of each failed attempt.",
        ),
        Panel(
            "How far behind is the slowest part?",
            "none",
            quantiles("grisaille_gateway_straggler_ratio_bucket<by>", 0.5, 0.9),
            "Slowest beside median: near 1 is even. High: unequal nodes, or workers that also do other things.",
        ),
        Panel(
            "Into how many parts are pictures cut?",
            "none",
            (
                (
                    (
                        "sum(rate(grisaille_gateway_request_stripes_sum<by>[<rate>]))"
                        " / sum(rate(grisaille_gateway_request_stripes_count<by>[<rate>]))"
                    ),
                    "parts a request",
                ),
            ),
            "Few although workers idle: pictures are small, or of kinds that cannot be cut.",
        ),
    ),
    "Capacity": (
        Panel(
            "Is there room?",
            "percentunit",
            (
                (
                    "max(grisaille_gateway_held_bytes<by> / grisaille_gateway_held_bytes_limit<by>)",
                    "bytes of uploads and results",
                ),
                (
                    "max(grisaille_gateway_conversions<by> / grisaille_gateway_conversions_limit<by>)",
                    "conversions",
                ),
            ),
            "bytes: more gateways. conversions: more workers.",
        ),
        Panel(
            "What is refused for want of room?",
            "reqps",
            (("sum by (shortage) (rate(grisaille_gateway_refused_total<by>[<rate>]))", "{{shortage}}"),),
            "Each was answered 503 with Retry-After after a second.",
        ),
        Panel(
            "How much memory do the processes take?",
            "bytes",
            (
                (
                    'sum by (pod, job) (process_resident_memory_bytes<by,job=~"gateway|worker">)',
                    "{{job}} {{pod}}",
                ),
            ),
            "A worker's decoders are processes of their own and not in this; the container's is below.",
        ),
        Panel(
            "How near are containers to their memory limit?",
            "percentunit",
            (
                (
                    "max by (pod) (grisaille_worker_memory_bytes<by> / grisaille_worker_memory_limit_bytes<by>)",
                    "{{pod}}",
                ),
                (
                    "max by (pod) (grisaille_gateway_memory_bytes<by> / grisaille_gateway_memory_limit_bytes<by>)",
                    "{{pod}}",
                ),
            ),
            "Above 90 %: raise the limit or lower MAX_PIXELS_WHOLE (docs/operations.md).",
        ),
        Panel(
            "How much CPU do they take?",
            "none",
            (
                (
                    'sum by (job) (rate(process_cpu_seconds_total<by,job=~"gateway|worker">[<rate>]))',
                    "{{job}}",
                ),
            ),
            "In cores. The gateway never decodes: much of it means many or large uploads.",
        ),
    ),
}
