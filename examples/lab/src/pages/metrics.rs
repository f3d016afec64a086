//! What the sessions of this process have done: as a page, and as Prometheus reads it.

use actix_web::{
    HttpResponse, Responder,
    dev::HttpServiceFactory,
    get,
    http::header::ContentType,
    web::{Data, Html},
};
use maud::html;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{metrics::series, page::Page};

pub(super) fn routes() -> impl HttpServiceFactory {
    (show, text)
}

#[get("/metrics")]
async fn show(page: Page, recorder: Data<PrometheusHandle>) -> actix_web::Result<Html> {
    recorder.run_upkeep();
    let series = series(&recorder.render());
    let main = html! {
        h1 { "Metrics" }
        p {
            "What the sessions of this process have done since it started. Prometheus reads the same at "
            a href="/metrics.txt" { code { "/metrics.txt" } } "."
        }
        div.scroll tabindex="0" role="region" aria-label="Metrics" {
            table {
                thead { tr { th scope="col" { "Series" } th scope="col" { "Of" } th.number scope="col" { "Value" } } }
                tbody {
                    @for row in &series {
                        tr {
                            th scope="row" { code { (row.name) } }
                            td.muted { (row.labels) }
                            td.number { (row.value) }
                        }
                    }
                }
            }
        }
    };
    page.show("Metrics", &main)
}

/// In production serve it on a port that only Prometheus reaches.
#[get("/metrics.txt")]
async fn text(recorder: Data<PrometheusHandle>) -> impl Responder {
    recorder.run_upkeep();
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(recorder.render())
}
