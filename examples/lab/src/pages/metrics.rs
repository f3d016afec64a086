//! What the sessions of this process have done: as a page, and as Prometheus reads it.

use actix_web::{
    HttpResponse, Responder,
    dev::HttpServiceFactory,
    get,
    http::header::ContentType,
    web::{Data, Html},
};
use maud::{Markup, html};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    metrics::{Series, series},
    page::Page,
};

pub(super) fn routes() -> impl HttpServiceFactory {
    (show, text)
}

#[get("/metrics")]
async fn show(page: Page, recorder: Data<PrometheusHandle>) -> actix_web::Result<Html> {
    recorder.run_upkeep();
    let (still, moved): (Vec<_>, Vec<_>) =
        series(&recorder.render()).into_iter().partition(|series| series.value == "0");
    let main = html! {
        h1 { "Metrics" }
        p {
            "What the sessions of this process have done since it started. Prometheus reads the same at "
            a href="/metrics.txt" { code { "/metrics.txt" } } "."
        }
        (table("What happened", &moved))
        details {
            summary { "What has not happened: " (still.len()) " series" }
            (table("What has not happened", &still))
        }
    };
    page.show("Metrics", &main)
}

fn table(label: &str, series: &[Series]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { th scope="col" { "Series" } th scope="col" { "Of" } th.number scope="col" { "Value" } } }
                tbody {
                    @for row in series {
                        tr {
                            th scope="row" { code { (row.name) } }
                            td.muted { (row.labels) }
                            td.number { (row.value) }
                        }
                    }
                }
            }
        }
    }
}

/// In production serve it on a port that only Prometheus reaches.
#[get("/metrics.txt")]
async fn text(recorder: Data<PrometheusHandle>) -> impl Responder {
    recorder.run_upkeep();
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(recorder.render())
}
