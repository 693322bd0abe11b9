//! The three signals of the protocol: what differs between spans, metrics and records of logs on their way to a collector.

use std::future::Future;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_client::TraceServiceClient,
};
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::identity::Identity;
use crate::traces::pending::{PendingSpan, by_service};

/// What is sent to a collector, and how.
pub(super) trait Signal: 'static {
    /// What waits to be sent.
    type Item: Send + 'static;
    type Request: Message + Clone;
    type Answer: Message + Default;

    /// What the log calls its items.
    const ITEMS: &'static str;
    /// Where it goes over HTTP.
    const PATH: &'static str;
    /// Items of one request at most.
    const BATCH: usize;
    /// Whether a collector that does not know the signal is no fault: many take traces only, and metrics are sent unless they are switched off.
    const OPTIONAL: bool;

    /// Memory that an item takes, in bytes.
    fn bytes(item: &Self::Item) -> u64;

    /// A batch as one request, sorted by services.
    fn request(identity: &Identity, batch: Vec<Self::Item>) -> Self::Request;

    /// Where it goes by gRPC.
    fn export(
        channel: Channel,
        request: Request<Self::Request>,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>>;

    /// How many of the items the collector refused, and why.
    fn refused(answer: Self::Answer) -> Option<(i64, String)>;
}

/// Spans.
pub(super) struct Traces;

impl Signal for Traces {
    type Item = PendingSpan;
    type Request = ExportTraceServiceRequest;
    type Answer = ExportTraceServiceResponse;

    const ITEMS: &'static str = "spans";
    const PATH: &'static str = "v1/traces";
    const BATCH: usize = 512;
    const OPTIONAL: bool = false;

    fn bytes(pending: &PendingSpan) -> u64 {
        pending.bytes()
    }

    fn request(_: &Identity, batch: Vec<PendingSpan>) -> ExportTraceServiceRequest {
        let services = by_service(batch).into_iter();
        let resource_spans = services.flat_map(|(service, spans)| {
            group_spans_by_resource_and_scope(spans, &(&*service).into())
        });
        ExportTraceServiceRequest {
            resource_spans: resource_spans.collect(),
        }
    }

    async fn export(
        channel: Channel,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        TraceServiceClient::new(channel).export(request).await
    }

    fn refused(answer: ExportTraceServiceResponse) -> Option<(i64, String)> {
        let partial = answer.partial_success?;
        Some((partial.rejected_spans, partial.error_message))
    }
}
